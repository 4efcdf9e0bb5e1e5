/** Desktop pop-ups (T4, B3) and the number on the toolbar icon (T6). */
import { candidateNames } from "../core/feed-state";
import { type Raised, type Retracted, receive, summarised } from "../core/pushes";
import { badgeText, type Unread, withMore, withOne, withoutOne } from "../core/unread";
import type { Say } from "../text/say";
import type { Calls } from "./calls";
import { mails } from "./database";
import { book, muted, unread } from "./kept";

const ICON = "icons/128.png";
/** A pop-up is wanted within a second: the name is looked up at the server only for so long. */
const NAMES_WITHIN_MS = 600;
/** Late ones that come together are one summary. */
const SUMMARY_AFTER_MS = 700;

interface Subject {
  subject: string;
  anonymous: boolean;
  recipients: readonly { slot: number; name: string; address: string; contact_id: string | null }[];
}

export class Notifications {
  #late = 0;
  #summary: ReturnType<typeof setTimeout> | undefined;
  #inOrder: Promise<void> = Promise.resolve();

  constructor(
    private readonly calls: Calls,
    private readonly say: () => Promise<Say>,
  ) {}

  /** Events change the book one after the other. */
  hear(account: string, event: Raised | Retracted, silent: boolean): Promise<void> {
    return this.#next(() => this.#hear(account, event, silent));
  }

  #next(work: () => Promise<void>): Promise<void> {
    this.#inOrder = this.#inOrder.then(work).catch(() => undefined);
    return this.#inOrder;
  }

  async #hear(account: string, event: Raised | Retracted, silent: boolean): Promise<void> {
    const before = await book.read();
    const { book: after, action } = receive(before, event, Date.now(), silent || (await isMutedHere(event)));
    if (after !== before) await book.write({ settled: [...after.settled] });
    if (action.do === "clear") await this.#clear(action.id);
    if (action.do === "count") {
      await this.#count((all) => withOne(all, action.raised.notification_id));
      this.#summariseSoon(1);
    }
    if (action.do === "badge") await this.#count((all) => withOne(all, action.raised.notification_id));
    if (action.do === "show") await this.#show(account, action.raised);
  }

  async #clear(id: string): Promise<void> {
    const all = await chrome.notifications.getAll();
    const name = Object.keys(all).find((one) => one.startsWith(`raised ${id} `));
    if (name) await chrome.notifications.clear(name);
    await this.read(id);
  }

  /** So many were not seen in time; of the newest the ids are known. */
  missed(count: number, ids: readonly string[]): Promise<void> {
    return this.#next(() => this.#missed(count, ids));
  }

  async #missed(count: number, ids: readonly string[]): Promise<void> {
    const { book: after, fresh } = summarised(await book.read(), ids);
    const nameless = Math.max(0, count - ids.length);
    if (fresh.length + nameless === 0) return;
    await book.write({ settled: [...after.settled] });
    await this.#count((all) => fresh.reduce(withOne, withMore(all, nameless)));
    this.#summariseSoon(fresh.length + nameless);
  }

  /** The rep has seen this one, or it is withdrawn. */
  read(id: string): Promise<void> {
    return this.#count((all) => withoutOne(all, id));
  }

  #summariseSoon(count: number): void {
    this.#late += count;
    clearTimeout(this.#summary);
    this.#summary = setTimeout(() => void this.#summarise(), SUMMARY_AFTER_MS);
  }

  async #summarise(): Promise<void> {
    const count = this.#late;
    this.#late = 0;
    const say = await this.say();
    await this.#raise("summary", say("summaryTitle"), say("summaryBody", { count }));
  }

  async #show(account: string, raised: Raised): Promise<void> {
    const say = await this.say();
    const name = `raised ${raised.notification_id} ${account} ${raised.message_id ?? ""}`;
    if (raised.kind === "test") {
      await this.#raise(name, say("testTitle"), say("testBody"));
      return;
    }
    const mail = raised.message_id ? await this.#subject(account, raised.message_id) : null;
    const subject = mail?.subject || say("noSubject");
    if (raised.kind === "log_refused") await this.#raise(name, say("logRefusedTitle"), subject);
    else await this.#raise(name, say(raised.kind, { who: who(say, mail, raised.candidates) }), subject);
    await this.#count((all) => withOne(all, raised.notification_id));
  }

  async #subject(account: string, messageId: string): Promise<Subject | null> {
    const mail = await mails.ofMessage(messageId).catch(() => null);
    if (mail && mail.recipients.length > 0)
      return {
        subject: mail.subject,
        anonymous: false,
        recipients: mail.recipients.map((one) => ({ ...one, contact_id: null })),
      };
    const late = new Promise<null>((resolve) => setTimeout(resolve, NAMES_WITHIN_MS, null));
    return Promise.race([this.calls.row(account, messageId).catch(() => null), late]);
  }

  async signedOut(account: string): Promise<void> {
    const say = await this.say();
    await this.#raise(`signed-out ${account}`, say("signedOutTitle"), say("signedOutBody", { account }));
  }

  /** About a mail of the rep's own, with its subject. */
  async note(text: string, subject: string): Promise<void> {
    const say = await this.say();
    await this.#raise(`note ${crypto.randomUUID()}`, text, subject || say("noSubject"));
  }

  async #raise(name: string, title: string, message: string): Promise<void> {
    await chrome.notifications.create(name, {
      type: "basic",
      iconUrl: chrome.runtime.getURL(ICON),
      title,
      message,
    });
  }

  async #count(change: (unread: Unread) => Unread): Promise<void> {
    await unread.change(change);
    await showBadge();
  }
}

/** Of which the server could not be told. */
async function isMutedHere(event: Raised | Retracted): Promise<boolean> {
  if (event.type !== "notification_raised" || event.message_id === null) return false;
  return (await muted.read()).includes(event.message_id);
}

function who(say: Say, mail: Subject | null, slots: readonly number[]): string {
  const names = mail ? candidateNames(mail, slots) : [];
  const only = names[0];
  if (only === undefined || names.length > 3) return say("someone");
  return names.length === 1 ? only : say("someoneOf", { names: names.join(", ") });
}

export async function showBadge(): Promise<void> {
  await chrome.action.setBadgeBackgroundColor({ color: "#c2410c" });
  await chrome.action.setBadgeText({ text: badgeText(await unread.read()) });
}
