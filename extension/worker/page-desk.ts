/** What popup and options ask for. */
import type { Queue } from "../core/queue";
import { NOTHING_UNREAD } from "../core/unread";
import type { PageHandlers } from "../messages/hear";
import { Failed } from "../server/http";
import { authorization, codeIn, discover, exchange, serverOrigin } from "../server/oauth";
import type { Discovery } from "../server/shapes";
import type { SignIns } from "../server/sign-ins";
import { languageOf } from "../text/say";
import type { Calls } from "./calls";
import { firstPages, muted, origins, seenAccounts, settings, unread } from "./kept";
import { showBadge } from "./notifications";
import { blockOwnPixels } from "./own-pixel-rules";
import type { Streams } from "./streams";
import { tellGmail } from "./tell";

export function pageDesk(calls: Calls, signIns: SignIns, queue: Queue, streams: Streams): PageHandlers {
  const feedName = async (account: string) => `${account} ${(await signIns.of(account))?.me.user_id}`;
  return {
    overview: async () => {
      const current = await settings.read();
      const all = await signIns.all();
      const names = [...new Set([...(await seenAccounts.read()).reverse(), ...Object.keys(all)])];
      return {
        language: languageOf(current.language, chrome.i18n.getUILanguage()),
        settings: current,
        muted: await muted.read(),
        accounts: await Promise.all(
          names.map(async (account) => {
            const signIn = all[account];
            return {
              account,
              signedIn: signIn !== undefined,
              server: signIn?.server.issuer ?? "",
              name: signIn?.me.name || signIn?.me.address || "",
              ours: signIn?.me.addresses.some((one) => one.address.toLowerCase() === account) ?? false,
              waiting: await queue.waiting(account),
            };
          }),
        ),
      };
    },
    feed: async ({ account, after }) => {
      const name = await feedName(account);
      const page = await calls.feed(account, after);
      if (after === null) await firstPages.change((all) => ({ ...all, [name]: page })).catch(() => undefined);
      return { rows: page.items, next: page.next };
    },
    "kept-feed": async ({ account }) => {
      const page = (await firstPages.read())[await feedName(account)];
      return { rows: page?.items ?? [], next: page?.next ?? null };
    },
    row: ({ account, message_id }) => calls.row(account, message_id),
    seen: async () => {
      await unread.change(() => NOTHING_UNREAD);
      await showBadge();
      return null;
    },
    mute: async ({ account, message_id, muted: on }) => {
      const told = await calls.mute(account, message_id, on).then(
        () => true,
        () => false,
      );
      await muted.change((all) => {
        const others = all.filter((one) => one !== message_id);
        return on && !told ? [...others, message_id].slice(-5000) : others;
      });
      return null;
    },
    discover: async ({ server }) => {
      const found = await discoverAt(server);
      return { origins: [...new Set([found.issuer, found.kaifu_api_url].map((url) => new URL(url).origin))] };
    },
    "sign-in": async ({ account, server }) => {
      await signIn(account, await discoverAt(server), signIns);
      await streams.restart(account);
      await tellGmail();
      void queue.run();
      return null;
    },
    "sign-out": async ({ account }) => {
      const { [await feedName(account)]: _, ...others } = await firstPages.read();
      await firstPages.write(others);
      await signIns.end(account);
      await streams.ensure();
      await tellGmail();
      return null;
    },
    test: async ({ account }) => {
      await calls.test(account);
      return null;
    },
    settings: async ({ change }) => {
      await settings.change((all) => ({ ...all, ...change }) as typeof all);
      await tellGmail();
      return null;
    },
  };
}

async function discoverAt(typed: string): Promise<Discovery> {
  const origin = serverOrigin(typed);
  if (origin === null) throw new Failed("garbage", "address");
  return discover(origin);
}

async function signIn(account: string, server: Discovery, signIns: SignIns): Promise<void> {
  const asked = await authorization(server, chrome.identity.getRedirectURL("sign-in"), account);
  let answer: string | undefined;
  try {
    answer = await chrome.identity.launchWebAuthFlow({ url: asked.url, interactive: true });
  } catch {
    throw new Failed("refused", "closed");
  }
  const pair = await exchange(server, asked, codeIn(answer ?? "", asked));
  await signIns.begin(account, server, pair);
  await origins.change((all) => [...new Set([...all, server.kaifu_tracking_url])]);
  await blockOwnPixels(await origins.read());
}
