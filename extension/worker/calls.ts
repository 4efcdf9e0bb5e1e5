/** The calls to the server, each with the Gmail account whose sign-in makes it. All raise Failed. */
import type * as v from "valibot";
import type { Job } from "../core/job";
import type { Poster, Result } from "../core/queue";
import type { Found } from "../messages/answers";
import type { Mail } from "../messages/protocol";
import { ask, Failed, tell } from "../server/http";
import {
  Accepted,
  ComposeContext,
  FoundPage,
  KeptFile,
  Prepared,
  RECORD_TYPES,
  type RecordType,
  RowDetail,
  RowPage,
} from "../server/shapes";
import type { SignIns } from "../server/sign-ins";
import { type File, filesOf } from "./attachments";
import { bodies, mails } from "./database";
import { settings } from "./kept";
import { knownFrom } from "./known";
import { keyFor, settle } from "./open-question";

/** Then the mail goes out untracked (E3). The page adds a little for the way to the worker. */
export const PREPARE_MS = 1400;
const READ_MS = 8000;
const POST_MS = 20_000;
/** A large body on a slow line is given more time: 50 kB a second. */
const SLOWEST_PER_MS = 50;
const NO_CONTENT = 204;
const LONGEST_QUERY = 4000;
const PATHS: Record<RecordType, string> = {
  contact: "contacts",
  company: "companies",
  deal: "deals",
  ticket: "tickets",
};

export interface Replied {
  message_id: string;
  reply_id: string;
  occurred_at: string;
  slot: number | null;
}

export class Calls implements Poster {
  constructor(private readonly signIns: SignIns) {}

  /** `deadlineMs` is for all of it, an open question included. */
  async prepareNow(account: string, key: string, mail: Mail, deadlineMs = PREPARE_MS): Promise<Prepared> {
    const end = Date.now() + deadlineMs;
    const api = await this.#api(account);
    const found = mail.open ? await this.context(account, mail.open.addresses, deadlineMs) : null;
    const whole = settle(mail, found, (await settings.read()).neverCreate);
    const idempotent = { "Idempotency-Key": await keyFor(key, mail, whole) };
    return this.signIns.authorized(account, Math.max(1, end - Date.now()), (with_) =>
      ask(Prepared, {
        url: `${api}/v1/messages`,
        method: "POST",
        ...with_,
        headers: { ...with_.headers, ...idempotent },
        body: JSON.stringify(whole),
      }),
    );
  }

  prepare(job: Job): Promise<Result<{ message_id: string; receipt: string }>> {
    return settled(async () => {
      const mail = job.prepare as Mail;
      const prepared = await this.prepareNow(job.account, job.key, mail, POST_MS);
      const sent = { draft: job.draft, sentAt: job.at };
      await mails
        .keep({ ...knownFrom(job.account, job.key, mail, prepared), ...sent })
        .catch(() => undefined);
      return { message_id: prepared.message_id, receipt: prepared.receipt };
    });
  }

  report(job: Job): Promise<Result<null>> {
    return settled(async () => {
      const { message_id, receipt } = prepared(job);
      const { state, ...fields } = job.report ?? { state: "sent" };
      const url = `${await this.#api(job.account)}/v1/messages/${message_id}/${state}`;
      const body = JSON.stringify({ receipt, ...fields });
      await this.signIns.authorized(job.account, POST_MS, (with_) =>
        ask(Accepted, { url, method: "POST", body, ...with_ }),
      );
      return null;
    });
  }

  upload(job: Job): Promise<Result<null>> {
    return settled(async () => {
      const { message_id, receipt } = prepared(job);
      const html = await bodies.read(job.body ?? job.key);
      if (html === null) throw new Failed("refused", "body_lost");
      const url = `${await this.#app(job.account)}/v1/messages/${message_id}/body`;
      const body = JSON.stringify({ receipt, html });
      const deadlineMs = POST_MS + body.length / SLOWEST_PER_MS;
      await this.signIns.authorized(job.account, deadlineMs, (with_) =>
        tell({ url, method: "PUT", body, ...with_ }, NO_CONTENT),
      );
      return null;
    });
  }

  /** Each again after a failure: the server takes a repeated one as the same. */
  attach(job: Job): Promise<Result<null>> {
    return settled(async () => {
      const { message_id, receipt } = prepared(job);
      for (const file of await filesOf(job)) await this.#putFile(job.account, message_id, receipt, file);
      return null;
    });
  }

