/** A row of the feed as it is shown (T3), and which rows a filter leaves. */

export interface FeedRow {
  message_id: string;
  subject: string;
  recipients: readonly { slot: number; name: string; address: string; contact_id: string | null }[];
  state: "sent" | "opened";
  possible_open: boolean;
  anonymous: boolean;
  sent_at: string;
  first_open_at: string | null;
  last_open_at: string | null;
  opens: number;
  clicks: number;
  /** The rep wants no pop-ups about it, on any screen. */
  muted?: boolean;
}

export type Shown = "opened" | "possible_open" | "sent";
export type Filter = "all" | "opened" | "clicked" | "unopened";
export const FILTERS: readonly Filter[] = ["all", "opened", "clicked", "unopened"];

/** A click never hides the open time; a possible open never looks like an open. */
export function shownState(row: FeedRow): Shown {
  if (row.state === "opened") return "opened";
  return row.possible_open ? "possible_open" : "sent";
}

export function passes(row: FeedRow, filter: Filter): boolean {
  switch (filter) {
    case "all":
      return true;
    case "opened":
      return row.state === "opened";
    case "clicked":
      return row.clicks > 0;
    case "unopened":
      return row.state !== "opened";
  }
}

/** The rows of a further page behind those that are there; a row that moved between pages stands once. */
export function withPage(rows: readonly FeedRow[], page: readonly FeedRow[]): FeedRow[] {
  const known = new Set(rows.map((row) => row.message_id));
  return [...rows, ...page.filter((row) => !known.has(row.message_id))];
}

/** Who may have done it, by name: the candidates' slots, or nobody where it is anonymous. */
export function candidateNames(
  row: Pick<FeedRow, "recipients" | "anonymous">,
  slots: readonly number[],
): string[] {
  if (row.anonymous) return [];
  return row.recipients.filter((one) => slots.includes(one.slot)).map((one) => one.name || one.address);
}
