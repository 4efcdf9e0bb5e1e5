import { beforeEach, describe, expect, it } from "vitest";
import { newJob, type Step } from "../../core/job";
import { inLanguage } from "../../text/say";
import { bodies } from "../../worker/database";
import { Losses } from "../../worker/losses";
import type { Notifications } from "../../worker/notifications";

let told: string[] = [];
const notifications = {
  note: async (text: string, subject: string) => {
    told.push(`${subject}: ${text}`);
  },
} as Notifications;
const losses = new Losses(notifications, async () => inLanguage("en"));
const job = newJob("k", "rep@x.example", 0, { prepare: { subject: "Offer" }, body: "k" });

beforeEach(async () => {
  told = [];
  await bodies.keep("k", "<p>Hello</p>");
});

describe("what does not get to the server (E3)", () => {
  it("is said, with the reason, and what waited for it is let go of", async () => {
    await losses.over(job, "prepare", "account_logging_off");
    expect(told).toEqual(["Offer: A mail could not be logged: logging is off for your account"]);
    expect(await bodies.read("k")).toBeNull();
  });

  it.each<[Step, string, string]>([
    ["upload", "too-large", "A mail was logged without its body: it is too large"],
    ["attach", "unknown", "A mail was logged without its attachments: the server refused it"],
  ])("may be a part: %s", async (step, reason, text) => {
    await losses.over(job, step, reason);
    expect(told).toEqual([`Offer: ${text}`]);
  });

  it("may be that a mail was taken back", async () => {
    const report = { state: "cancelled" as const, occurred_at: "2026-11-24T09:00:00Z" };
    await losses.over({ ...job, report }, "report", "receipt-expired");
    expect(told[0]).toContain("that you took back may still be logged");
  });

  it("is not said of what was taken; a body is kept until it is uploaded", async () => {
    await losses.over(job, "report", null);
    expect(await bodies.read("k")).not.toBeNull();
    await losses.over(job, "upload", null);
    expect(await bodies.read("k")).toBeNull();
    expect(told).toEqual([]);
  });
});
