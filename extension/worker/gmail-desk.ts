/** What Gmail's content script asks for. */
import { normalEntry, withEntry } from "../core/address-list";
import type { GmailHandlers } from "../messages/hear";
import { Failed } from "../server/http";
import type { SignIns } from "../server/sign-ins";
import { languageOf } from "../text/say";
import type { Calls } from "./calls";
import type { Contexts } from "./contexts";
import { mails } from "./database";
import { draftChoices, keepDraft, origins, seenAccounts, settings } from "./kept";
import type { Outbox } from "./outbox";
import type { Replies } from "./replies";
import type { Schedule } from "./scheduled";
import { tellGmail, tellPages } from "./tell";

const ACCOUNTS_KEPT = 20;

export function gmailDesk(
  calls: Calls,
  signIns: SignIns,
  outbox: Outbox,
  schedule: Schedule,
  contexts: Contexts,
  replies: Replies,
): GmailHandlers {
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
    context: ({ account, addresses }) => contexts.of(account, addresses),
    search: ({ account, text }) => calls.search(account, text),
    viewing: async ({ account, pixels }) => {
      const mine = await Promise.all(pixels.map((pixel) => mails.ofPixel(account, pixel)));
      const ids = mine.flatMap((one) => (one ? [one.message_id] : []));
      if (ids.length > 0) await calls.viewing(account, ids);
      return null;
    },
    "reply-seen": async (asked) => {
      await replies.seen(asked);
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
