/**
 * One mail's posts to the server, and which of them is next.
 *
 * Prepares and reports go in the order in which the mails were sent. Bodies follow when none of those waits, and
 * attachments last, so that a large or stubborn one holds nothing up.
 */

export type State = "sent" | "scheduled" | "cancelled";
export type Step = "prepare" | "report" | "upload" | "attach";

export interface Prepared {
  message_id: string;
  receipt: string;
}

export interface Job {
  /** Also the idempotency key of a late prepare. */
  key: string;
  /** The Gmail account whose sign-in posts it. */
  account: string;
  /** The draft that it was sent from, by which Undo finds it. */
  draft: string | null;
  /** When Send was pressed, in ms. */
  at: number;
  /** Asked late because the server was away at Send; null once prepared or when it was prepared in time. */
  prepare: object | null;
  prepared: Prepared | null;
  report: { state: State; occurred_at: string; [field: string]: string } | null;
  /** Where the body is kept until it is uploaded; null: none, or done. */
  body: string | null;
  /** Where Gmail has the attachments; null: none, or done. */
  attachments: { provider_message_id: string; [field: string]: unknown } | null;
  /** How often the body, or then the attachments, were tried in vain, and when they may be again (ms). */
  vain: { tries: number; notBefore: number };
}

export const FRESH = { tries: 0, notBefore: 0 };
/** Gmail may never give an attachment out: then the mail is logged without it. */
export const GIVE_UP_TRIES = 30;
export const GIVE_UP_MS = 3 * 24 * 3_600_000;
const FIRST_PAUSE_MS = 15_000;
const LAST_PAUSE_MS = 3_600_000;

/** `at`: when Send was pressed, in ms. */
export function newJob(key: string, account: string, at: number, more: Partial<Job>): Job {
  const nothing = { draft: null, prepare: null, prepared: null, report: null, body: null, attachments: null };
  return { key, account, at, ...nothing, vain: FRESH, ...more };
}

/** The report that a prepared mail does not go out. `key`: of the mail. */
export function cancelled(key: string, account: string, { message_id, receipt }: Prepared): Job {
  const now = new Date();
  return newJob(`${key}-cancelled`, account, now.getTime(), {
    prepared: { message_id, receipt },
    report: { state: "cancelled", occurred_at: now.toISOString() },
  });
}

export type Next = { job: Job; step: Step } | { due: number } | null;

/** What to do now, or when there is something to do again (ms); null: nothing waits. */
export function next(jobs: readonly Job[], now: number): Next {
  const untold = jobs.find((job) => unprepared(job) || job.report);
  if (untold) return { job: untold, step: unprepared(untold) ? "prepare" : "report" };
  const body = leastTried(jobs.filter((job) => job.body));
  if (body) return { job: body, step: "upload" };
  const attaching = jobs.filter((job) => job.attachments);
  const due = leastTried(attaching.filter((job) => job.vain.notBefore <= now));
  if (due) return { job: due, step: "attach" };
  return attaching.length > 0 ? { due: Math.min(...attaching.map((job) => job.vain.notBefore)) } : null;
}

export function finished(job: Job): boolean {
  return !unprepared(job) && !job.report && !job.body && !job.attachments;
}

/** Whether the mail is still to be logged; its attachments, which Gmail may be slow to give, can follow later. */
export function waits(job: Job): boolean {
  return job.report?.state !== "cancelled" && (unprepared(job) || job.report !== null || job.body !== null);
}

/** The job without what a step was for. */
export function without(job: Job, step: Step, prepared: Prepared | null): Job {
  switch (step) {
    case "prepare":
      return { ...job, prepare: null, prepared };
    case "report":
      return { ...job, report: null };
    case "upload":
      return { ...job, body: null, vain: FRESH };
    case "attach":
      return { ...job, attachments: null };
  }
}

/** The job after its body or attachments were tried in vain; null: they are given up. */
export function afterVain(job: Job, step: "upload" | "attach", now: number): Job | null {
  const tries = job.vain.tries + 1;
  if (step === "upload") return { ...job, vain: { tries, notBefore: 0 } };
  if (tries >= GIVE_UP_TRIES || now - job.at > GIVE_UP_MS) return null;
  return {
    ...job,
    vain: { tries, notBefore: now + Math.min(FIRST_PAUSE_MS * 2 ** (tries - 1), LAST_PAUSE_MS) },
  };
}

function unprepared(job: Job): boolean {
  return job.prepare !== null && job.prepared === null;
}

function leastTried(jobs: readonly Job[]): Job | undefined {
  return jobs.reduce<Job | undefined>(
    (least, job) => (least && least.vain.tries <= job.vain.tries ? least : job),
    undefined,
  );
}
