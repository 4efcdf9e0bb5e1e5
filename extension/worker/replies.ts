/** Answers to mail that was sent from here, told to the server once each. */
import { answeredBy } from "../core/replies";
import type { HeardFromGmail } from "../messages/protocol";
import { Failed } from "../server/http";
import type { SignIns } from "../server/sign-ins";
import type { Calls } from "./calls";
import { mails } from "./database";
import { repliesTold } from "./kept";

type Seen = Extract<HeardFromGmail, { type: "reply-seen" }>;

const TOLD_KEPT = 2000;
/** Bad request, unprocessable: the request itself will never do. An older server has no such path. */
const UNFIT: readonly (number | null)[] = [400, 422];

export class Replies {
  /** Several pages, or one that is refreshed, may show the same at once. */
  readonly #underWay = new Set<string>();

  constructor(
    private readonly calls: Pick<Calls, "replied">,
    private readonly signIns: Pick<SignIns, "of">,
  ) {}

  /** What the server did not get is told when the answer is shown again. */
  async seen(asked: Seen): Promise<void> {
    const name = `${asked.account} ${asked.reply}`;
    if (this.#underWay.has(name)) return;
    this.#underWay.add(name);
    try {
      await this.#tell(name, asked);
    } finally {
      this.#underWay.delete(name);
    }
  }

  async #tell(name: string, { account, thread, reply, sender, at }: Seen): Promise<void> {
    const signIn = await this.signIns.of(account);
    if (signIn === null || (await repliesTold.read()).includes(name)) return;
    const own = [account, ...signIn.me.addresses.map((one) => one.address)];
    const found = answeredBy(
      { id: reply, sender, at },
      await mails.ofThread(account, thread),
      new Set(own.map((address) => address.toLowerCase())),
    );
    if (found === null) return;
    try {
      await this.calls.replied(account, {
        ...found,
        reply_id: reply,
        occurred_at: new Date(at).toISOString(),
      });
    } catch (error) {
      if (!(error instanceof Failed) || !UNFIT.includes(error.status)) throw error;
    }
    await repliesTold.change((all) => [...all.filter((one) => one !== name), name].slice(-TOLD_KEPT));
  }
}
