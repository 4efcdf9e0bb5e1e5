/** What Gmail's content script asks for. */
import { normalEntry, withEntry } from "../core/address-list";
import type { Found } from "../messages/answers";
import type { GmailHandlers } from "../messages/hear";
import { Failed } from "../server/http";
import type { SignIns } from "../server/sign-ins";
import { languageOf } from "../text/say";
import type { Calls } from "./calls";
import { mails } from "./database";
import { draftChoices, keepDraft, origins, seenAccounts, settings } from "./kept";
import type { Outbox } from "./outbox";
import type { Schedule } from "./scheduled";
import { tellGmail, tellPages } from "./tell";

const ACCOUNTS_KEPT = 20;
/** One look-up of many recipients asks for this many at once. */
const AT_ONCE = 6;
const CONTACT_KEPT_MS = 60_000;

export function gmailDesk(calls: Calls, signIns: SignIns, outbox: Outbox, schedule: Schedule): GmailHandlers {
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
    prepare: (asked) => outbox.prepare(asked),
    sent: async (asked) => {
      await outbox.sent(asked);
      return null;
    },
    cancelled: async (asked) => {
      await outbox.cancelled(asked);
      return null;
    },
    scheduled: async (asked) => {
      await schedule.take(asked);
      return null;
    },
    undone: async (asked) => [
      ...(await outbox.undone(asked)),
      ...(await schedule.undone(asked.account, asked.draft)),
    ],
    contacts: async ({ account, addresses }) => contacts.of(account, addresses),
    search: ({ account, text }) => calls.search(account, text),
    viewing: async ({ account, pixels }) => {
      const mine = await Promise.all(pixels.map((pixel) => mails.ofPixel(account, pixel)));
      const ids = mine.flatMap((one) => (one ? [one.message_id] : []));
      if (ids.length > 0) await calls.viewing(account, ids);
      return null;
    },
    status: async ({ account, provider_message_id }) => {
      const mail = await mails.ofProvider(account, provider_message_id);
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
