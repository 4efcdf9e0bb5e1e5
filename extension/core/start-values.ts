/** How the Track and Log boxes of a compose window start, and why they may be greyed (T1, L1, E1, E2, L9). */
import { matches } from "./address-list";

export type GreyReason = "signed_out" | "never_track" | "never_log" | "not_understood" | "cut_off";

export interface BoxState {
  checked: boolean;
  enabled: boolean;
  reason: GreyReason | null;
}

export interface Choices {
  /** What the rep did in this draft; null: left as it was. */
  track: boolean | null;
  log: boolean | null;
}

export interface Defaults {
  track: boolean;
  log: boolean;
  neverTrack: readonly string[];
  neverLog: readonly string[];
}

export const UNTOUCHED: Choices = { track: null, log: null };

const GONE: BoxState = { checked: false, enabled: false, reason: "cut_off" };
/** When the extension is gone from under the page. */
export const CUT_OFF = { track: GONE, log: GONE };

/**
 * A choice made in this draft stands over the rep's default. A recipient on the rep's never-track list keeps
 * the whole mail untracked (all share one pixel); one on the never-log list keeps it unlogged.
 */
export function boxes(
  signedIn: boolean,
  choices: Choices,
  defaults: Defaults,
  recipients: readonly string[],
): { track: BoxState; log: BoxState } {
  return {
    track: box(signedIn, choices.track ?? defaults.track, defaults.neverTrack, recipients, "never_track"),
    log: box(signedIn, choices.log ?? defaults.log, defaults.neverLog, recipients, "never_log"),
  };
}

function box(
  signedIn: boolean,
  wanted: boolean,
  list: readonly string[],
  recipients: readonly string[],
  reason: GreyReason,
): BoxState {
  if (!signedIn) return { checked: false, enabled: false, reason: "signed_out" };
  if (recipients.some((address) => matches(list, address))) return { checked: false, enabled: false, reason };
  return { checked: wanted, enabled: true, reason: null };
}
