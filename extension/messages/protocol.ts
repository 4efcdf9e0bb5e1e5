/**
 * What the parts of the extension ask of the worker. A content script shares its process with Gmail's page,
 * so the worker checks each message as it would check one from a stranger, and never hands out a token.
 */
import * as v from "valibot";
import { RECORD_TYPES } from "../server/shapes";

const Text = (max: number) => v.pipe(v.string(), v.maxLength(max));
const Address = v.pipe(Text(320), v.regex(/^[^\s@]+@[^\s@]+$/));
const Account = v.pipe(
  Address,
  v.transform((address) => address.toLowerCase()),
);
const Key = v.pipe(Text(100), v.regex(/^[\w-]+$/));
const Id = v.pipe(v.string(), v.uuid());
const Moment = v.pipe(
  Text(40),
  v.check((text) => !Number.isNaN(Date.parse(text))),
);
const Mailbox = v.object({ address: Address, name: v.optional(Text(256)) });
const Mailboxes = v.pipe(v.array(Mailbox), v.maxLength(500));
const Choice = v.nullable(v.boolean());
const RecordRef = v.object({ record_type: v.picklist(RECORD_TYPES), record_id: Id });

/** The last that a Date can name. */
const LAST_MOMENT = 8.64e15;

/** As many as the server takes. */
export const MOST_RECORDS = 200;
export const MOST_CREATED = 500;

export const Mail = v.object({
  from: Mailbox,
  to: Mailboxes,
  cc: Mailboxes,
  bcc: Mailboxes,
  subject: Text(2000),
  links: v.pipe(v.array(Text(4096)), v.maxLength(1000)),
  track: v.boolean(),
  log: v.boolean(),
  records: v.pipe(v.array(RecordRef), v.maxLength(MOST_RECORDS)),
  create_contacts: v.pipe(v.array(Address), v.maxLength(MOST_CREATED)),
  /** Recipients of whom it was not known yet what they bring along, and what the rep (un)ticked of it before. */
  open: v.optional(
    v.object({
      addresses: v.pipe(v.array(Address), v.maxLength(500)),
      ticks: v.record(Text(320), v.boolean()),
    }),
  ),
});
export type Mail = v.InferOutput<typeof Mail>;
export type RecordRef = v.InferOutput<typeof RecordRef>;

export const Draft = v.object({
  track: Choice,
  log: Choice,
  /** What the rep ticked and unticked under Records, by record id or address. */
  ticks: v.optional(v.record(Text(320), v.boolean()), {}),
});
export type Draft = v.InferOutput<typeof Draft>;

/** Where the page of this Gmail account is; several accounts stand side by side. */
const GmailPath = v.pipe(v.string(), v.regex(/^\/mail\/(u\/\d{1,3}\/)?$/));
const Entries = v.pipe(v.array(Text(320)), v.maxLength(5000));
const TrackedLink = v.object({ url: Text(4096), tracked_url: Text(4096) });
/** What was put in place of what, in case the rep takes the mail back. */
const TrackedLinks = v.pipe(v.array(TrackedLink), v.maxLength(1000));
export type TrackedLink = v.InferOutput<typeof TrackedLink>;

/** No body with more fits into the 8 MiB that the server takes; the worker measures what is shorter. */
export const MAX_BODY_CHARACTERS = 8 * 1024 * 1024;

export const FromGmail = v.variant("type", [
  v.object({ type: v.literal("hello"), account: Account }),
  v.object({ type: v.literal("draft"), account: Account, draft: Text(200) }),
  v.object({ type: v.literal("keep-draft"), account: Account, draft: Text(200), choices: Draft }),
  v.object({ type: v.literal("prepare"), account: Account, key: Key, mail: Mail }),
  v.object({
    type: v.literal("sent"),
    account: Account,
    key: Key,
    draft: Text(200),
    occurred_at: Moment,
    provider_message_id: v.nullable(Text(200)),
    provider_thread_id: v.nullable(Text(200)),
    html: v.nullable(Text(MAX_BODY_CHARACTERS)),
    /** The mail as it was written, if it went out unprepared. */
    late: v.nullable(Mail),
    links: TrackedLinks,
    page: GmailPath,
  }),
  v.object({
    type: v.literal("scheduled"),
    account: Account,
    key: Key,
    draft: Text(200),
    occurred_at: Moment,
    send_at: Moment,
    html: v.nullable(Text(MAX_BODY_CHARACTERS)),
    late: v.nullable(Mail),
    links: TrackedLinks,
    page: GmailPath,
  }),
  v.object({ type: v.literal("cancelled"), account: Account, key: Key }),
  v.object({ type: v.literal("undone"), account: Account, draft: Text(200) }),
  v.object({
    type: v.literal("context"),
    account: Account,
    addresses: v.pipe(v.array(Address), v.maxLength(500)),
  }),
  v.object({ type: v.literal("search"), account: Account, text: Text(200) }),
  v.object({
    type: v.literal("viewing"),
    account: Account,
    pixels: v.pipe(v.array(Text(4096)), v.maxLength(200)),
  }),
  v.object({
    type: v.literal("reply-seen"),
    account: Account,
    thread: Text(200),
    reply: Text(200),
    sender: Address,
    /** Milliseconds since the epoch. */
    at: v.pipe(v.number(), v.safeInteger(), v.minValue(0), v.maxValue(LAST_MOMENT)),
  }),
  v.object({ type: v.literal("status"), account: Account, provider_message_id: Text(200) }),
  v.object({
    type: v.literal("never"),
    list: v.picklist(["neverTrack", "neverLog"]),
    entry: Text(320),
    on: v.boolean(),
  }),
  v.object({ type: v.literal("open-options") }),
]);
export type FromGmail = v.InferInput<typeof FromGmail>;
export type HeardFromGmail = v.InferOutput<typeof FromGmail>;

export const FromPages = v.variant("type", [
  v.object({ type: v.literal("overview") }),
  v.object({ type: v.literal("feed"), account: Account, after: v.nullable(Text(2000)) }),
  v.object({ type: v.literal("kept-feed"), account: Account }),
  v.object({ type: v.literal("row"), account: Account, message_id: Id }),
  v.object({ type: v.literal("seen"), account: Account }),
  v.object({ type: v.literal("mute"), account: Account, message_id: Id, muted: v.boolean() }),
  v.object({ type: v.literal("discover"), server: Text(2000) }),
  v.object({ type: v.literal("sign-in"), account: Account, server: Text(2000) }),
  v.object({ type: v.literal("sign-out"), account: Account }),
  v.object({ type: v.literal("test"), account: Account }),
  /** What is named is changed; the rest may have been changed elsewhere. */
  v.object({
    type: v.literal("settings"),
    change: v.partial(
      v.object({
        language: v.picklist(["auto", "en", "ja"]),
        track: v.boolean(),
        log: v.boolean(),
        neverCreate: v.boolean(),
        neverTrack: Entries,
        neverLog: Entries,
      }),
    ),
  }),
]);
export type FromPages = v.InferInput<typeof FromPages>;
export type HeardFromPages = v.InferOutput<typeof FromPages>;

/** Every answer: what was asked for, or what was the trouble. */
export type Answer<T> = { ok: true; value: T } | { ok: false; trouble: string; problem: string };
