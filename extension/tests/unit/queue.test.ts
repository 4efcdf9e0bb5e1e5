import * as v from "valibot";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { FRESH, type Job, type Step } from "../../core/job";
import { type Listener, type Poster, Queue, type Result, type Shelf } from "../../core/queue";
import { Jobs } from "../../worker/job-shape";

class Storage implements Shelf {
  text = "[]";
  read = async () => v.parse(Jobs, JSON.parse(this.text));
  write = async (jobs: Job[]) => {
    this.text = JSON.stringify(jobs);
  };
}

/** A server that counts effects by key, as the real one does. */
class Server implements Poster {
  away = false;
  refuses = new Set<string>();
  /** Calls that are answered only when their promise is resolved. */
  slow = new Map<string, Promise<void>>();
  tries: string[] = [];
  calls: string[] = [];
  effects = new Map<string, string>();

  async #answer<T>(what: string, job: Job, value: T): Promise<Result<T>> {
    this.tries.push(`${what}:${job.key}`);
    await this.slow.get(`${what}:${job.key}`);
    if (this.away) return { done: false, again: true, reason: "unreachable" };
    if (this.refuses.has(`${what}:${job.key}`)) return { done: false, again: false, reason: "refused" };
    this.calls.push(`${what}:${job.key}`);
    this.effects.set(`${what}:${job.key}`, JSON.stringify(job.report));
    return { done: true, value };
  }
  prepare = (job: Job) =>
    this.#answer("prepare", job, { message_id: `id-${job.key}`, receipt: `receipt-${job.key}` });
  report = (job: Job) => this.#answer("report", job, null);
  upload = (job: Job) => this.#answer("upload", job, null);
  attach: Poster["attach"] = (job: Job) => this.#answer("attach", job, null);
}

class Heard implements Listener {
  counts = 0;
  lost: string[] = [];
  done: string[] = [];
  counted = () => {
    this.counts++;
  };
  over = (job: Job, step: Step, refused: string | null) => {
    (refused === null ? this.done : this.lost).push(`${step}:${job.key}`);
  };
}

const START = Date.parse("2026-11-24T09:00:00Z");
const AT = "2026-11-24T08:59:00Z";
const ME = "a@x.example";

function late(key: string, more: Partial<Job> = {}): Job {
  return {
    key,
    account: ME,
    draft: `draft-${key}`,
    at: Date.parse(AT),
    prepare: { subject: key },
    prepared: null,
    report: { state: "sent", occurred_at: AT },
    body: `body-${key}`,
    attachments: null,
    vain: FRESH,
    ...more,
  };
}

function made() {
  const shelf = new Storage();
  const server = new Server();
  const heard = new Heard();
  return { shelf, server, heard, queue: new Queue(shelf, server, heard) };
}

beforeEach(() => {
  vi.useFakeTimers({ now: START });
});
afterEach(() => {
  vi.useRealTimers();
});

