import { beforeEach, describe, expect, it, vi } from "vitest";
import type { Job } from "../../core/job";
import { type Poster, Queue } from "../../core/queue";
import type { HeardFromGmail, Mail } from "../../messages/protocol";
import { Failed } from "../../server/http";
import type { Prepared } from "../../server/shapes";
import type { Calls } from "../../worker/calls";
import { bodies, mails } from "../../worker/database";
import { jobs } from "../../worker/kept";
import { knownFrom } from "../../worker/known";
import { Outbox } from "../../worker/outbox";
import { local, session } from "./fake-chrome";

const ME = "rep@x.example";
const MAIL: Mail = {
  from: { address: ME },
  to: [{ address: "ann@y.example", name: "Ann" }],
  cc: [],
  bcc: [],
  subject: "Offer",
  links: [],
  track: true,
  log: true,
  records: [],
  create_contacts: [],
};

class Server implements Poster {
  away = false;
  /** What is done while a post is under way. */
  meanwhile: { [step: string]: () => Promise<unknown> } = {};
  posts: string[] = [];

  prepareNow = async (_: string, key: string): Promise<Prepared> => {
    if (this.away) throw new Failed("unreachable");
    return {
      message_id: `id-${key}`,
      receipt: "r",
      tracked: true,
      untracked_reason: null,
      logged: true,
      unlogged_reason: null,
      pixel_url: `https://t.example/o/${key}.gif`,
      links: [],
    };
  };
  prepare: Poster["prepare"] = async (job) => {
    const answer = await this.#post("prepare", job, await this.prepareNow(ME, job.key).catch(() => null));
    if (answer.done)
      await mails.keep({
        ...knownFrom(ME, job.key, MAIL, answer.value as Prepared),
        draft: job.draft,
        sentAt: job.at,
      });
    return answer as Awaited<ReturnType<Poster["prepare"]>>;
  };
  report: Poster["report"] = (job) => this.#post(job.report?.state ?? "", job, null);
  upload: Poster["upload"] = (job) => this.#post("body", job, null);
  attach: Poster["attach"] = (job) => this.#post("attachments", job, null);

  async #post<T>(what: string, job: Job, value: T) {
    if (this.away) return { done: false as const, again: true, reason: "unreachable" };
    this.posts.push(`${what} ${job.prepared?.message_id ?? job.key}`);
    await this.meanwhile[what]?.();
    return { done: true as const, value };
  }
}

function made() {
  const server = new Server();
  const told: string[] = [];
  const queue = new Queue(jobs, server, { counted: () => undefined, over: () => undefined });
  const outbox = new Outbox(server as unknown as Calls, queue, async (key, subject) => {
    told.push(`${key} ${subject}`);
  });
  return { server, told, queue, outbox };
}

let numbers = 0;
let key = "";
beforeEach(() => {
  key = `k${++numbers}`;
  local.full = false;
  local.kept.clear();
  session.kept.clear();
});

type Sent = Extract<HeardFromGmail, { type: "sent" }>;
function sent(more: Partial<Sent> = {}): Sent {
  return {
    type: "sent",
    account: ME,
    key,
    draft: `draft-${key}`,
    occurred_at: new Date().toISOString(),
    provider_message_id: `g-${key}`,
    provider_thread_id: null,
    html: "<p>Hello</p>",
    late: null,
    links: [],
    page: "/mail/u/0/",
    ...more,
  };
}
const undone = () => ({ type: "undone" as const, account: ME, draft: `draft-${key}` });
const prepare = () => ({ type: "prepare" as const, account: ME, key, mail: MAIL });

