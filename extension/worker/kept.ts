/** Everything that the worker keeps across restarts, in one place. Only trusted parts may read it. */
import * as v from "valibot";
import { EMPTY_BOOK } from "../core/pushes";
import type { Job } from "../core/queue";
import { Draft } from "../messages/protocol";
import { Stored } from "../server/stored";

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
export const unread = new Stored(local, "unread", v.number(), 0);
export const muted = new Stored(local, "muted", Strings, []);

const Known = v.object({
  key: v.string(),
  account: v.string(),
  draft: v.nullable(v.string()),
  sentAt: v.nullable(v.number()),
  message_id: v.string(),
  receipt: v.string(),
  subject: v.string(),
  recipients: v.array(v.object({ slot: v.number(), name: v.string(), address: v.string() })),
  pixel: v.nullable(v.string()),
  provider_message_id: v.nullable(v.string()),
});
export type Known = v.InferOutput<typeof Known>;

/** Mail prepared in this browser: names for pop-ups, and which message a pixel belongs to. Newest last. */
export const known = new Stored(local, "known", v.array(Known), []);
const KNOWN_KEPT = 3000;

export function remember(mail: Known): Promise<void> {
  return known.change((all) => [...all.filter((one) => one.key !== mail.key), mail].slice(-KNOWN_KEPT));
}

const DRAFTS_KEPT = 500;
const drafts = new Stored(local, "drafts", v.array(v.object({ id: v.string(), choices: Draft })), []);

export async function draftChoices(id: string): Promise<v.InferOutput<typeof Draft> | null> {
  return (await drafts.read()).find((one) => one.id === id)?.choices ?? null;
}

export function keepDraft(id: string, choices: v.InferOutput<typeof Draft>): Promise<void> {
  return drafts.change((all) => [...all.filter((one) => one.id !== id), { id, choices }].slice(-DRAFTS_KEPT));
}

const JOBS = v.array(
  v.object({
    key: v.string(),
    account: v.string(),
    prepare: v.nullable(v.looseObject({})),
    prepared: v.nullable(v.object({ message_id: v.string(), receipt: v.string() })),
    report: v.nullable(
      v.objectWithRest(
        { state: v.picklist(["sent", "scheduled", "cancelled"]), occurred_at: v.string() },
        v.string(),
      ),
    ),
    body: v.nullable(v.string()),
  }),
);

export const jobs: Stored<v.GenericSchema<unknown, Job[]>> = new Stored(
  local,
  "queue",
  JOBS as unknown as v.GenericSchema<unknown, Job[]>,
  [],
);

/** Bodies that wait to be uploaded, each under its own key. */
export const bodies = {
  keep: (key: string, html: string) => local.set({ [`body.${key}`]: html }),
  read: async (key: string): Promise<string | null> => {
    const found: unknown = (await local.get(`body.${key}`))[`body.${key}`];
    return typeof found === "string" ? found : null;
  },
  drop: (key: string) => local.remove(`body.${key}`),
};