describe("queue (E3)", () => {
  it("keeps what can't be posted and posts it later, in order, with the true time", async () => {
    const { server, queue } = made();
    server.away = true;
    await queue.add(late("1"));
    await queue.add(late("2"));
    await queue.run();
    expect(await queue.waiting(ME)).toBe(2);
    server.away = false;
    await queue.run();
    const told = ["prepare:1", "report:1", "prepare:2", "report:2"];
    expect(server.calls).toEqual([...told, "upload:1", "upload:2"]);
    expect(JSON.parse(server.effects.get("report:1") ?? "").occurred_at).toBe(AT);
    expect(await queue.waiting(ME)).toBe(0);
  });

  it("goes by the time of sending, not by the time at which it was told of a mail", async () => {
    const { server, queue } = made();
    await queue.add(late("2", { at: START }));
    await queue.add(late("1", { at: START - 1 }));
    await queue.run();
    expect(server.calls.slice(0, 4)).toEqual(["prepare:1", "report:1", "prepare:2", "report:2"]);
  });

  it("says whenever another number of jobs waits, and only then", async () => {
    const { heard, queue } = made();
    await queue.add(late("1"));
    await queue.add(late("1"));
    await queue.add(late("2"));
    expect(heard.counts).toBe(2);
    await queue.run();
    expect(heard.counts).toBe(4);
  });

  it("counts a mail no longer when only its attachments are missing", async () => {
    const { server, heard, queue } = made();
    server.attach = async () => ({ done: false, again: true, reason: "gmail" });
    await queue.add(late("1", { attachments: { provider_message_id: "g" } }));
    await queue.add(
      late("2", { report: { state: "cancelled", occurred_at: AT }, prepare: null, body: null }),
    );
    expect(await queue.waiting(ME)).toBe(1);
    await queue.run();
    expect(await queue.waiting(ME)).toBe(0);
    expect(heard.counts).toBe(2);
  });

  it("loses and doubles nothing when the browser ends at any step", async () => {
    const attachments = { provider_message_id: "g" };
    for (let end = 0; end < 14; end++) {
      const { shelf, server, heard } = made();
      let writes = 0;
      const dying: Shelf = {
        read: shelf.read,
        write: async (jobs) => {
          if (writes++ >= end) throw new Error("the browser has ended");
          await shelf.write(jobs);
        },
      };
      const before = new Queue(dying, server, heard);
      const added: string[] = [];
      for (const key of ["1", "2"]) {
        const kept = await before.add(late(key, { attachments })).then(
          () => true,
          () => false,
        );
        if (kept) added.push(key);
      }
      await before.run();
      vi.clearAllTimers();
      await new Queue(shelf, server, heard).run();
      const told = added.flatMap((key) => [`prepare:${key}`, `report:${key}`]);
      const rest = ["upload", "attach"].flatMap((step) => added.map((key) => `${step}:${key}`));
      expect([...server.effects.keys()]).toEqual([...told, ...rest]);
      expect(heard.lost).toEqual([]);
      expect(await shelf.read()).toEqual([]);
    }
  });

  it("takes a job with a known key once", async () => {
    const { server, queue } = made();
    await Promise.all([queue.add(late("1")), queue.add(late("1"))]);
    await Promise.all([queue.run(), queue.run()]);
    expect(server.calls).toEqual(["prepare:1", "report:1", "upload:1"]);
  });

  it("drops what is refused for good, says so, and goes on", async () => {
    const { server, heard, queue } = made();
    server.refuses.add("report:1");
    server.refuses.add("upload:2");
    await queue.add(late("1"));
    await queue.add(late("2", { attachments: { provider_message_id: "g" } }));
    await queue.run();
    expect(heard.lost).toEqual(["report:1", "upload:2"]);
    expect(server.calls).toEqual(["prepare:1", "prepare:2", "report:2", "attach:2"]);
    expect(heard.done).toEqual(server.calls);
  });

  it("lets one account's trouble not stop another", async () => {
    const { server, shelf, heard } = made();
    const prepare: Poster["prepare"] = async (job) =>
      job.account === ME ? { done: false, again: true, reason: "away" } : server.prepare(job);
    const { report, upload, attach } = server;
    const queue = new Queue(shelf, { prepare, report, upload, attach }, heard);
    await queue.add(late("1"));
    await queue.add(late("2", { account: "b@x.example" }));
    await queue.run();
    expect(server.calls).toEqual(["prepare:2", "report:2", "upload:2"]);
  });

  it("lets one account's slow answer not hold up another", async () => {
    const { server, queue } = made();
    server.slow.set("prepare:1", new Promise(() => undefined));
    await queue.add(late("1"));
    await queue.add(late("2", { account: "b@x.example" }));
    void queue.run();
    await vi.advanceTimersByTimeAsync(0);
    expect(server.calls).toEqual(["prepare:2", "report:2", "upload:2"]);
  });

  it("reads what an older release has written, and no single bad job costs the others", async () => {
    const { server, queue, shelf } = made();
    const { draft: _, at: __, attachments: ___, vain: ____, ...old } = late("1");
    shelf.text = JSON.stringify([{ key: 5 }, old]);
    await queue.run();
    expect(server.calls).toEqual(["prepare:1", "report:1", "upload:1"]);
  });
});