describe("outbox (E3)", () => {
  it("reports a prepared mail and uploads its body, and knows it afterwards", async () => {
    const { server, queue, outbox } = made();
    await outbox.prepare(prepare());
    await outbox.sent(sent());
    await queue.run();
    expect(server.posts).toEqual([`sent id-${key}`, `body id-${key}`, `attachments id-${key}`]);
    expect(await mails.ofMessage(`id-${key}`)).toMatchObject({
      subject: "Offer",
      provider_message_id: `g-${key}`,
    });
    expect(await mails.ofPixel(ME, `https://t.example/o/${key}.gif`)).toMatchObject({ key });
    expect(await mails.ofPixel("other@x.example", `https://t.example/o/${key}.gif`)).toBeNull();
  });

  it("logs a mail that went out unprepared, without asking for tracking", async () => {
    const { server, queue, outbox } = made();
    server.away = true;
    await outbox.sent(sent({ late: MAIL }));
    await queue.run();
    const [job] = await jobs.read();
    expect(job?.prepare).toMatchObject({ track: false, log: true, links: [] });
    server.away = false;
    await queue.run();
    expect(server.posts).toEqual([
      `prepare ${key}-late`,
      `sent id-${key}-late`,
      `body id-${key}-late`,
      `attachments id-${key}-late`,
    ]);
  });

  it("keeps a 5 MB body until it is uploaded, and one that the server can't take not at all", async () => {
    const { server, told, queue, outbox } = made();
    server.away = true;
    const html = "あ".repeat(1_700_000);
    await outbox.sent(sent({ late: MAIL, html }));
    expect(await bodies.read(`${key}-late`)).toBe(html);
    expect(JSON.stringify([...local.kept]).length).toBeLessThan(5000);
    await outbox.sent(sent({ key: `${key}x`, late: MAIL, html: "あ".repeat(2_800_000) }));
    expect(told).toEqual(["bodyTooLarge Offer"]);
    expect((await jobs.read()).map((job) => job.body)).toEqual([`${key}-late`, null]);
    await queue.withdraw(() => true);
  });

  it("loses the body, and says so, but never the log when the computer is full", async () => {
    const { server, told, queue, outbox } = made();
    const full = vi.spyOn(IDBObjectStore.prototype, "put").mockImplementation(() => {
      throw new DOMException("full", "QuotaExceededError");
    });
    await outbox.prepare(prepare());
    await outbox.sent(sent());
    await queue.run();
    full.mockRestore();
    expect(told).toEqual(["bodyNotKept Offer"]);
    expect(server.posts).toEqual([`sent id-${key}`, `attachments id-${key}`]);
  });

  it("says when not even the log could be kept", async () => {
    const { told, outbox } = made();
    local.full = true;
    await expect(outbox.sent(sent({ late: MAIL }))).rejects.toThrow();
    expect(told).toEqual(["notKept Offer"]);
  });
});

describe("outbox, Undo (E3)", () => {
  it("takes a mail that still waits out of the queue: nothing is ever told of it", async () => {
    const { server, queue, outbox } = made();
    server.away = true;
    await outbox.sent(sent({ late: MAIL }));
    await queue.run();
    await outbox.undone(undone());
    server.away = false;
    await queue.run();
    expect(server.posts).toEqual([]);
    expect(await bodies.read(`${key}-late`)).toBeNull();
  });

  it("calls off what was prepared, whether its report waits, is under way or is done", async () => {
    for (const step of ["sent", "body", "after"]) {
      key = `k${++numbers}`;
      const { server, queue, outbox } = made();
      await outbox.prepare(prepare());
      server.meanwhile[step] = () => outbox.undone(undone());
      await outbox.sent(sent());
      await queue.run();
      if (step === "after") await outbox.undone(undone());
      await queue.run();
      expect(server.posts.at(-1), step).toBe(`cancelled id-${key}`);
      expect(server.posts.filter((post) => post.startsWith("cancelled"))).toHaveLength(1);
      expect(server.posts.includes(`body id-${key}`), step).toBe(step !== "sent");
    }
  });

  it("calls off a late one whose report was under way", async () => {
    const { server, queue, outbox } = made();
    server.meanwhile.sent = () => outbox.undone(undone());
    await outbox.sent(sent({ late: MAIL }));
    await queue.run();
    await queue.run();
    const id = `id-${key}-late`;
    expect(server.posts).toEqual([`prepare ${key}-late`, `sent ${id}`, `cancelled ${id}`]);
  });

  it("reports nothing of a late one that was withdrawn while it was prepared", async () => {
    const { server, queue, outbox } = made();
    server.meanwhile.prepare = () => outbox.undone(undone());
    await outbox.sent(sent({ late: MAIL }));
    await queue.run();
    expect(server.posts).toEqual([`prepare ${key}-late`]);
  });

  it("is heard although the page tells of the mail only afterwards", async () => {
    const { server, queue, outbox } = made();
    await outbox.prepare(prepare());
    const late = sent({ occurred_at: new Date(Date.now() - 1000).toISOString() });
    await outbox.undone(undone());
    await outbox.sent(late);
    await queue.run();
    expect(server.posts).toEqual([`cancelled id-${key}`]);
  });

  it("leaves alone what is sent from the same draft afterwards, and what was sent long ago", async () => {
    const { server, queue, outbox } = made();
    await outbox.undone(undone());
    await outbox.prepare(prepare());
    const before = new Date(Date.now() - 41_000).toISOString();
    await outbox.sent(sent({ occurred_at: new Date(Date.now() + 1).toISOString() }));
    key = `k${++numbers}`;
    await outbox.prepare(prepare());
    await outbox.sent(sent({ occurred_at: before }));
    await outbox.undone(undone());
    await queue.run();
    expect(server.posts.filter((post) => post.startsWith("sent"))).toHaveLength(2);
    expect(server.posts.some((post) => post.startsWith("cancelled"))).toBe(false);
  });

  it("calls off by key, prepared or not", async () => {
    const { server, queue, outbox } = made();
    await outbox.prepare(prepare());
    await outbox.cancelled({ type: "cancelled", account: ME, key });
    await queue.run();
    expect(server.posts).toEqual([`cancelled id-${key}`]);
  });
});
