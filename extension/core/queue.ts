/**
 * What is still to be told to the server, kept until it is told: once, in order, across restarts.
 *
 * A job is written down before anything is posted, each step's result before the next step. Every call may be
 * repeated (the server derives its ids from the job's key), so a crash between an answer and its writing
 * down does no harm. Jobs of one Gmail account go one after the other; accounts don't wait for each other.
 */

export type State = "sent" | "scheduled" | "cancelled";

export interface Job {
  /** Also the idempotency key of a late prepare. */
  key: string;
  /** The Gmail account whose sign-in posts it. */
  account: string;
  /** Asked late because the server was away at Send; null once prepared or when it was prepared in time. */
  prepare: object | null;
  prepared: { message_id: string; receipt: string } | null;
  report: { state: State; occurred_at: string; [field: string]: string } | null;
  /** Where the body is kept until it is uploaded; null: none, or done. */
  body: string | null;
}

export type Result<T> = { done: true; value: T } | { done: false; again: boolean; reason: string };

export interface Poster {
  prepare(job: Job): Promise<Result<{ message_id: string; receipt: string }>>;
  report(job: Job): Promise<Result<null>>;
  upload(job: Job): Promise<Result<null>>;
}

export interface Shelf {
  read(): Promise<Job[]>;
  write(jobs: Job[]): Promise<void>;
}

/** A job that the server refused for good. */
export type Dropped = (job: Job, reason: string) => void | Promise<void>;

export class Queue {
  #chain: Promise<unknown> = Promise.resolve();
  #running: Promise<void> | null = null;
  #again = false;

  constructor(
    private readonly shelf: Shelf,
    private readonly poster: Poster,
    private readonly dropped: Dropped,
    /** Another number of jobs waits. */
    private readonly counted: () => void = () => undefined,
  ) {}

  /** Resolves when it is written down. A key that is there already is the same job. */
  add(job: Job): Promise<void> {
    return this.#change((jobs) => (jobs.some((one) => one.key === job.key) ? jobs : [...jobs, job]));
  }

  waiting(account: string): Promise<number> {
    return this.shelf.read().then((jobs) => jobs.filter((job) => job.account === account).length);
  }

  /** Post what can be posted. One run at a time; asked again meanwhile, it goes round once more. */
  run(): Promise<void> {
    if (this.#running) {
      this.#again = true;
      return this.#running;
    }
    this.#running = this.#rounds().finally(() => {
      this.#running = null;
    });
    return this.#running;
  }

  async #rounds(): Promise<void> {
    do {
      this.#again = false;
      const accounts = new Set((await this.shelf.read()).map((job) => job.account));
      await Promise.all([...accounts].map((account) => this.#lane(account)));
    } while (this.#again);
  }

  async #lane(account: string): Promise<void> {
    while (true) {
      const job = (await this.shelf.read()).find((one) => one.account === account);
      if (!job || !(await this.#step(job))) return;
    }
  }

  /** One step of the first job; whether to go on. */
  async #step(job: Job): Promise<boolean> {
    if (job.prepare && !job.prepared) {
      const result = await this.poster.prepare(job);
      return this.#settle(job, result, (value) => ({ prepare: null, prepared: value }));
    }
    if (job.report) return this.#settle(job, await this.poster.report(job), () => ({ report: null }));
    if (job.body) return this.#settle(job, await this.poster.upload(job), () => ({ body: null }));
    await this.#remove(job);
    return true;
  }

  async #settle<T>(job: Job, result: Result<T>, after: (value: T) => Partial<Job>): Promise<boolean> {
    if (result.done) {
      const changed = after(result.value);
      await this.#change((jobs) => jobs.map((one) => (one.key === job.key ? { ...one, ...changed } : one)));
      return true;
    }
    if (result.again) return false;
    await this.#remove(job);
    await this.dropped(job, result.reason);
    return true;
  }

  #remove(job: Job): Promise<void> {
    return this.#change((jobs) => jobs.filter((one) => one.key !== job.key));
  }

  #change(change: (jobs: Job[]) => Job[]): Promise<void> {
    const done = this.#chain.then(async () => {
      const before = await this.shelf.read();
      const after = change(before);
      await this.shelf.write(after);
      if (after.length !== before.length) this.counted();
    });
    this.#chain = done.catch(() => undefined);
    return done;
  }
}
