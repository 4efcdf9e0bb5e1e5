/** Which of the rep's mails in a thread an answer proves open (B7). */
import { receivedAt } from "./message-time";

export interface Answer {
  /** Gmail's id of it. */
  id: string;
  sender: string;
  at: number;
}

export interface SentMail {
  message_id: string;
  provider_message_id: string | null;
  sentAt: number | null;
  from: string;
  pixel: string | null;
  anonymous: boolean;
  /** None: there were too many to be kept. */
  recipients: readonly { slot: number; address: string }[];
}

export interface Answered {
  message_id: string;
  /** Null: the recipients are not known, or not to be told apart. */
  slot: number | null;
}

/** Mail systems that tell of a failure (Exchange by a name of its own), and addresses that nobody reads or writes at. */
const NOBODY =
  /^(mailer-daemon|postmaster|bounces?|microsoftexchange[0-9a-f]+|no-?reply|do-?not-?reply|auto-?reply|notifications?)([-+.].*)?@/i;

/**
 * The newest of the rep's own mails that stood in the thread when the answer came: what somebody answers is
 * what they have before them. Null where that one is not tracked, or the answer is the rep's own or nobody's.
 * Nor does somebody prove anything whom the rep did not write to: it may be the rep, under a name that Kaifu
 * was never told of.
 */
export function answeredBy(
  answer: Answer,
  thread: readonly SentMail[],
  own: ReadonlySet<string>,
): Answered | null {
  const sender = answer.sender.toLowerCase();
  const ours = thread.some((mail) => mail.provider_message_id === answer.id || same(mail.from, sender));
  if (ours || own.has(sender) || NOBODY.test(sender)) return null;
  const before = thread.filter((mail) => sentAt(mail) <= answer.at);
  const newest = before.reduce<SentMail | null>(
    (one, other) => (one !== null && sentAt(one) > sentAt(other) ? one : other),
    null,
  );
  if (newest === null || newest.pixel === null) return null;
  const replier = newest.recipients.find((one) => same(one.address, sender));
  if (replier === undefined && newest.recipients.length > 0) return null;
  return { message_id: newest.message_id, slot: newest.anonymous ? null : (replier?.slot ?? null) };
}

/** By Gmail's clock where that is known, since the answer's time is Gmail's too. */
function sentAt(mail: SentMail): number {
  return receivedAt(mail.provider_message_id ?? "") ?? mail.sentAt ?? Number.POSITIVE_INFINITY;
}

function same(one: string, lower: string): boolean {
  return one.toLowerCase() === lower;
}
