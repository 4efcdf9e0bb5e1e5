import { describe, expect, it } from "vitest";
import { frameIn } from "../../server/shapes";

const event = { type: "notification_raised" };

describe("what the server calls silent (B8)", () => {
  it("is read from the frame, whatever the reason", () => {
    for (const silent of ["quiet_hours", "of tomorrow"])
      expect(frameIn(JSON.stringify({ type: "event", cursor: "c", silent, event }))).toMatchObject({
        silent,
      });
  });

  it("is missing where the pop-up comes up", () => {
    const frame = frameIn(JSON.stringify({ type: "event", cursor: "c", event }));
    expect(frame).not.toHaveProperty("silent");
  });
});
