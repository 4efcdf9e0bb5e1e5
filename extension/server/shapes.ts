/** What the server may answer. Anything else is refused before it is used. */
import * as v from "valibot";

const Text = (max: number) => v.pipe(v.string(), v.maxLength(max));
const WebAddress = v.pipe(Text(2000), v.regex(/^https?:\/\/[^\s]+$/));
const SocketAddress = v.pipe(Text(2000), v.regex(/^wss?:\/\/[^\s]+$/));
const Moment = v.pipe(
  Text(64),
  v.check((text) => !Number.isNaN(Date.parse(text))),
);
const Id = v.pipe(v.string(), v.uuid());
const Count = v.pipe(v.number(), v.integer(), v.minValue(0));
const listOf = <T extends v.GenericSchema>(item: T, max: number) => v.pipe(v.array(item), v.maxLength(max));

export const Discovery = v.object({
  issuer: WebAddress,
  authorization_endpoint: WebAddress,
  token_endpoint: WebAddress,
  revocation_endpoint: WebAddress,
  kaifu_api_url: WebAddress,
  kaifu_tracking_url: WebAddress,
  kaifu_push_url: SocketAddress,
});
export type Discovery = v.InferOutput<typeof Discovery>;

export const TokenPair = v.object({
  access_token: Text(8192),
  expires_in: v.pipe(v.number(), v.minValue(1), v.maxValue(86_400)),
  refresh_token: Text(8192),
});
export type TokenPair = v.InferOutput<typeof TokenPair>;

export const Me = v.object({
  user_id: Id,
  account_id: Id,
  account_name: Text(500),
  name: Text(500),
  address: Text(320),
  addresses: listOf(v.object({ address: Text(320) }), 1000),
});
export type Me = v.InferOutput<typeof Me>;

export const Prepared = v.object({
  message_id: Id,
  receipt: Text(4096),
  tracked: v.boolean(),
  untracked_reason: v.nullable(Text(100)),
  logged: v.boolean(),
  unlogged_reason: v.nullable(Text(100)),
  anonymous: v.optional(v.boolean()),
  pixel_url: v.nullable(WebAddress),
  links: listOf(v.object({ url: Text(4096), tracked_url: WebAddress }), 1000),
});
export type Prepared = v.InferOutput<typeof Prepared>;

/** That the server has a mail's new state. */
export const Accepted = v.object({ message_id: Id, state: Text(50) });

/** What became of an uploaded attachment. */
export const KeptFile = v.object({ index: Count, stored: v.boolean(), reason: v.nullable(Text(100)) });

const Recipient = v.object({
  slot: Count,
  name: Text(500),
  address: Text(320),
  contact_id: v.nullable(Id),
});

export const Row = v.object({
  message_id: Id,
  subject: Text(4000),
  recipients: listOf(Recipient, 500),
  state: v.picklist(["sent", "opened"]),
  possible_open: v.boolean(),
  anonymous: v.boolean(),
  sent_at: Moment,
  first_open_at: v.nullable(Moment),
  last_open_at: v.nullable(Moment),
  opens: Count,
  clicks: Count,
  muted: v.optional(v.boolean(), false),
});
export type Row = v.InferOutput<typeof Row>;

export const RowPage = v.object({ items: listOf(Row, 200), next: v.nullable(Text(2000)) });

const Place = v.object({ city: Text(300), region: Text(300), country: Text(10) });
const Device = v.object({ program: Text(300), system: Text(300) });
export type Place = v.InferOutput<typeof Place>;

const Engagement = v.object({
  id: Id,
  kind: Text(50),
  verdict: Text(50),
  occurred_at: Moment,
  inferred: v.boolean(),
  evidence: v.optional(listOf(v.object({ rule: Text(100) }), 100), []),
  folded_into: v.nullable(Id),
  candidates: listOf(Count, 500),
  link_index: v.nullable(Count),
  /** Servers before it told places say nothing. */
  place: v.optional(v.nullable(Place), null),
  place_unknown: v.optional(v.nullable(Text(50)), null),
  device: v.optional(v.nullable(Device), null),
});

export const RowDetail = v.object({ ...Row.entries, engagements: listOf(Engagement, 200) });
export type RowDetail = v.InferOutput<typeof RowDetail>;

export const RECORD_TYPES = ["contact", "company", "deal", "ticket"] as const;
export type RecordType = (typeof RECORD_TYPES)[number];

const Found = v.object({ id: Id, name: Text(500), addresses: v.optional(listOf(Text(320), 100), []) });
export const FoundPage = v.object({ items: listOf(Found, 200) });

const AccountBox = v.object({
  enabled: v.boolean(),
  reason: v.nullable(Text(100)),
  start: v.optional(v.nullable(v.boolean()), null),
});
/** Of a compose window's recipients: who is a contact, and what prepare would decide. */
export const ComposeContext = v.object({
  recipients: listOf(v.object({ address: Text(320), contact_id: v.nullable(Id) }), 500),
  records: listOf(
    v.object({
      record_type: v.picklist(RECORD_TYPES),
      record_id: Id,
      name: Text(500),
      addresses: listOf(Text(320), 100),
    }),
    200,
  ),
  track: AccountBox,
  log: AccountBox,
});
export type ComposeContext = v.InferOutput<typeof ComposeContext>;

const Raised = v.object({
  type: v.literal("notification_raised"),
  notification_id: Id,
  occurred_at: Moment,
  kind: v.picklist(["opened", "clicked", "log_refused", "test"]),
  message_id: v.nullable(Id),
  candidates: listOf(Count, 500),
  reason: v.nullable(Text(500)),
});
const Retracted = v.object({ type: v.literal("notification_retracted"), notification_id: Id });
const FeedChanged = v.object({ type: v.literal("feed_changed"), message_id: Id });
const Other = v.object({ type: v.picklist(["sign_in_revoked", "settings_changed"]) });
const Event = v.variant("type", [Raised, Retracted, FeedChanged, Other]);
export type PushEvent = v.InferOutput<typeof Event>;

const Cursor = Text(400);
export const Frame = v.variant("type", [
  v.object({ type: v.literal("ready"), cursor: Cursor }),
  v.object({
    type: v.literal("event"),
    cursor: Cursor,
    /** Why the rep wants no pop-up of it. */
    silent: v.optional(Text(100)),
    event: v.unknown(),
  }),
  v.object({
    type: v.literal("summary"),
    cursor: Cursor,
    count: Count,
    /** Of the newest. */
    notification_ids: v.optional(listOf(Id, 1000), []),
  }),
  v.object({ type: v.literal("resync"), cursor: Cursor, reason: Text(100) }),
  v.object({ type: v.picklist(["pong", "authenticated"]) }),
]);
export type Frame = v.InferOutput<typeof Frame>;

/** The event inside a frame; null for a kind that this release does not know. */
export function eventIn(value: unknown): PushEvent | null {
  const read = v.safeParse(Event, value);
  return read.success ? read.output : null;
}

export function frameIn(text: string): Frame | null {
  try {
    const read = v.safeParse(Frame, JSON.parse(text));
    return read.success ? read.output : null;
  } catch {
    return null;
  }
}
