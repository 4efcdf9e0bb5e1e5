/** How the Track and Log boxes of a compose window start, and why they may be greyed (T1, L1, E1, E2, L9). */
import { matches } from "./address-list";

const ACCOUNT_REASONS = [
  "account_tracking_off",
  "account_logging_off",
  "no_legal_basis",
  "recipients_never_logged",
] as const;
type AccountReason = (typeof ACCOUNT_REASONS)[number];
export type GreyReason =
  | "signed_out"
  | "never_track"
  | "never_log"
  | "cut_off"
  | "not_allowed"
  | AccountReason;

/** What the server would decide of this mail. `start`: how the box starts for everybody; null: as the rep likes. */
export interface AccountBox {
  enabled: boolean;
  reason: string | null;
  start: boolean | null;
}

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
 * A choice made in this draft stands over the account's start value (A3, A5), and that over the rep's default. A recipient on the rep's never-track list keeps
 * the whole mail untracked (all share one pixel); one on the never-log list keeps it unlogged. What the account
 * does not allow is greyed before all; null: the server has not said, and decides when the mail is sent.
 */
export function boxes(
  signedIn: boolean,
  choices: Choices,
  defaults: Defaults,
  recipients: readonly string[],
  account: { track: AccountBox; log: AccountBox } | null,
): { track: BoxState; log: BoxState } {
  if (!signedIn) return { track: greyed("signed_out"), log: greyed("signed_out") };
  const listed = (list: readonly string[]) => recipients.some((address) => matches(list, address));
  const box = (
    chosen: boolean | null,
    said: AccountBox | undefined,
    byDefault: boolean,
    own: GreyReason | null,
  ): BoxState => {
    if (said && !said.enabled) return greyed(reasonOf(said));
    const checked = chosen ?? said?.start ?? byDefault;
    return own ? greyed(own) : { checked, enabled: true, reason: null };
  };
  const neverTrack = listed(defaults.neverTrack) ? "never_track" : null;
  const neverLog = listed(defaults.neverLog) ? "never_log" : null;
  return {
    track: box(choices.track, account?.track, defaults.track, neverTrack),
    log: box(choices.log, account?.log, defaults.log, neverLog),
  };
}

function greyed(reason: GreyReason): BoxState {
  return { checked: false, enabled: false, reason };
}

/** A newer server may have reasons that this release has no words for. */
function reasonOf({ reason }: AccountBox): GreyReason {
  return ACCOUNT_REASONS.find((one) => one === reason) ?? "not_allowed";
}
