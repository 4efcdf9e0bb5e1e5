/**
 * What to do with an event of the push stream: raise a pop-up, clear one, count it for the summary, or only
 * on the badge.
 *
 * The book of what was shown outlives restarts and is written before the screen changes: rather none than two.
 */

export const OLD_MS = 5 * 60 * 1000;
/** Ids remembered; far more than can be on screen or come again on a resume. */
const REMEMBERED = 2000;

export interface Raised {
  type: "notification_raised";
  notification_id: string;
  occurred_at: string;
  kind: "opened" | "clicked" | "log_refused" | "test";
  message_id: string | null;
  candidates: readonly number[];
  reason: string | null;
}

export interface Retracted {
  type: "notification_retracted";
  notification_id: string;
}

export interface Book {
  /** Shown, counted or withdrawn: never to be raised (again). Oldest first. */
  settled: readonly string[];
}

export type Action =
  | { do: "show"; raised: Raised }
  | { do: "count"; raised: Raised }
  | { do: "badge"; raised: Raised }
  | { do: "clear"; id: string }
  | { do: "nothing" };

export const EMPTY_BOOK: Book = { settled: [] };

/** `silent`: the rep wants no pop-up of it (B8), now or later. */
export function receive(
  book: Book,
  event: Raised | Retracted,
  now: number,
  silent = false,
): { book: Book; action: Action } {
  const id = event.notification_id;
  const known = book.settled.includes(id);
  if (event.type === "notification_retracted")
    return { book: known ? book : settle(book, id), action: { do: "clear", id } };
  if (known) return { book, action: { do: "nothing" } };
  if (silent) return { book: settle(book, id), action: { do: "badge", raised: event } };
  const age = now - Date.parse(event.occurred_at);
  return { book: settle(book, id), action: { do: age > OLD_MS ? "count" : "show", raised: event } };
}

/** Which of these, told only in a summary, were not told of before. */
export function summarised(book: Book, ids: readonly string[]): { book: Book; fresh: string[] } {
  const fresh = ids.filter((id) => !book.settled.includes(id));
  return { book: fresh.reduce(settle, book), fresh };
}

function settle(book: Book, id: string): Book {
  return { settled: [...book.settled, id].slice(-REMEMBERED) };
}
