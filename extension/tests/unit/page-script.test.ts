// @vitest-environment jsdom
import { beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { type Channel, requested } from "../../gmail/channel";
import { BODY, SCHEDULING, Scheduling, TAKEN } from "../../gmail/schedule-events";

const URL = "https://mail.google.com/sync/u/0/i/s?hl=en";
const left: unknown[] = [];
let channel: Channel | undefined;

/** A request as Gmail schedules a mail; `html`: its body. */
function request(html: string): string {
  const message: unknown[] = new Array(20).fill(null);
  message[0] = "msg-a:r-1";
  message[1] = [1, "rep@us.example", null];
  message[8] = [null, [[0, html]]];
  message[10] = ["^scheduled"];
  message[16] = Date.now() + 3_600_000;
  return JSON.stringify([null, [[[10, ["thread-a:r-1", [message]]]]]]);
}

function post(body: string): void {
  const sending = new XMLHttpRequest();
  sending.open("POST", URL);
  sending.send(body);
}

beforeAll(async () => {
  XMLHttpRequest.prototype.send = (body) => void left.push(body);
  requested((found) => {
    channel = found;
  });
  await import("../../gmail/page-script");
});
beforeEach(() => {
  left.length = 0;
});

describe("the script in Gmail's own world", () => {
  it("lets every other request pass untouched and at once", () => {
    const body = request("<p>Hi</p>").replace("^scheduled", "^pfg");
    post(body);
    expect(left).toEqual([body]);
  });

  it("lets a scheduled mail go as it is when nobody takes it", async () => {
    const body = request("<p>Hi</p>");
    post(body);
    await vi.waitFor(() => expect(left).toEqual([body]));
  });

  it("puts in the body that it is given", async () => {
    const forget = channel?.hear(SCHEDULING, Scheduling, ({ id, mail }) => {
      channel?.say(TAKEN, { id });
      setTimeout(() => channel?.say(BODY, { id, html: `${mail.html}<img>` }));
    });
    post(request("<p>Hi</p>"));
    await vi.waitFor(() => expect(left).toHaveLength(1));
    expect(left[0]).toContain("<p>Hi</p><img>");
    forget?.();
  });

  it("lets the mail go whatever goes wrong in it", async () => {
    const broken = vi.spyOn(crypto, "randomUUID").mockImplementation(() => {
      throw new Error("broken");
    });
    const body = request("<p>Hi</p>");
    post(body);
    await vi.waitFor(() => expect(left).toEqual([body]));
    broken.mockRestore();
  });
});
