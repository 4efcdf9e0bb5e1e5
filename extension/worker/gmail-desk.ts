/** What Gmail's content script asks for. */
import { normalEntry, withEntry } from "../core/address-list";
import type { Queue } from "../core/queue";
import type { Found } from "../messages/answers";
import type { GmailHandlers } from "../messages/hear";
import type { HeardFromGmail, Mail } from "../messages/protocol";
import { Failed } from "../server/http";
import type { Prepared } from "../server/shapes";
import type { SignIns } from "../server/sign-ins";
import { languageOf } from "../text/say";
import type { Calls } from "./calls";
import {
  bodies,
  draftChoices,
  type Known,
  keepDraft,
  known,
  origins,
  remember,
  seenAccounts,
  settings,
} from "./kept";
import { tellGmail, tellPages } from "./tell";

/** Gmail offers Undo for 30 s at most; a draft that opens again so soon after Send was taken back. */
const UNDO_MS = 40_000;
const ACCOUNTS_KEPT = 20;
/** One look-up of many recipients asks for this many at once. */
const AT_ONCE = 6;
const CONTACT_KEPT_MS = 60_000;

export function gmailDesk(calls: Calls, signIns: SignIns, queue: Queue): GmailHandlers {
  const contacts = new ContactCache(calls);
  return {
    hello: async ({ account }) => {
      const fresh = !(await seenAccounts.read()).includes(account);
      await seenAccounts.change((all) =>
        [...all.filter((one) => one !== account), account].slice(-ACCOUNTS_KEPT),
      );
      if (fresh) tellPages();
      const current = await settings.read();
      return {
        signedIn: (await signIns.of(account)) !== null,
        language: languageOf(current.language, chrome.i18n.getUILanguage()),
        settings: current,
        origins: await origins.read(),
      };
    },
    draft: ({ account, draft }) => draftChoices(`${account} ${draft}`),
    "keep-draft": async ({ account, draft, choices }) => {
      await keepDraft(`${account} ${draft}`, choices);
      return null;
    },
    prepare: (asked) => prepare(calls, asked),
    sent: async (asked) => {
      await sent(queue, asked);
      return null;
    },
    cancelled: async ({ key }) => {
      await cancel(queue, (one) => one.key === key);
      return null;
    },
    undone: async ({ account, draft }) => {
      const since = Date.now() - UNDO_MS;
      await cancel(
        queue,
        (one) => one.account === account && one.draft === draft && (one.sentAt ?? 0) > since,
      );
      return null;
    },
    contacts: async ({ account, addresses }) => contacts.of(account, addresses),
    search: ({ account, text }) => calls.search(account, text),
    viewing: async ({ account, pixels }) => {
      const mine = (await known.read()).filter((one) => one.account === account && one.pixel !== null);
      const ids = mine.filter((one) => pixels.includes(one.pixel ?? "")).map((one) => one.message_id);
      if (ids.length > 0) await calls.viewing(account, ids.slice(0, 200));
      return null;
    },
    status: async ({ account, provider_message_id }) => {
      const mail = (await known.read()).find(
        (one) => one.account === account && one.provider_message_id === provider_message_id,
      );
      return mail ? calls.row(account, mail.message_id) : null;
    },
    never: async ({ list, entry, on }) => {
      const normal = normalEntry(entry);
      if (normal === null) throw new Failed("garbage", "entry");
      await settings.change((all) => ({ ...all, [list]: withEntry(all[list], normal, on) }));
      await tellGmail();
      return null;
    },
    "open-options": async () => {
      await chrome.runtime.openOptionsPage();
      return null;
    },
  };
}

type Asked<T extends HeardFromGmail["type"]> = Extract<HeardFromGmail, { type: T }>;

async function prepare(
  calls: Calls,
  { account, key, mail }: Asked<"prepare">,
): Promise<Omit<Prepared, "receipt">> {
  const { receipt, ...prepared } = await calls.prepareNow(account, key, mail);
  await remember(knownFrom(account, key, mail, { ...prepared, receipt }));
  return prepared;
}

