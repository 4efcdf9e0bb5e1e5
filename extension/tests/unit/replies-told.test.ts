/** What the worker tells the server of answers. */

import { beforeEach, describe, expect, it } from "vitest";
import { Failed } from "../../server/http";
import type { SignIns } from "../../server/sign-ins";
import type { Replied } from "../../worker/calls";
import { mails } from "../../worker/database";
import { repliesTold } from "../../worker/kept";
import { type Known, knownFrom } from "../../worker/known";
import { Replies } from "../../worker/replies";
import { local } from "./fake-chrome";

const ME = "rep@x.example";
const SENT_AT = Date.UTC(2026, 10, 24, 9);
const MAIL = {
  from: { address: ME },
  to: [{ address: "ann@y.example" }],
  cc: [],
  bcc: [],
  subject: "Offer",
  links: [],
  track: true,
  log: false,
  records: [],
  create_contacts: [],
};
const SEEN = {
  type: "reply-seen" as const,
  account: ME,
  thread: "t1",
  reply: "r1",
  sender: "ann@y.example",
  at: SENT_AT + 600_000,
};

function setUp() {
  const server = { told: [] as Replied[], fails: null as Failed | null, signedIn: true };
  const calls = {
    replied: async (_: string, reply: Replied) => {
      if (server.fails) throw server.fails;
      server.told.push(reply);
    },
  };
  const me = { addresses: [{ address: "Sales@x.example" }] };
  const signIns = { of: async () => (server.signedIn ? { me } : null) } as unknown as SignIns;
  return { server, replies: new Replies(calls, signIns) };
}

async function send(more: Partial<Known> = {}): Promise<void> {
  const answer = {
    message_id: "m1",
    receipt: "r",
    tracked: true,
    untracked_reason: null,
    logged: false,
    unlogged_reason: null,
    anonymous: false,
    pixel_url: "https://t.example/o/m1.gif",
    links: [],
  };
  const known = knownFrom(ME, "k1", MAIL, answer);
  await mails.keep({ ...known, provider_thread_id: "t1", sentAt: SENT_AT, ...more });
}

beforeEach(async () => {
  local.kept.clear();
  await send();
});

describe("answers to mail from here (B7)", () => {
  it("are told once, with the slot of who wrote them and the time that they came", async () => {
    const { server, replies } = setUp();
    await Promise.all([replies.seen(SEEN), replies.seen(SEEN)]);
    await replies.seen(SEEN);
    expect(server.told).toEqual([
      { message_id: "m1", slot: 0, reply_id: "r1", occurred_at: "2026-11-24T09:10:00.000Z" },
    ]);
  });

  it("are not told of other threads, of another Gmail account, of the rep's own, or while signed out", async () => {
    const { server, replies } = setUp();
    await replies.seen({ ...SEEN, thread: "t2" });
    await replies.seen({ ...SEEN, account: "other@x.example" });
    await replies.seen({ ...SEEN, sender: "sales@x.example" });
    await replies.seen({ ...SEEN, sender: "rep@alias.example" });
    server.signedIn = false;
    await replies.seen(SEEN);
    expect(server.told).toEqual([]);
    server.signedIn = true;
    await replies.seen(SEEN);
    expect(server.told).toHaveLength(1);
  });

  it("name nobody of a mail to more than are kept, though any of them may have written", async () => {
    const { server, replies } = setUp();
    const recipients = Array.from({ length: 21 }, (_, slot) => ({
      slot,
      name: "",
      address: `r${slot}@y.example`,
    }));
    await send({ recipients });
    await replies.seen(SEEN);
    expect(server.told.map((one) => one.slot)).toEqual([null]);
  });

  it("name nobody of a mail that is anonymous, or that an earlier version sent (P3)", async () => {
    const { server, replies } = setUp();
    const { anonymous: _, ...old } = (await mails.ofKey("k1")) as Known;
    await mails.keep(old as Known);
    await replies.seen({ ...SEEN, reply: "r2" });
    await send({ anonymous: true });
    await replies.seen({ ...SEEN, reply: "r3" });
    expect(server.told.map((one) => one.slot)).toEqual([null, null]);
  });

  it.each([
    new Failed("unreachable"),
    new Failed("garbage"),
    ...[403, 404, 405, 410].map((status) => new Failed("refused", "", status)),
  ])(
    "are told again until the server has them, an older one by its update: $message $status",
    async (fails) => {
      const { server, replies } = setUp();
      server.fails = fails;
      await expect(replies.seen(SEEN)).rejects.toThrow(fails);
      server.fails = null;
      await replies.seen(SEEN);
      expect(server.told).toHaveLength(1);
    },
  );

  it.each([400, 422])("are not told again once the server finds them unfit: %i", async (status) => {
    const { server, replies } = setUp();
    server.fails = new Failed("refused", "invalid", status);
    await replies.seen(SEEN);
    server.fails = null;
    await replies.seen(SEEN);
    expect(server.told).toEqual([]);
  });

  it("are remembered up to a bound, the newest", async () => {
    const { server, replies } = setUp();
    await repliesTold.write([`${ME} r1`, ...Array.from({ length: 1999 }, (_, at) => `${ME} old${at}`)]);
    await replies.seen({ ...SEEN, reply: "r2" });
    expect(await repliesTold.read()).toHaveLength(2000);
    await replies.seen(SEEN);
    expect(server.told.map((one) => one.reply_id)).toEqual(["r2", "r1"]);
  });
});
