import { describe, expect, it } from "vitest";
import { mayBeScheduled, scheduledMails, withHtml } from "../../gmail/scheduled-request";

const NOW = Date.parse("2026-11-24T09:00:00Z");
const LATER = Date.parse("2026-11-27T23:00:00Z");
const URL = "https://mail.google.com/sync/u/1/i/s?hl=en&c=7";

/** A message as gmail.js describes one. `more`: what stands behind its labels. */
function message(labels: string[], more: unknown[], html = "<p>Hi</p>"): unknown[] {
  const made: unknown[] = new Array(30).fill(null);
  made[0] = "msg-a:r-77";
  made[1] = [1, "rep@us.example", "Rep"];
  made[2] = [
    [1, "ann@them.example", "Ann"],
    [1, "bob@them.example", null],
  ];
  made[6] = NOW - 5;
  made[7] = "開封 <b>";
  made[8] = [null, [[0, html]]];
  made[10] = labels;
  made.splice(16, more.length, ...more);
  return made;
}

function request(...messages: unknown[][]): string {
  return JSON.stringify([null, [messages.map((one) => [10, ["thread-a:r-77", [...Array(13), [one]]]])]]);
}

describe("a request that schedules mail", () => {
  it("is told from others by address and label", () => {
    const body = request(message(["^scheduled"], [LATER]));
    expect(mayBeScheduled(URL, body)).toBe(true);
    expect(mayBeScheduled("/sync/i/s", body)).toBe(true);
    expect(mayBeScheduled("https://mail.google.com/sync/u/1/i/fd", body)).toBe(false);
    expect(mayBeScheduled(URL, request(message(["^pfg"], [LATER])))).toBe(false);
    expect(mayBeScheduled(URL, new Uint8Array())).toBe(false);
  });

  it("tells what is sent to whom and when, wherever the moment stands", () => {
    for (const more of [[LATER], [[null, [String(LATER * 1000)]]], [["x", { 1: 2 }, [LATER, LATER]]]])
      expect(scheduledMails(request(message(["^r", "^scheduled"], more)), NOW)).toEqual([
        {
          draft: "r-77",
          written: {
            from: { address: "rep@us.example", name: "Rep" },
            to: [{ address: "ann@them.example", name: "Ann" }, { address: "bob@them.example" }],
            cc: [],
            bcc: [],
            subject: "開封 <b>",
          },
          html: "<p>Hi</p>",
          sendAt: "2026-11-27T23:00:00.000Z",
        },
      ]);
  });

  it("does not guess the moment", () => {
    for (const more of [[], [[LATER], LATER + 60_000], [NOW - 1], ["2099-01-01"], [1e300], [true]])
      expect(scheduledMails(request(message(["^scheduled"], more)), NOW)[0]?.sendAt).toBeNull();
  });

  it("is changed in this one mail's body and nowhere else", () => {
    const other = message(["^scheduled"], [LATER], "<p>Other</p>");
    other[0] = "msg-a:r-78";
    const before = request(message(["^scheduled"], [LATER]), other);
    const after = withHtml(before, "r-77", '<p>Hi</p><img src="x">');
    expect(after).toBe(before.replace("<p>Hi</p>", '<p>Hi</p><img src=\\"x\\">'));
  });

  it("may be anything without harm", () => {
    for (const body of [
      "",
      "null",
      '"^scheduled"',
      "[".repeat(10_000),
      '[["msg-a:1",0,0,0,0,0,0,0,7,0,["^scheduled"]]]',
    ])
      expect(scheduledMails(body, NOW)).toEqual([]);
  });
});
