/** When Gmail got a message, from its id: the same in every language of its page. */

const FIRST_MAIL = Date.UTC(2004, 3, 1);
const SHIFT = 20n;

/**
 * Milliseconds since the epoch; null for an id that has no time in it. All but the last five hexadecimal digits
 * are the time. Nobody promises that: https://www.metaspike.com/dates-gmail-message-id-thread-id-timestamps/
 */
export function receivedAt(id: string): number | null {
  if (!/^[0-9a-f]{16}$/.test(id)) return null;
  const at = Number(BigInt(`0x${id}`) >> SHIFT);
  return at >= FIRST_MAIL ? at : null;
}
