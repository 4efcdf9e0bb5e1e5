/** What the number on the toolbar icon counts (T6). */

export interface Unread {
  /** Pop-ups that were shown or only counted, by id, so that a withdrawn one is counted no more. Oldest first. */
  ids: readonly string[];
  /** Those of which the server told only how many. */
  more: number;
}

export const NOTHING_UNREAD: Unread = { ids: [], more: 0 };
/** The icon says "99+" long before. */
const IDS_KEPT = 500;

export function withOne(unread: Unread, id: string): Unread {
  if (unread.ids.includes(id)) return unread;
  return { ...unread, ids: [...unread.ids, id].slice(-IDS_KEPT) };
}

export function withMore(unread: Unread, count: number): Unread {
  return { ...unread, more: unread.more + count };
}

export function withoutOne(unread: Unread, id: string): Unread {
  return { ...unread, ids: unread.ids.filter((one) => one !== id) };
}

export function badgeText({ ids, more }: Unread): string {
  const count = ids.length + more;
  return count === 0 ? "" : count > 99 ? "99+" : String(count);
}
