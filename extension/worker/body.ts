/** The body of a mail that is to be logged, kept until it is uploaded. */
import type { TextKey } from "../text/table";
import { bodies } from "./database";

/** The server takes requests of 8 MiB for a body; the rest of the request is small. */
const LARGEST_BODY_BYTES = 8 * 1024 * 1024 - 16 * 1024;
/** As JSON no character has more than six bytes: a shorter body need not be measured. */
const SURELY_FITS = LARGEST_BODY_BYTES / 6;

export interface Body {
  key: string;
  html: string | null;
  /** Of its mail, for what is said to the rep. */
  subject: string;
  tell: (key: TextKey, subject: string) => Promise<void>;
}

/** Whether it is kept. A computer that is full costs the body, never the log. */
export async function keepBody({ key, html, subject, tell }: Body): Promise<boolean> {
  if (html === null) return false;
  if (jsonBytes(html) > LARGEST_BODY_BYTES) {
    await tell("bodyTooLarge", subject);
    return false;
  }
  try {
    await bodies.keep(key, html);
    return true;
  } catch {
    await tell("bodyNotKept", subject);
    return false;
  }
}

function jsonBytes(html: string): number {
  return html.length < SURELY_FITS ? html.length : new TextEncoder().encode(JSON.stringify(html)).length;
}
