/**
 * What is still to be told to the server, kept until it is told: once, in order, across restarts.
 *
 * A job is written down before anything is posted, each step's result before the next step. Every call may be
 * repeated (the server derives its ids from the job's key), so a crash between an answer and its writing
 * down does no harm. Accounts don't wait for each other. What was posted in vain is posted again after a
 * pause, for as long as this worker lives; whoever wakes it up calls `run`.
 */
import { afterVain, finished, type Job, next, type Prepared, type Step, waits, without } from "./job";
import { Lane, type Rest } from "./lane";

/** `again`: the same post may succeed later; without it, it never will. */
export type Result<T> = { done: true; value: T } | { done: false; again: boolean; reason: string };

export interface Poster {
  prepare(job: Job): Promise<Result<Prepared>>;
  report(job: Job): Promise<Result<null>>;
  upload(job: Job): Promise<Result<null>>;
  attach(job: Job): Promise<Result<null>>;
}

export interface Shelf {
  read(): Promise<Job[]>;
  write(jobs: Job[]): Promise<void>;
}

export interface Listener {
  /** Another number of mails waits. */
  counted(): void;
  /** A step is done with: taken, or refused for good or given up for a reason; then without its later steps. */
  over(job: Job, step: Step, refused: string | null): void | Promise<void>;
}

export class Queue {
  #chain: Promise<unknown> = Promise.resolve();
  readonly #lanes = new Map<string, Lane>();

  constructor(
    private readonly shelf: Shelf,
    private readonly poster: Poster,
    private readonly listener: Listener,
  ) {}

  /**
   * Resolves when it is written down, in the order of sending: a page tells of a mail when it knows all of it. A
   * key that is there already is the same job.
   */
  async add(job: Job): Promise<void> {
    await this.#change((jobs) =>
      finished(job) || jobs.some((one) => one.key === job.key)
        ? jobs
        : [...jobs, job].sort((one, other) => one.at - other.at),
    );
  }

  /** Take jobs out. What is being posted of them at this moment may still arrive; nothing of them follows. */
  async withdraw(which: (job: Job) => boolean): Promise<Job[]> {
    let taken: Job[] = [];
    await this.#change((jobs) => {
      taken = jobs.filter(which);
      return jobs.filter((job) => !which(job));
    });
    return taken;
  }

  /** How many mails of the account wait to be logged. */
  async waiting(account: string): Promise<number> {
    return (await this.shelf.read()).filter((job) => job.account === account && waits(job)).length;
  }

  /** Post what can be posted, now. */
  async run(): Promise<void> {
    const accounts = new Set((await this.shelf.read()).map((job) => job.account));
    await Promise.all([...accounts].map((account) => this.#lane(account).run()));
  }

  #lane(account: string): Lane {
    const lane = this.#lanes.get(account) ?? new Lane(() => this.#work(account));
    this.#lanes.set(account, lane);
    return lane;
  }

  async #work(account: string): Promise<Rest> {
    while (true) {
      const jobs = (await this.shelf.read()).filter((job) => job.account === account);
      const task = next(jobs, Date.now());
      if (!task || "due" in task) return { vain: false, due: task?.due ?? null };
      if (!(await this.#post(task.job, task.step))) return { vain: true, due: null };
    }
  }

  /** Whether to go on. */
  async #post(job: Job, step: Step): Promise<boolean> {
    const result = await this.poster[step](job);
    if (result.done) {
      await this.#replace(job, without(job, step, result.value ?? job.prepared));
      await this.listener.over(job, step, null);
      return true;
    }
    if (!result.again) return this.#refused(job, step, result.reason);
    if (step === "prepare" || step === "report") return false;
    const later = afterVain(job, step, Date.now());
    if (later === null) return this.#refused(job, step, result.reason);
    await this.#replace(job, later);
    return step === "attach";
  }

  /** A mail that the server does not take has no use for the rest; one without body still has attachments. */
  async #refused(job: Job, step: Step, reason: string): Promise<boolean> {
    const whole = step === "prepare" || step === "report";
    const there = await this.#replace(job, whole ? null : without(job, step, job.prepared));
    if (there) await this.listener.over(job, step, reason);
    return true;
  }

  /** Nothing comes back that was withdrawn meanwhile. Whether it was there. */
  async #replace(job: Job, by: Job | null): Promise<boolean> {
    let there = false;
    await this.#change((jobs) =>
      jobs.flatMap((one) => {
        if (one.key !== job.key) return [one];
        there = true;
        return by === null || finished(by) ? [] : [by];
      }),
    );
    return there;
  }

  #change(change: (jobs: Job[]) => Job[]): Promise<void> {
    const done = this.#chain.then(async () => {
      const before = await this.shelf.read();
      const after = change(before);
      await this.shelf.write(after);
      if (after.filter(waits).length !== before.filter(waits).length) this.listener.counted();
    });
    this.#chain = done.catch(() => undefined);
    return done;
  }
}
