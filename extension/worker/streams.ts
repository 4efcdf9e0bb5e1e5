/** One push stream for each sign-in. */
import type { Frame } from "../server/shapes";
import { eventIn } from "../server/shapes";
import type { SignIns } from "../server/sign-ins";
import { Stream } from "../server/stream";
import { cursors } from "./kept";
import type { Notifications } from "./notifications";
import { tellPages } from "./tell";

export class Streams {
  readonly #streams = new Map<string, Stream>();

  constructor(
    private readonly signIns: SignIns,
    private readonly notifications: Notifications,
    /** What the server says to this Gmail account may be different now: other settings, another user. */
    private readonly changed: (account: string) => void,
  ) {}

  /** Have exactly the streams that the sign-ins ask for, each connected if it can be. */
  async ensure(): Promise<void> {
    const all = await this.signIns.all();
    for (const [account, stream] of this.#streams) {
      if (account in all) continue;
      stream.close();
      this.#streams.delete(account);
    }
    for (const [account, { server }] of Object.entries(all)) {
      if (!this.#streams.has(account))
        this.#streams.set(account, this.#stream(account, server.kaifu_push_url));
    }
    await Promise.all([...this.#streams.values()].map((stream) => stream.ensure()));
  }

  /** A new sign-in begins with a new stream and no cursor of another's. */
  async restart(account: string): Promise<void> {
    this.#streams.get(account)?.close();
    this.#streams.delete(account);
    await cursors.change((all) =>
      Object.fromEntries(Object.entries(all).filter(([name]) => name !== account)),
    );
    this.changed(account);
    await this.ensure();
  }

  #stream(account: string, url: string): Stream {
    return new Stream({
      url,
      cursor: async () => (await cursors.read())[account] ?? null,
      accessToken: (fresh) => (fresh ? this.signIns.renewed(account) : this.signIns.accessToken(account)),
      frame: (frame) => this.#frame(account, frame),
    });
  }

  /**
   * The cursor moves when its event is done with: what is cut off in between comes again, and the book of
   * pop-ups knows it. A summary has no id by which it could be known, so there the cursor moves first.
   */
  async #frame(account: string, frame: Frame): Promise<void> {
    if (!("cursor" in frame)) return;
    const { cursor } = frame;
    const move = () => cursors.change((all) => ({ ...all, [account]: cursor }));
    if (frame.type === "event") await this.#event(account, frame.event, frame.silent !== undefined);
    await move();
    if (frame.type === "summary") await this.notifications.missed(frame.count, frame.notification_ids);
    // Also when the stream stands anew: what changed before, while there was none, was told to nobody.
    tellPages();
  }

  async #event(account: string, value: unknown, silent: boolean): Promise<void> {
    const event = eventIn(value);
    if (event?.type === "notification_raised" || event?.type === "notification_retracted")
      await this.notifications.hear(account, event, silent);
    if (event?.type === "settings_changed") this.changed(account);
    if (event?.type === "sign_in_revoked") await this.signIns.renewed(account).catch(() => undefined);
  }
}
