import { describe, expect, it } from "vitest";
import type { Mail } from "../../messages/protocol";
import type { ComposeContext } from "../../server/shapes";
import { keyFor, settle } from "../../worker/open-question";

const ADDRESSES = ["ann@y.example", "bob@y.example"];
const MAIL: Mail = {
  from: { address: "rep@x.example" },
  to: ADDRESSES.map((address) => ({ address })),
  cc: [],
  bcc: [],
  subject: "Offer",
  links: [],
  track: true,
  log: true,
  records: [{ record_type: "deal", record_id: "d" }],
  create_contacts: [],
};
const record = (record_type: "contact" | "company" | "deal", record_id: string) => ({
  record_type,
  record_id,
  name: record_id,
  addresses: [],
});
const FOUND: ComposeContext = {
  recipients: [
    { address: "ann@y.example", contact_id: "a" },
    { address: "bob@y.example", contact_id: null },
  ],
  records: [record("contact", "a"), record("company", "c"), record("deal", "d")],
  track: { enabled: true, reason: null, start: null },
  log: { enabled: true, reason: null, start: null },
};
const open = (ticks: Record<string, boolean> = {}): Mail => ({
  ...MAIL,
  open: { addresses: ADDRESSES, ticks },
});
const ids = (mail: { records: readonly { record_id: string }[] }) => mail.records.map((one) => one.record_id);

describe("a mail that was sent before its recipients were known (E3, L4, L5)", () => {
  it("is logged as the rep would have found it ticked", () => {
    const settled = settle(open(), FOUND, false);
    expect(ids(settled)).toEqual(["d", "a", "c"]);
    expect(settled.create_contacts).toEqual(["bob@y.example"]);
    expect(settled).not.toHaveProperty("open");
  });

  it("follows what the rep has ticked before, and then the rep's own default", () => {
    const unticked = settle(open({ c: false, "bob@y.example": false }), FOUND, false);
    expect(ids(unticked)).toEqual(["d", "a"]);
    expect(unticked.create_contacts).toEqual([]);
    expect(settle(open(), FOUND, true).create_contacts).toEqual([]);
    expect(settle(open({ "bob@y.example": true }), FOUND, true).create_contacts).toEqual(["bob@y.example"]);
  });

  it("names no more than the server takes", () => {
    const many = Array.from({ length: 200 }, (_, n) => record("contact", String(n)));
    expect(settle(open(), { ...FOUND, records: many }, false).records).toHaveLength(200);
  });

  it("is asked for under another key when the answer is another, under its own when nothing was open", async () => {
    const key = (mail: Mail, found: ComposeContext) => keyFor("k", mail, settle(mail, found, false));
    expect(await key(MAIL, FOUND)).toBe("k");
    const first = await key(open(), FOUND);
    expect(first).toMatch(/^k-[0-9a-f]{16}$/);
    expect(await key(open(), FOUND)).toBe(first);
    expect(await key(open(), { ...FOUND, records: [] })).not.toBe(first);
  });
});