  async #putFile(account: string, messageId: string, receipt: string, file: File): Promise<void> {
    const { index, name, type, content, sha256 } = file;
    const query = new URLSearchParams({ name, sha256 });
    const url = `${await this.#app(account)}/v1/messages/${messageId}/attachments/${index}?${query}`;
    const deadlineMs = POST_MS + content.length / SLOWEST_PER_MS;
    await this.signIns.authorized(account, deadlineMs, (with_) => {
      const headers = { ...with_.headers, "Kaifu-Receipt": receipt, "Content-Type": type };
      return ask(KeptFile, { url, method: "PUT", body: content, ...with_, headers });
    });
  }

  async feed(account: string, after: string | null): Promise<v.InferOutput<typeof RowPage>> {
    const query = new URLSearchParams({ limit: "50", ...(after ? { after } : {}) });
    return this.#read(account, RowPage, `/v1/feed?${query}`);
  }

  row(account: string, messageId: string): Promise<RowDetail> {
    return this.#read(account, RowDetail, `/v1/feed/${messageId}`);
  }

  /** In the address line, where they fit and can be told apart. */
  async context(account: string, addresses: string[], deadlineMs = READ_MS): Promise<ComposeContext> {
    const query = new URLSearchParams({ to: addresses.join(",") }).toString();
    const short = query.length <= LONGEST_QUERY && !addresses.some((one) => one.includes(","));
    if (short) return this.#read(account, ComposeContext, `/v1/compose-context?${query}`, deadlineMs);
    const url = `${await this.#app(account)}/v1/compose-context`;
    const body = JSON.stringify({ to: addresses });
    return this.signIns.authorized(account, deadlineMs, (with_) =>
      ask(ComposeContext, { url, method: "POST", body, ...with_ }),
    );
  }

  async search(account: string, text: string): Promise<Found[]> {
    const found = await Promise.all(RECORD_TYPES.map((type) => this.#find(account, type, text)));
    return found.flat();
  }

  async viewing(account: string, messageIds: string[]): Promise<void> {
    await this.#tell(account, "POST", `${await this.#api(account)}/v1/viewing`, { message_ids: messageIds });
  }

  /** A mail was answered. */
  async replied(account: string, reply: Replied): Promise<void> {
    await this.#tell(account, "POST", `${await this.#api(account)}/v1/replies`, { replies: [reply] });
  }

  async test(account: string): Promise<void> {
    await this.#tell(account, "POST", `${await this.#app(account)}/v1/notifications/test`);
  }

  /** A mail of the rep's: pop-ups about it on all of the rep's screens, or none. */
  async mute(account: string, messageId: string, muted: boolean): Promise<void> {
    const url = `${await this.#app(account)}/v1/notifications/muted-mails/${messageId}`;
    await this.#tell(account, muted ? "PUT" : "DELETE", url);
  }

  async #find(account: string, type: RecordType, text: string): Promise<Found[]> {
    const query = new URLSearchParams({ q: text, limit: "10" });
    const page = await this.#read(account, FoundPage, `/v1/${PATHS[type]}?${query}`);
    return page.items.map((one) => ({
      record_type: type,
      record_id: one.id,
      name: one.name,
      addresses: one.addresses.map((address) => address.toLowerCase()),
    }));
  }

  async #read<S extends v.GenericSchema>(
    account: string,
    shape: S,
    path: string,
    deadlineMs = READ_MS,
  ): Promise<v.InferOutput<S>> {
    const url = (await this.#app(account)) + path;
    return this.signIns.authorized(account, deadlineMs, (with_) => ask(shape, { url, ...with_ }));
  }

  #tell(account: string, method: "POST" | "PUT" | "DELETE", url: string, body: object = {}): Promise<void> {
    return this.signIns.authorized(account, POST_MS, (with_) =>
      tell({ url, method, body: JSON.stringify(body), ...with_ }),
    );
  }

  async #app(account: string): Promise<string> {
    return (await this.#server(account)).issuer;
  }

  async #api(account: string): Promise<string> {
    return (await this.#server(account)).kaifu_api_url.replace(/\/+$/, "");
  }

  async #server(account: string) {
    const signIn = await this.signIns.of(account);
    if (!signIn) throw new Failed("signed_out");
    return signIn.server;
  }
}

function prepared(job: Job): { message_id: string; receipt: string } {
  if (!job.prepared) throw new Failed("garbage", "not-prepared");
  return job.prepared;
}

/** A garbled answer may be a proxy's page that stands in for a server that is away: try again. */
async function settled<T>(work: () => Promise<T>): Promise<Result<T>> {
  try {
    return { done: true, value: await work() };
  } catch (error) {
    if (!(error instanceof Failed)) throw error;
    const again = error.again || (error.trouble === "garbage" && error.problem !== "not-prepared");
    return { done: false, again, reason: error.problem || error.trouble };
  }
}
