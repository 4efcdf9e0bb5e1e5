/**
 * A mail may be sent before it is known who its recipients are: right after they were typed, or while the server
 * is away. The page then leaves open what it is logged on, and that is answered when the server is asked: as
 * the rep would have found it ticked.
 */
import { type Mail, MOST_CREATED, MOST_RECORDS } from "../messages/protocol";
import type { ComposeContext } from "../server/shapes";

export type Settled = Omit<Mail, "open">;

export function settle({ open, ...mail }: Mail, found: ComposeContext | null, neverCreate: boolean): Settled {
  if (!open || !found) return mail;
  const ticked = (id: string, byDefault: boolean) => open.ticks[id] ?? byDefault;
  const known = new Set(mail.records.map((one) => one.record_id));
  const records = found.records
    .filter((one) => !known.has(one.record_id) && ticked(one.record_id, true))
    .map(({ record_type, record_id }) => ({ record_type, record_id }));
  const strangers = found.recipients
    .filter((one) => one.contact_id === null && ticked(one.address, !neverCreate))
    .map((one) => one.address);
  return {
    ...mail,
    records: [...mail.records, ...records].slice(0, MOST_RECORDS),
    create_contacts: [...new Set([...mail.create_contacts, ...strangers])].slice(0, MOST_CREATED),
  };
}

/**
 * The key under which the server is asked. An answer that is found again may differ, and the server refuses
 * another question under a key that it knows; of two messages that it prepares then, one is never sent.
 */
export async function keyFor(key: string, asked: Mail, settled: Settled): Promise<string> {
  if (!asked.open) return key;
  const text = new TextEncoder().encode(JSON.stringify([settled.records, settled.create_contacts]));
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", text)).slice(0, 8);
  return `${key}-${[...digest].map((byte) => byte.toString(16).padStart(2, "0")).join("")}`;
}