describe("queue, in vain (E3)", () => {
  it("tries again by itself, after pauses that double up to half a minute", async () => {
    const { server, queue } = made();
    server.away = true;
    await queue.add(late("1"));
    await queue.run();
    const pauses: number[] = [];
    let last = START;
    while (pauses.length < 8) {
      const before = server.tries.length;
      while (server.tries.length === before) await vi.advanceTimersByTimeAsync(50);
      pauses.push(Date.now() - last);
      last = Date.now();
    }
    for (const [at, wanted] of [1, 2, 4, 8, 16, 30, 30, 30].entries()) {
      expect(pauses[at]).toBeGreaterThanOrEqual(wanted * 750);
      expect(pauses[at]).toBeLessThanOrEqual(wanted * 1250 + 100);
    }
    server.away = false;
    await vi.advanceTimersByTimeAsync(40_000);
    expect(server.calls).toEqual(["prepare:1", "report:1", "upload:1"]);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("tries at once when asked, and forgets its pauses once it got through", async () => {
    const { server, queue } = made();
    server.away = true;
    await queue.add(late("1"));
    for (let n = 0; n < 6; n++) await queue.run();
    server.away = false;
    await queue.run();
    server.away = true;
    await queue.add(late("2"));
    await queue.run();
    const before = server.tries.length;
    await vi.advanceTimersByTimeAsync(1300);
    expect(server.tries.length).toBe(before + 1);
  });

  it("posts a job that was added while it ran", async () => {
    const { server, queue } = made();
    const prepare = server.prepare;
    server.prepare = async (job) => {
      if (job.key === "1") {
        await queue.add(late("2"));
        void queue.run();
      }
      return prepare(job);
    };
    await queue.add(late("1"));
    await queue.run();
    expect(server.calls).toContain("upload:2");
  });

  it("tries another body when one fails, and reports go before all of them", async () => {
    const { server, queue } = made();
    await queue.add(late("1"));
    await queue.add(late("2"));
    const upload = server.upload;
    server.upload = async (job) => {
      if (job.key !== "1") return upload(job);
      server.tries.push("upload:1");
      return { done: false, again: true, reason: "timeout" };
    };
    await queue.run();
    await queue.run();
    expect(server.calls).toContain("upload:2");
    await queue.add(late("3"));
    await queue.run();
    expect(server.calls.slice(-3)).toEqual(["prepare:3", "report:3", "upload:3"]);
  });

  it("gives attachments up after a bounded number of tries, and holds nothing up meanwhile", async () => {
    const { server, heard, queue, shelf } = made();
    let tries = 0;
    server.attach = async () => {
      tries++;
      return { done: false, again: true, reason: "gmail" };
    };
    const attachments = { provider_message_id: "g" };
    await queue.add(late("1", { attachments }));
    await queue.run();
    await queue.add(late("2"));
    await queue.run();
    expect(server.calls).toContain("upload:2");
    expect(tries).toBe(1);
    await vi.advanceTimersByTimeAsync(2 * 24 * 3_600_000);
    expect(heard.lost).toEqual(["attach:1"]);
    expect(tries).toBe(30);
    expect(await shelf.read()).toEqual([]);
  });

  it("gives attachments up three days after the mail was sent, but tries once", async () => {
    const { server, heard, queue } = made();
    server.attach = async () => ({ done: false, again: true, reason: "gmail" });
    const at = START - 3 * 24 * 3_600_000 - 1;
    await queue.add(late("1", { at, attachments: { provider_message_id: "g" } }));
    await queue.run();
    expect(heard.lost).toEqual(["attach:1"]);
  });
});

describe("queue, taken back (E3)", () => {
  const mine = (job: Job) => job.draft === "draft-1";

  it("posts nothing of a job that was withdrawn while it waited", async () => {
    const { server, queue } = made();
    server.away = true;
    await queue.add(late("1"));
    await queue.add(late("2"));
    await queue.run();
    expect((await queue.withdraw(mine)).map((job) => job.key)).toEqual(["1"]);
    server.away = false;
    await queue.run();
    expect(server.calls).toEqual(["prepare:2", "report:2", "upload:2"]);
  });

  it.each(["prepare", "report", "upload"])(
    "posts nothing more when it is withdrawn during its %s",
    async (step) => {
      const { server, heard, queue, shelf } = made();
      let answer = () => undefined as undefined;
      server.slow.set(
        `${step}:1`,
        new Promise((resolve) => {
          answer = () => resolve() as undefined;
        }),
      );
      await queue.add(late("1"));
      const running = queue.run();
      await vi.waitUntil(() => server.tries.includes(`${step}:1`));
      await queue.withdraw(mine);
      answer();
      await running;
      expect(server.calls.at(-1)).toBe(`${step}:1`);
      expect(heard.lost).toEqual([]);
      expect(await shelf.read()).toEqual([]);
    },
  );

  it("doesn't call a refusal a loss when the job was withdrawn", async () => {
    const { server, heard, queue } = made();
    server.refuses.add("report:1");
    server.report = async (job) => {
      await queue.withdraw(mine);
      return { done: false, again: false, reason: job.key };
    };
    await queue.add(late("1"));
    await queue.run();
    expect(heard.lost).toEqual([]);
  });
});
