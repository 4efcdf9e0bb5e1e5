import { describe, expect, it } from "vitest";
import { Lane } from "../../core/lane";

describe("lane (E3)", () => {
  it("works once more for whoever asks, at whatever moment of a run", async () => {
    for (let turn = 0; turn < 40; turn++) {
      let begun = 0;
      const lane = new Lane(async () => {
        begun++;
        return { vain: false, due: null };
      });
      const running = lane.run();
      for (let n = 0; n < turn; n++) await Promise.resolve();
      const before = begun;
      await Promise.all([running, lane.run()]);
      expect(begun, `asked after ${turn} turns`).toBe(before + 1);
    }
  });

  it("works for one at a time", async () => {
    let working = 0;
    const lane = new Lane(async () => {
      expect(++working).toBe(1);
      await new Promise((resolve) => setTimeout(resolve, 1));
      working--;
      return { vain: false, due: null };
    });
    await Promise.all([lane.run(), lane.run(), lane.run()]);
    expect(working).toBe(0);
  });
});
