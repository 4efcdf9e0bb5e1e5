/** A mail that was prepared in this browser: names for pop-ups, and which message a pixel belongs to. */
import * as v from "valibot";
import type { Mail } from "../messages/protocol";
import type { Prepared } from "../server/shapes";

export const Known = v.object({
  key: v.string(),
  account: v.string(),
  /** The draft that it was sent from; null: not sent yet, or taken back. */
  draft: v.nullable(v.string()),
  sentAt: v.nullable(v.number()),
  message_id: v.string(),
  receipt: v.string(),
  subject: v.string(),
  recipients: v.array(v.object({ slot: v.number(), name: v.string(), address: v.string() })),
  pixel: v.nullable(v.string()),
  provider_message_id: v.nullable(v.string()),
  /** Mails of earlier versions have neither thread nor From; of them nobody is named. */
  provider_thread_id: v.optional(v.nullable(v.string()), null),
  from: v.optional(v.string(), ""),
  anonymous: v.optional(v.boolean(), true),
  /** What was put in place of what. */
  links: v.array(v.object({ url: v.string(), tracked_url: v.string() })),
});
export type Known = v.InferOutput<typeof Known>;

export function knownFrom(account: string, key: string, mail: Mail, answer: Prepared): Known {
  return {
    key,
    account,
    draft: null,
    sentAt: null,
    message_id: answer.message_id,
    receipt: answer.receipt,
    subject: mail.subject,
    recipients: [...mail.to, ...mail.cc, ...mail.bcc].map((one, slot) => ({
      slot,
      name: one.name ?? "",
      address: one.address,
    })),
    pixel: answer.pixel_url,
    provider_message_id: null,
    provider_thread_id: null,
    from: mail.from.address,
    anonymous: answer.anonymous ?? true,
    links: [],
  };
}
