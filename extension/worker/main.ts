/** The service worker: the only part that talks to the server. Everything is wired here. */
import "@inboxsdk/core/background.js";
import { Queue } from "../core/queue";
import { hear } from "../messages/hear";
import { SignIns } from "../server/sign-ins";
import { inLanguage, languageOf, type Say } from "../text/say";
import type { TextKey } from "../text/table";
import { Calls } from "./calls";
import { Contexts } from "./contexts";
import { bodies } from "./database";
import { gmailDesk } from "./gmail-desk";
import { jobs, settings } from "./kept";
import { Losses } from "./losses";
import { Notifications, showBadge } from "./notifications";
import { Outbox } from "./outbox";
import { pageDesk } from "./page-desk";
import { Replies } from "./replies";
import { Schedule } from "./scheduled";
import { Streams } from "./streams";
import { tellGmail, tellPages, tellWaiting } from "./tell";

const ALARM = "kaifu";
/** The shortest that Chrome allows: how soon sockets and queue come back after sleep, update or crash. */
const ALARM_MINUTES = 0.5;

const signIns: SignIns = new SignIns(chrome.storage.local, chrome.storage.session, Date.now, (account) => {
  void notifications.signedOut(account);
  void streams.ensure();
  tellPages();
  void tellGmail();
});
const calls = new Calls(signIns);
const notifications = new Notifications(calls, say);
const contexts = new Contexts((account, addresses) => calls.context(account, addresses));
const streams = new Streams(signIns, notifications, (account) => {
  contexts.drop(account);
  void tellGmail();
});
const losses = new Losses(notifications, say);
const queue = new Queue(jobs, calls, { counted: tellWaiting, over: (...step) => losses.over(...step) });
const tell = (key: TextKey, subject: string) => losses.tell(key, subject);
const outbox = new Outbox(calls, queue, tell);
const schedule = new Schedule(queue, tell);

async function say(): Promise<Say> {
  return inLanguage(languageOf((await settings.read()).language, chrome.i18n.getUILanguage()));
}

const house = { id: chrome.runtime.id, origin: chrome.runtime.getURL("").replace(/\/$/, "") };
const gmail = gmailDesk(calls, signIns, outbox, schedule, contexts, new Replies(calls, signIns));
const pages = pageDesk(calls, signIns, queue, streams);

chrome.runtime.onMessage.addListener((message, sender, answer) => {
  const answering = hear(house, gmail, pages, message, sender);
  if (!answering) return false;
  answering.then(answer);
  return true;
});

chrome.notifications.onClicked.addListener((name) => void openFeed(name));
chrome.alarms.onAlarm.addListener((alarm) => {
  if (alarm.name === ALARM) void wake();
});
chrome.runtime.onInstalled.addListener(() => void wake());
chrome.runtime.onStartup.addListener(() => void wake());
self.addEventListener("online", () => void wake());
void wake();
void sweep();

/** What a crash has left behind. */
async function sweep(): Promise<void> {
  const waiting = await jobs.read();
  const named = waiting.flatMap(({ body }) => (body === null ? [] : [body]));
  await bodies.sweep(new Set([...named, ...(await schedule.bodies())]));
}

async function wake(): Promise<void> {
  await chrome.storage.local.setAccessLevel({ accessLevel: "TRUSTED_CONTEXTS" });
  if (!(await chrome.alarms.get(ALARM)))
    await chrome.alarms.create(ALARM, { periodInMinutes: ALARM_MINUTES });
  await Promise.allSettled([showBadge(), schedule.due(Date.now()), queue.run(), streams.ensure()]);
}

/** A pop-up's name says which mail it is about and whose sign-in told of it. */
async function openFeed(name: string): Promise<void> {
  await chrome.notifications.clear(name);
  const [kind, id, account, messageId] = name.split(" ");
  if (kind === "raised" && id) await notifications.read(id);
  const all = await signIns.all();
  const signIn = (kind === "raised" && account ? all[account] : undefined) ?? Object.values(all)[0];
  if (!signIn) {
    await chrome.runtime.openOptionsPage();
    return;
  }
  const place = kind === "raised" && messageId ? `#row-${messageId}` : "";
  await show(`${signIn.server.issuer}/feed${place}`);
}

/** In front of the rep, also when Chrome runs without a window. */
async function show(url: string): Promise<void> {
  try {
    const { windowId } = await chrome.tabs.create({ url });
    await chrome.windows.update(windowId, { focused: true });
  } catch {
    await chrome.windows.create({ url, focused: true });
  }
}
