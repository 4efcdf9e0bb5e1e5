/** What is found on the queue's shelf. */
import * as v from "valibot";
import { FRESH, type Job } from "../core/job";

const OneJob = v.object({
  key: v.string(),
  account: v.string(),
  draft: v.optional(v.nullable(v.string()), null),
  at: v.optional(v.number(), 0),
  prepare: v.nullable(v.looseObject({})),
  prepared: v.nullable(v.object({ message_id: v.string(), receipt: v.string() })),
  report: v.nullable(
    v.objectWithRest(
      { state: v.picklist(["sent", "scheduled", "cancelled"]), occurred_at: v.string() },
      v.string(),
    ),
  ),
  body: v.nullable(v.string()),
  attachments: v.optional(v.nullable(v.looseObject({ provider_message_id: v.string() })), null),
  vain: v.optional(v.object({ tries: v.number(), notBefore: v.number() }), FRESH),
});
/** Jobs of an older release are read as well as can be; one that can't be is no reason to lose the others. */
export const Jobs: v.GenericSchema<unknown, Job[]> = v.pipe(
  v.array(v.unknown()),
  v.transform((found) =>
    found.flatMap((one) => {
      const read = v.safeParse(OneJob, one);
      return read.success ? [read.output] : [];
    }),
  ),
);