function knownFrom(account: string, key: string, mail: Mail, prepared: Prepared): Known {
  return {
    key,
    account,
    draft: null,
    sentAt: null,
    message_id: prepared.message_id,
    receipt: prepared.receipt,
    subject: mail.subject,
    recipients: [...mail.to, ...mail.cc, ...mail.bcc].map((one, slot) => ({
      slot,
      name: one.name ?? "",
      address: one.address,
    })),
    pixel: prepared.pixel_url,
    provider_message_id: null,
  };
}

/** Written down, then posted: `sent` and the body of a logged mail. */
async function sent(queue: Queue, asked: Asked<"sent">): Promise<void> {
  const mail = (await known.read()).find((one) => one.key === asked.key);
  if (asked.late) await sentUnprepared(queue, asked, asked.late, mail);
  else if (mail) await sentPrepared(queue, asked, mail);
  void queue.run();
}

async function sentPrepared(queue: Queue, asked: Asked<"sent">, mail: Known): Promise<void> {
  const { draft, provider_message_id } = asked;
  await remember({ ...mail, draft, sentAt: Date.now(), provider_message_id });
  await add(queue, asked, asked.key, null, { message_id: mail.message_id, receipt: mail.receipt });
}

/**
 * The mail went out as it was written: it is prepared now, for its log alone, since nothing can be put into
 * it any more. What was prepared too late to be used is called off.
 */
async function sentUnprepared(queue: Queue, asked: Asked<"sent">, late: Mail, mail?: Known): Promise<void> {
  if (mail) await cancel(queue, (one) => one.key === mail.key);
  if (late.log) await add(queue, asked, `${asked.key}-late`, { ...late, links: [], track: false }, null);
}

async function add(
  queue: Queue,
  asked: Asked<"sent">,
  key: string,
  prepare: Mail | null,
  prepared: { message_id: string; receipt: string } | null,
): Promise<void> {
  if (asked.html !== null) await bodies.keep(asked.key, asked.html);
  await queue.add({
    key,
    account: asked.account,
    prepare,
    prepared,
    report: { state: "sent", occurred_at: asked.occurred_at, ...providerIds(asked) },
    body: asked.html === null ? null : asked.key,
  });
}

function providerIds(asked: Asked<"sent">): Record<string, string> {
  const { provider_message_id, provider_thread_id } = asked;
  return {
    ...(provider_message_id ? { provider_message_id } : {}),
    ...(provider_thread_id ? { provider_thread_id } : {}),
  };
}

async function cancel(queue: Queue, which: (mail: Known) => boolean): Promise<void> {
  for (const mail of (await known.read()).filter(which)) {
    await remember({ ...mail, sentAt: null });
    await queue.add({
      key: `${mail.key}-cancelled`,
      account: mail.account,
      prepare: null,
      prepared: { message_id: mail.message_id, receipt: mail.receipt },
      report: { state: "cancelled", occurred_at: new Date().toISOString() },
      body: null,
    });
  }
  void queue.run();
}

/** Who is a contact, asked once a minute at most for each address. */
class ContactCache {
  readonly #known = new Map<string, { at: number; found: Promise<Found[]> }>();

  constructor(private readonly calls: Calls) {}

  async of(account: string, addresses: string[]): Promise<Found[]> {
    const all: Found[] = [];
    for (let at = 0; at < addresses.length; at += AT_ONCE) {
      const some = addresses.slice(at, at + AT_ONCE).map((address) => this.#one(account, address));
      all.push(...(await Promise.all(some)).flat());
    }
    return all;
  }

  #one(account: string, address: string): Promise<Found[]> {
    const name = `${account} ${address.toLowerCase()}`;
    const known = this.#known.get(name);
    if (known && Date.now() - known.at < CONTACT_KEPT_MS) return known.found;
    const found = this.calls.contacts(account, address);
    found.catch(() => this.#known.delete(name));
    this.#known.set(name, { at: Date.now(), found });
    return found;
  }
}
