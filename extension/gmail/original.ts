/**
 * The original of a sent mail, as Gmail's *Download original* gives it to the browser that is signed in:
 * the address that gmail.js builds, with an id in Gmail's old form (hexadecimal) or its new one.
 */
const ORIGIN = "https://mail.google.com";
const OLD_ID = /^[0-9a-f]{10,20}$/;
/** Gmail takes mails of 25 MB, which base64 makes a third longer. */
const LARGEST = 64 * 1024 * 1024;
const WITHIN_MS = 120_000;

/** `page`: where the account's page is, `/mail/u/0/`. */
export function originalAddress(page: string, messageId: string): string {
  const id = OLD_ID.test(messageId) ? { th: messageId } : { permmsgid: messageId };
  return `${ORIGIN}${page}?${new URLSearchParams({ view: "att", ...id, attid: "0", disp: "comp", safe: "1" })}&zw`;
}

/** The mail as it went out (RFC 5322), or null when Gmail does not give it, or not yet. */
export async function original(page: string, messageId: string): Promise<ArrayBuffer | null> {
  try {
    const answer = await fetch(originalAddress(page, messageId), {
      credentials: "include",
      cache: "no-store",
      signal: AbortSignal.timeout(WITHIN_MS),
    });
    if (!answer.ok || Number(answer.headers.get("content-length") ?? "0") > LARGEST) return null;
    const mail = await answer.arrayBuffer();
    return looksLikeMail(mail) ? mail : null;
  } catch {
    return null;
  }
}

/** A sign-in page may be all that comes back. */
function looksLikeMail(mail: ArrayBuffer): boolean {
  const start = new TextDecoder("latin1").decode(mail.slice(0, 2000));
  return /^[\w-]+:[ \t]/.test(start.trimStart());
}
