/**
 * Mail that Gmail sends later. It is reported as scheduled at once, and as sent when its time has come, since
 * Gmail tells nobody. What could not be prepared in time is told to the server at that time, for its log.
 */
import * as v from "valibot";
import { cancelled, type Job, newJob } from "../core/job";
import type { Queue } from "../core/queue";
import type { HeardFromGmail, TrackedLink } from "../messages/protocol";
import { Stored } from "../server/stored";
import { type Body, keepBody } from "./body";
import { bodies, mails } from "./database";
import { prepared } from "./kept";
import type { Known } from "./known";

type Asked = Extract<HeardFromGmail, { type: "scheduled" }>;

const Waiting = v.object({
  key: v.string(),
  account: v.string(),
  draft: v.string(),
  send_at: v.string(),
  /** What the server gave; null when it is to be asked late. */
  prepared: v.nullable(v.object({ message_id: v.string(), receipt: v.string() })),
  late: v.nullable(v.looseObject({})),
  /** Whether a body is kept for then. */
  body: v.boolean(),
  page: v.string(),
  logged: v.boolean(),
  links: v.array(v.object({ url: v.string(), tracked_url: v.string() })),
});
type Waiting = v.InferOutput<typeof Waiting>;

const waiting = new Stored(chrome.storage.local, "scheduled", v.array(Waiting), []);

/** The longest that a timer can wait. Whatever stops the worker before, the alarm starts it again. */
const LONGEST_MS = 2 ** 31 - 1;

export class Schedule {
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly queue: Queue,
    private readonly tell: Body["tell"],
  ) {}

  async take(asked: Asked): Promise<void> {
    const mail = await prepared.read(asked.key);
    if (asked.late) await this.#late(asked, mail);
    else if (mail) await this.#prepared(asked, mail);
    void this.queue.run();
  }

  async #prepared(asked: Asked, mail: Known): Promise<void> {
    const { key, account, occurred_at, send_at } = asked;
    const told = { message_id: mail.message_id, receipt: mail.receipt };
    await this.#wait(asked, told, false);
    await this.queue.add(
      newJob(key, account, Date.parse(occurred_at), {
        prepared: told,
        report: { state: "scheduled", occurred_at, send_at },
        body: (await keepBody({ key, html: asked.html, subject: mail.subject, tell: this.tell }))
          ? key
          : null,
      }),
    );
    await mails.keep(mail).catch(() => undefined);
    await prepared.drop(key);
  }

  async #late(asked: Asked, mail: Known | null): Promise<void> {
    if (mail) await this.queue.add(cancelled(mail.key, mail.account, mail));
    if (!asked.late?.log) return;
    const key = lateKey(asked.key);
    const body = { key, html: asked.html, subject: asked.late.subject, tell: this.tell };
    await this.#wait(asked, null, await keepBody(body));
  }

  /** Report those whose time has come, and be there when the next one's comes. */
  async due(now: number): Promise<void> {
    const all = await waiting.read();
    const due = all.filter((entry) => Date.parse(entry.send_at) <= now);
    for (const entry of due) {
      await this.queue.add(sent(entry));
      await this.#forget(entry);
    }
    if (due.length > 0) void this.queue.run();
    const later = all.filter((entry) => !due.includes(entry)).map((entry) => Date.parse(entry.send_at) - now);
    clearTimeout(this.#timer);
    if (later.length > 0)
      this.#timer = setTimeout(() => void this.due(Date.now()), Math.min(...later, LONGEST_MS));
  }

  /** The rep has taken the draft back. What stood in it in place of what. */
  async undone(account: string, draft: string): Promise<TrackedLink[]> {
    const found = (await waiting.read()).filter((one) => one.account === account && one.draft === draft);
    for (const entry of found) {
      if (entry.prepared) await this.queue.add(cancelled(entry.key, account, entry.prepared));
      if (entry.body) await bodies.drop(lateKey(entry.key)).catch(() => undefined);
      await this.#forget(entry);
    }
    if (found.length > 0) void this.queue.run();
    return found.flatMap((entry) => entry.links);
  }

  /** Bodies that are kept for later. */
  async bodies(): Promise<string[]> {
    return (await waiting.read()).filter((one) => one.body).map((one) => lateKey(one.key));
  }

  async #wait(asked: Asked, told: Waiting["prepared"], body: boolean): Promise<void> {
    const { key, account, draft, send_at, page, links } = asked;
    const late = asked.late && { ...asked.late, links: [], track: false };
    const logged = asked.html !== null;
    const entry = { key, account, draft, send_at, prepared: told, late, body, page, logged, links };
    await waiting.change((all) => [...all.filter((one) => one.key !== key), entry]);
    await this.due(Date.now());
  }

  #forget(entry: Waiting): Promise<void> {
    return waiting.change((all) => all.filter((one) => one.key !== entry.key));
  }
}

function lateKey(key: string): string {
  return `${key}-late`;
}

/** `sent`, at the time that was chosen; where it could not be prepared before, with all that belongs to it. */
function sent({ key, account, draft, send_at, prepared, late, body, page, logged }: Waiting): Job {
  return newJob(late ? lateKey(key) : `${key}-due`, account, Date.parse(send_at), {
    draft,
    prepare: late,
    prepared,
    report: { state: "sent", occurred_at: send_at },
    body: body ? lateKey(key) : null,
    attachments: logged ? { provider_message_id: `msg-a:${draft}`, page } : null,
  });
}
