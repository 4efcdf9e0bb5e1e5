/** What becomes of a mail after Send: jobs for the queue, and their withdrawal when the mail is taken back. */
import { cancelled, type Job, newJob } from "../core/job";
import type { Queue } from "../core/queue";
import type { HeardFromGmail, Mail, TrackedLink } from "../messages/protocol";
import type { Prepared } from "../server/shapes";
import type { TextKey } from "../text/table";
import { keepBody } from "./body";
import type { Calls } from "./calls";
import { bodies, mails } from "./database";
import { prepared } from "./kept";
import { type Known, knownFrom } from "./known";

/** Gmail offers Undo for 30 s at most; a draft that opens again so soon after Send was taken back. */
const UNDO_MS = 40_000;
type Asked<T extends HeardFromGmail["type"]> = Extract<HeardFromGmail, { type: T }>;
type Sent = Asked<"sent">;

export class Outbox {
  readonly #undone = new Map<string, number>();

  constructor(
    private readonly calls: Calls,
    private readonly queue: Queue,
    /** Says something to the rep about the mail with this subject. */
    private readonly tell: (key: TextKey, subject: string) => Promise<void>,
  ) {}

  async prepare({ account, key, mail }: Asked<"prepare">): Promise<Omit<Prepared, "receipt">> {
    const { receipt, ...answer } = await this.calls.prepareNow(account, key, mail);
    await prepared.keep(knownFrom(account, key, mail, { ...answer, receipt }));
    return answer;
  }

  /** Written down, then posted: `sent`, and the body of a logged mail. */
  async sent(asked: Sent): Promise<void> {
    const mail = await prepared.read(asked.key);
    try {
      if (this.#takenBack(asked)) await this.#callOff(mail ? [mail] : []);
      else if (asked.late) await this.#unprepared(asked, asked.late, mail);
      else if (mail) await this.#prepared(asked, mail);
    } catch (error) {
      await this.tell("notKept", asked.late?.subject ?? mail?.subject ?? "");
      throw error;
    }
    void this.queue.run();
  }

  async #prepared(asked: Sent, mail: Known): Promise<void> {
    const { draft, provider_message_id, provider_thread_id, links } = asked;
    const { message_id, receipt } = mail;
    await this.#add(asked, { prepared: { message_id, receipt } }, asked.key, mail.subject);
    // Without it pop-ups ask the server for names; the mail itself is safe.
    const sentAt = Date.parse(asked.occurred_at);
    await mails
      .keep({ ...mail, draft, sentAt, provider_message_id, provider_thread_id, links })
      .catch(() => undefined);
    await prepared.drop(mail.key);
  }

  /**
   * The mail went out as it was written: it is prepared now, for its log alone, since nothing can be put into
   * it any more. What was prepared too late to be used is called off.
   */
  async #unprepared(asked: Sent, late: Mail, mail: Known | null): Promise<void> {
    if (late.log) {
      const forLog = { ...late, links: [], track: false };
      await this.#add(asked, { prepare: forLog }, `${asked.key}-late`, late.subject);
    }
    if (mail) await this.#callOff([mail]);
  }

  async #add(asked: Sent, known: Partial<Job>, key: string, subject: string): Promise<void> {
    const { account, draft, occurred_at } = asked;
    const body = { key, html: asked.html, subject, tell: this.tell };
    const report = { state: "sent" as const, occurred_at, ...providerIds(asked) };
    const more = {
      draft,
      report,
      body: (await keepBody(body)) ? key : null,
      attachments: files(asked),
      ...known,
    };
    await this.queue.add(newJob(key, account, Date.parse(occurred_at), more));
  }

  /** The mail did not go out. */
  async cancelled({ account, key }: Asked<"cancelled">): Promise<void> {
    const keys = [key, `${key}-late`];
    const find = () => [prepared.read(key), ...keys.map((one) => mails.ofKey(one).catch(() => null))];
    await this.#takeBack(
      account,
      (job) => keys.includes(job.key),
      () => Promise.all(find()),
    );
  }

  /** The draft is open again: what was sent from it a moment ago was taken back. What stands in place of what. */
  async undone({ account, draft }: Asked<"undone">): Promise<TrackedLink[]> {
    const since = Date.now() - UNDO_MS;
    const recent = (at: number | null) => at !== null && at > since;
    for (const [name, at] of this.#undone) if (!recent(at)) this.#undone.delete(name);
    this.#undone.set(`${account} ${draft}`, Date.now());
    const found = await this.#takeBack(
      account,
      (job) => job.draft === draft && recent(job.at),
      async () => (await mails.ofDraft(account, draft).catch(() => [])).filter((mail) => recent(mail.sentAt)),
    );
    return found.flatMap((mail) => mail.links);
  }

  /** The page tells of a mail when it knows Gmail's ids, and Undo may be quicker. */
  #takenBack({ account, draft, occurred_at }: Sent): boolean {
    return (this.#undone.get(`${account} ${draft}`) ?? 0) > Date.parse(occurred_at);
  }

  /** Jobs that wait are taken out; the server is told of what it knows or may just be getting to know. */
  async #takeBack(
    account: string,
    which: (job: Job) => boolean,
    find: () => Promise<(Known | null)[]>,
  ): Promise<Known[]> {
    const jobs = await this.queue.withdraw(
      (job) => job.account === account && job.draft !== null && which(job),
    );
    const found = (await find()).filter((mail) => mail?.account === account);
    const known = found.filter((mail) => mail !== null);
    await this.#callOff(known);
    for (const { key, prepared } of jobs)
      if (prepared && !known.some((mail) => mail.message_id === prepared.message_id))
        await this.queue.add(cancelled(key, account, prepared));
    for (const { body } of jobs) if (body) await bodies.drop(body).catch(() => undefined);
    void this.queue.run();
    return known;
  }

  async #callOff(known: readonly Known[]): Promise<void> {
    for (const mail of known) {
      await this.queue.add(cancelled(mail.key, mail.account, mail));
      await prepared.drop(mail.key);
      if (mail.sentAt !== null)
        await mails.keep({ ...mail, draft: null, sentAt: null }).catch(() => undefined);
    }
  }
}

function providerIds(asked: Sent): Record<string, string> {
  const { provider_message_id, provider_thread_id } = asked;
  return {
    ...(provider_message_id ? { provider_message_id } : {}),
    ...(provider_thread_id ? { provider_thread_id } : {}),
  };
}

/** Attachments are fetched for mail that is logged. */
function files({ html, provider_message_id, page }: Sent): Job["attachments"] {
  return html === null || provider_message_id === null ? null : { provider_message_id, page };
}
