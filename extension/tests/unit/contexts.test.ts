/** What the server says of recipients is asked as rarely as it may be. */
import { describe, expect, it } from "vitest";
import type { ComposeContext } from "../../server/shapes";
import { Contexts } from "../../worker/contexts";

const FREE = { enabled: true, reason: null, start: null };
const CONTEXT: ComposeContext = { recipients: [], records: [], track: FREE, log: FREE };

function setUp() {
  const asked: string[] = [];
  const clock = { now: 0, fails: false };
  const contexts = new Contexts(
    async (account, addresses) => {
      asked.push([account, ...addresses].join(" "));
      if (clock.fails) throw new Error("away");
      return CONTEXT;
    },
    () => clock.now,
  );
  return { asked, clock, contexts };
}

describe("contexts", () => {
  it("asks once a minute for a set of recipients, whatever their order and case", async () => {
    const { asked, clock, contexts } = setUp();
    await Promise.all([contexts.of("me", ["b@x", "A@x"]), contexts.of("me", ["a@x", "B@x"])]);
    clock.now = 59_999;
    await contexts.of("me", ["a@x", "b@x"]);
    expect(asked).toEqual(["me a@x b@x"]);
    clock.now = 60_000;
    await contexts.of("me", ["a@x", "b@x"]);
    expect(asked).toHaveLength(2);
  });

  it("keeps accounts apart, and forgets one whose settings are different", async () => {
    const { asked, contexts } = setUp();
    for (const account of ["me", "you"]) await contexts.of(account, ["a@x"]);
    contexts.drop("me");
    for (const account of ["me", "you"]) await contexts.of(account, ["a@x"]);
    expect(asked).toEqual(["me a@x", "you a@x", "me a@x"]);
  });

  it("does not keep a failure", async () => {
    const { asked, clock, contexts } = setUp();
    clock.fails = true;
    await expect(contexts.of("me", [])).rejects.toThrow("away");
    clock.fails = false;
    expect(await contexts.of("me", [])).toBe(CONTEXT);
    expect(asked).toHaveLength(2);
  });

  it("does not grow without end", async () => {
    const { asked, contexts } = setUp();
    for (let at = 0; at <= 100; at++) await contexts.of("me", [`${at}@x`]);
    await contexts.of("me", ["100@x"]);
    expect(asked).toHaveLength(101);
    await contexts.of("me", ["0@x"]);
    expect(asked).toHaveLength(102);
  });
});
