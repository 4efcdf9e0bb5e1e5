/**
 * Gmail's request for a mail that is to go out later, as gmail.js describes it in public: the message of a
 * send, with the label `^scheduled` in place of `^pfg`. Nobody says where the chosen moment stands in it, so
 * the one moment of the future is taken; where there is none, or several, the request is not understood.
 */
import type { Mailbox, ScheduledSend } from "./page";

export type ScheduledMail = Omit<ScheduledSend, "accepted">;

const LABEL = "^scheduled";
const FARTHEST_MS = 50 * 365.25 * 24 * 3600 * 1000;
const DEEPEST = 40;

/** Whether it is worth reading a request's body. */
export function mayBeScheduled(url: string, body: unknown): body is string {
  return /\/sync(?:\/u\/\d+)?\/i\/s/.test(url) && typeof body === "string" && body.includes(`"${LABEL}"`);
}

/** The mails that a request schedules. `now`: milliseconds. */
export function scheduledMails(body: string, now: number): ScheduledMail[] {
  return messagesIn(parse(body)).map((message) => ({
    draft: String(message[0]).replace(/^msg-a:/, ""),
    written: {
      from: mailboxes([message[1]])[0] ?? { address: "" },
      to: mailboxes(message[2]),
      cc: mailboxes(message[3]),
      bcc: mailboxes(message[4]),
      subject: typeof message[7] === "string" ? message[7] : "",
    },
    html: partsOf(message)[0]?.[1] ?? "",
    sendAt: momentIn(message, now),
  }));
}

/** The request with another body in the mail of this draft. */
export function withHtml(body: string, draft: string, html: string): string {
  const parsed = parse(body);
  for (const message of messagesIn(parsed)) {
    const part = partsOf(message)[0];
    if (part && message[0] === `msg-a:${draft}`) part[1] = html;
  }
  return JSON.stringify(parsed);
}

function parse(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return null;
  }
}

function messagesIn(value: unknown, depth = 0): unknown[][] {
  if (!Array.isArray(value) || depth > DEEPEST) return [];
  if (isScheduled(value)) return [value];
  return value.flatMap((one) => messagesIn(one, depth + 1));
}

function isScheduled(value: unknown[]): boolean {
  const [id] = value;
  if (typeof id !== "string" || !id.startsWith("msg-") || partsOf(value).length === 0) return false;
  return value.some((one) => Array.isArray(one) && one.includes(LABEL));
}

function partsOf(message: unknown[]): [unknown, string][] {
  const content = message[8];
  const parts: unknown = Array.isArray(content) ? content[1] : null;
  if (!Array.isArray(parts)) return [];
  return parts.filter((part) => Array.isArray(part) && typeof part[1] === "string");
}

function mailboxes(list: unknown): Mailbox[] {
  if (!Array.isArray(list)) return [];
  return list.flatMap((one) => {
    if (!Array.isArray(one) || typeof one[1] !== "string") return [];
    const [, address, name] = one;
    return typeof name === "string" && name !== address
      ? [{ address, name: name.slice(0, 256) }]
      : [{ address }];
  });
}

function momentIn(message: unknown[], now: number): string | null {
  const found = new Set<number>();
  const look = (value: unknown, depth: number) => {
    if (Array.isArray(value) && depth < DEEPEST) for (const one of value) look(one, depth + 1);
    for (const moment of [Number(value), Number(value) / 1000])
      if (isNumeric(value) && moment > now && moment < now + FARTHEST_MS) found.add(Math.floor(moment));
  };
  look(message, 0);
  const [moment, another] = found;
  return moment === undefined || another !== undefined ? null : new Date(moment).toISOString();
}

/** Milliseconds or microseconds, which Gmail writes as numbers or as text. */
function isNumeric(value: unknown): boolean {
  return typeof value === "number" || (typeof value === "string" && /^\d{13,16}$/.test(value));
}
