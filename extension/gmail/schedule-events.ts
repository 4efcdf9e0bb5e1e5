/** What the script in Gmail's own world and the content script say to each other about scheduled mail. */
import * as v from "valibot";

/** From the page: a mail is about to be scheduled; it waits for `BODY` if `TAKEN` is said at once. */
export const SCHEDULING = "kaifu:scheduling";
export const TAKEN = "kaifu:taken";
export const BODY = "kaifu:body";
/** From the page: Gmail has answered. */
export const SCHEDULED = "kaifu:scheduled";

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
export const Scheduled = v.object({ id: Id, ok: v.boolean() });
export const Body = v.object({ id: Id, html: v.string() });

/** Objects don't cross between the two worlds; text does. */
export function say(kind: string, content: object): void {
  document.dispatchEvent(new CustomEvent(kind, { detail: JSON.stringify(content) }));
}

/** What was said, or null for what is none of it. */
export function heard<S extends v.GenericSchema>(shape: S, event: Event): v.InferOutput<S> | null {
  try {
    const read = v.safeParse(shape, JSON.parse(String((event as CustomEvent).detail)));
    return read.success ? read.output : null;
  } catch {
    return null;
  }
}
