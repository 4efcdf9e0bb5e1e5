/** Says to the rep what of a mail does not get to the server for good, and lets go of what waited for it. */
import type { Job, Step } from "../core/job";
import { reasonKey, type Say } from "../text/say";
import type { TextKey } from "../text/table";
import { bodies, mails } from "./database";
import type { Notifications } from "./notifications";

const TEXTS: Record<Step, TextKey> = {
  prepare: "dropped",
  report: "dropped",
  upload: "bodyDropped",
  attach: "attachmentsDropped",
};

export class Losses {
  constructor(
    private readonly notifications: Notifications,
    private readonly say: () => Promise<Say>,
  ) {}

  async over(job: Job, step: Step, refused: string | null): Promise<void> {
    const useless = step === "upload" || refused !== null;
    if (job.body && useless) await bodies.drop(job.body).catch(() => undefined);
    if (refused === null) return;
    const say = await this.say();
    const key = job.report?.state === "cancelled" ? "cancelDropped" : TEXTS[step];
    await this.notifications.note(say(key, { reason: say(reasonKey(refused)) }), await subjectOf(job));
  }

  async tell(key: TextKey, subject: string): Promise<void> {
    await this.notifications.note((await this.say())(key), subject);
  }
}

async function subjectOf(job: Job): Promise<string> {
  if (job.prepare && "subject" in job.prepare) return String(job.prepare.subject);
  const mail = job.prepared && (await mails.ofMessage(job.prepared.message_id).catch(() => null));
  return mail ? mail.subject : "";
}
