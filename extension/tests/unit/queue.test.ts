import { describe, expect, it } from "vitest";
import { type Job, type Poster, Queue, type Result, type Shelf } from "../../core/queue";

class Storage implements Shelf {
  text = "[]";
  read = async () => JSON.parse(this.text) as Job[];
  write = async (jobs: Job[]) => {
    this.text = JSON.stringify(jobs);
  };
}

/** A server that counts effects by key, as the real one does. */
class Server implements Poster {
  away = false;
  refuses = new Set<string>();
  calls: string[] = [];
  effects = new Map<string, string>();

  #answer<T>(what: string, job: Job, value: T): Result<T> {
    if (this.away) return { done: false, again: true, reason: "unreachable" };
    this.calls.push(`${what}:${job.key}`);
    if (this.refuses.has(job.key)) return { done: false, again: false, reason: "refused" };
    this.effects.set(`${what}:${job.key}`, JSON.stringify(job.report));
    return { done: true, value };
  }
  prepare = async (job: Job) =>
    this.#answer("prepare", job, { message_id: `id-${job.key}`, receipt: `receipt-${job.key}` });
  report = async (job: Job) => this.#answer("report", job, null);
  upload = async (job: Job) => this.#answer("upload", job, null);
}

const AT = "2026-11-24T09:00:00Z";

function late(key: string, account = "a@x.example"): Job {
  return {
    key,
    account,
    prepare: { subject: key },
    prepared: null,
    report: { state: "sent", occurred_at: AT },
    body: `body-${key}`,
  };
}

describe("queue (E3)", () => {
  it("keeps what can't be posted and posts it later, in order, with the true time", async () => {
    const shelf = new Storage();
    const server = new Server();
    server.away = true;
    const queue = new Queue(shelf, server, () => expect.unreachable());
    await queue.add(late("1"));
    await queue.add(late("2"));
    await queue.run();
    expect(await queue.waiting("a@x.example")).toBe(2);
    server.away = false;
    await queue.run();
    expect(server.calls).toEqual(["prepare:1", "report:1", "upload:1", "prepare:2", "report:2", "upload:2"]);
    expect(JSON.parse(server.effects.get("report:1") ?? "").occurred_at).toBe(AT);
    expect(await queue.waiting("a@x.example")).toBe(0);
  });

  it("says whenever another number of jobs waits, and only then", async () => {
    const counts: number[] = [];
    const shelf = new Storage();
    const count = () => counts.push(JSON.parse(shelf.text).length);
    const queue = new Queue(shelf, new Server(), () => undefined, count);
    await queue.add(late("1"));
    await queue.add(late("1"));
    await queue.add(late("2"));
    await queue.run();
    expect(counts).toEqual([1, 2, 1, 0]);
  });

  it("loses and doubles nothing when the browser ends at any step", async () => {
    for (let end = 0; end < 14; end++) {
      const shelf = new Storage();
      const server = new Server();
      let writes = 0;
      const dying: Shelf = {
        read: shelf.read,
        write: async (jobs) => {
          if (writes++ >= end) throw new Error("the browser has ended");
          await shelf.write(jobs);
        },
      };
      const before = new Queue(dying, server, () => undefined);
      const added: string[] = [];
      for (const key of ["1", "2"]) {
        const kept = await before.add(late(key)).then(
          () => true,
          () => false,
        );
        if (kept) added.push(key);
      }
      await before.run().catch(() => undefined);
      const after = new Queue(shelf, server, () => undefined);
      await after.run();
      expect([...server.effects.keys()]).toEqual(
        added.flatMap((key) => [`prepare:${key}`, `report:${key}`, `upload:${key}`]),
      );
      expect(await shelf.read()).toEqual([]);
    }
  });

  it("takes a job with a known key once", async () => {
    const shelf = new Storage();
    const server = new Server();
    const queue = new Queue(shelf, server, () => undefined);
    await Promise.all([queue.add(late("1")), queue.add(late("1"))]);
    await Promise.all([queue.run(), queue.run()]);
    expect(server.calls).toEqual(["prepare:1", "report:1", "upload:1"]);
  });

  it("drops what is refused for good, says so, and goes on", async () => {
    const server = new Server();
    server.refuses.add("1");
    const dropped: string[] = [];
    const queue = new Queue(new Storage(), server, (job) => void dropped.push(job.key));
    await queue.add(late("1"));
    await queue.add(late("2"));
    await queue.run();
    expect(dropped).toEqual(["1"]);
    expect(server.calls).toContain("upload:2");
  });

  it("lets one account's trouble not stop another", async () => {
    const server = new Server();
    const poster: Poster = {
      prepare: async (job) =>
        job.account === "a@x.example" ? { done: false, again: true, reason: "away" } : server.prepare(job),
      report: server.report,
      upload: server.upload,
    };
    const queue = new Queue(new Storage(), poster, () => undefined);
    await queue.add(late("1"));
    await queue.add(late("2", "b@x.example"));
    await queue.run();
    expect(server.calls).toEqual(["prepare:2", "report:2", "upload:2"]);
  });

  it("posts a job that was added while it ran", async () => {
    const server = new Server();
    const shelf = new Storage();
    const queue: Queue = new Queue(
      shelf,
      {
        ...server,
        prepare: async (job) => {
          if (job.key === "1") {
            await queue.add(late("2"));
            void queue.run();
          }
          return server.prepare(job);
        },
        report: server.report,
        upload: server.upload,
      },
      () => undefined,
    );
    await queue.add(late("1"));
    await queue.run();
    expect(server.calls).toContain("upload:2");
  });
});
