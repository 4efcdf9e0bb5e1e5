/** What the worker answers, by the kind of message. */
import type { FeedRow } from "../core/feed-state";
import type { ComposeContext, Prepared, RecordType, RowDetail } from "../server/shapes";
import type { Language } from "../text/table";
import type { Draft, TrackedLink } from "./protocol";

export interface Settings {
  language: "auto" | "en" | "ja";
  track: boolean;
  log: boolean;
  neverCreate: boolean;
  neverTrack: string[];
  neverLog: string[];
}

export interface Greeting {
  signedIn: boolean;
  language: Language;
  settings: Settings;
  /** Tracking addresses, to know own pixels and links by. */
  origins: string[];
}

export interface Found {
  record_type: RecordType;
  record_id: string;
  name: string;
  /** In lower case; only contacts have any. */
  addresses: string[];
}

export interface AccountOverview {
  account: string;
  signedIn: boolean;
  server: string;
  name: string;
  /** Whether the server takes mail from this Gmail account's own address. */
  ours: boolean;
  waiting: number;
}

export interface Overview {
  language: Language;
  settings: Settings;
  accounts: AccountOverview[];
  muted: string[];
}

export interface GmailAnswers {
  hello: Greeting;
  draft: Draft | null;
  "keep-draft": null;
  prepare: Omit<Prepared, "receipt">;
  sent: null;
  cancelled: null;
  /** What to put back in place of what in the draft. */
  undone: TrackedLink[];
  scheduled: null;
  context: ComposeContext;
  search: Found[];
  viewing: null;
  "reply-seen": null;
  status: FeedRow | null;
  never: null;
  "open-options": null;
}

export interface PageAnswers {
  overview: Overview;
  feed: { rows: FeedRow[]; next: string | null };
  /** What was read last, which may be old, or nothing. */
  "kept-feed": { rows: FeedRow[]; next: string | null };
  row: RowDetail;
  seen: null;
  mute: null;
  discover: { origins: string[] };
  "sign-in": null;
  "sign-out": null;
  test: null;
  settings: null;
}
