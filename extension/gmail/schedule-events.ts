/** What the script in Gmail's own world and the content script say to each other about scheduled mail. */
import * as v from "valibot";

/** From the page: a mail is about to be scheduled; it waits for `BODY` if `TAKEN` is said at once. */
export const SCHEDULING = "scheduling";
export const TAKEN = "taken";
export const BODY = "body";
/** From the page: Gmail has answered. */
export const SCHEDULED = "scheduled";

const Address = v.object({
  address: v.pipe(v.string(), v.maxLength(320)),
  name: v.optional(v.pipe(v.string(), v.maxLength(256))),
});
const Addresses = v.pipe(v.array(Address), v.maxLength(500));
const Id = v.pipe(v.string(), v.maxLength(60));

export const Scheduling = v.object({
  id: Id,
  mail: v.object({
    draft: v.pipe(v.string(), v.maxLength(200)),
    written: v.object({
      from: Address,
      to: Addresses,
      cc: Addresses,
      bcc: Addresses,
      subject: v.pipe(v.string(), v.maxLength(2000)),
    }),
    html: v.string(),
    sendAt: v.nullable(v.pipe(v.string(), v.isoTimestamp())),
  }),
});
export const Taken = v.object({ id: Id });
export const Scheduled = v.object({ id: Id, ok: v.boolean() });
export const Body = v.object({ id: Id, html: v.string() });
