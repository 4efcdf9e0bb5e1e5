/** Everything that the worker keeps across restarts, in one place. Only trusted parts may read it. */
import * as v from "valibot";
import type { Job } from "../core/job";
import { EMPTY_BOOK } from "../core/pushes";
import { NOTHING_UNREAD, type Unread } from "../core/unread";
import { Draft } from "../messages/protocol";
import { RowPage } from "../server/shapes";
import { Stored } from "../server/stored";
import { Jobs } from "./job-shape";
import { Known } from "./known";

const local = chrome.storage.local;
const Strings = v.array(v.string());

export const SETTINGS = v.object({
  language: v.picklist(["auto", "en", "ja"]),
  track: v.boolean(),
  log: v.boolean(),
  neverCreate: v.boolean(),
  neverTrack: Strings,
  neverLog: Strings,
});

export const settings = new Stored(local, "settings", SETTINGS, {
  language: "auto",
  track: true,
  log: true,
  neverCreate: false,
  neverTrack: [],
  neverLog: [],
});

/** Gmail accounts seen in this browser, newest last. */
export const seenAccounts = new Stored(local, "seenAccounts", Strings, []);
/** Tracking addresses of all servers ever signed in to: old pixels stay ours. */
export const origins = new Stored(local, "trackingOrigins", Strings, []);
export const book = new Stored(
  local,
  "pushes",
  v.object({ settled: Strings }),
  EMPTY_BOOK as { settled: string[] },
);
export const cursors = new Stored(local, "cursors", v.record(v.string(), v.string()), {});
export const unread = new Stored(
  local,
  "unread",
  v.object({ ids: Strings, more: v.number() }) as unknown as v.GenericSchema<unknown, Unread>,
  NOTHING_UNREAD,
);
/** Answers that the server knows of, newest last: Gmail account and the answer's id. */
export const repliesTold = new Stored(local, "repliesTold", Strings, []);
/** Mails muted here of which the server could not be told. */
export const muted = new Stored(local, "muted", Strings, []);

/** Mail that was prepared and is not sent yet. Its window ends with the browser, and so may this. */
const underWay = new Stored(chrome.storage.session, "underWay", v.array(Known), []);
const UNDER_WAY_KEPT = 100;

export const prepared = {
  keep: (mail: Known) =>
    underWay.change((all) => [...all.filter((one) => one.key !== mail.key), mail].slice(-UNDER_WAY_KEPT)),
  read: async (key: string): Promise<Known | null> =>
    (await underWay.read()).find((one) => one.key === key) ?? null,
  drop: (key: string) => underWay.change((all) => all.filter((one) => one.key !== key)),
};

const DRAFTS_KEPT = 500;
const drafts = new Stored(local, "drafts", v.array(v.object({ id: v.string(), choices: Draft })), []);

export async function draftChoices(id: string): Promise<v.InferOutput<typeof Draft> | null> {
  return (await drafts.read()).find((one) => one.id === id)?.choices ?? null;
}

export function keepDraft(id: string, choices: v.InferOutput<typeof Draft>): Promise<void> {
  return drafts.change((all) => [...all.filter((one) => one.id !== id), { id, choices }].slice(-DRAFTS_KEPT));
}

export const jobs: Stored<v.GenericSchema<unknown, Job[]>> = new Stored(local, "queue", Jobs, []);

/** The first page of each feed as it was read last, for a popup that is there at once. Ends with the browser. */
export const firstPages = new Stored(chrome.storage.session, "firstPages", v.record(v.string(), RowPage), {});
