import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { askFromGmail } from "../../messages/ask";

const CANCELLED = { type: "cancelled", account: "rep@x.example", key: "k" } as const;
let answers: (unknown | Error)[] = [];
let asked: unknown[] = [];
const runtime: { id: string | undefined; sendMessage: (message: unknown) => Promise<unknown> } = {
  id: "kaifu",
  sendMessage: async (message) => {
    asked.push(message);
    const answer = answers.shift();
    if (answer instanceof Error) throw answer;
    return answer;
  },
};

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal("chrome", { runtime });
  [answers, asked, runtime.id] = [[], [], "kaifu"];
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

async function ask() {
  const answer = askFromGmail(CANCELLED);
  await vi.advanceTimersByTimeAsync(2000);
  return answer;
}

describe("what Gmail's page asks of the worker (E3, T8)", () => {
  it("is asked again when the worker ended in the middle of it", async () => {
    answers = [new Error("the message channel closed"), undefined, { ok: true, value: null }];
    expect(await ask()).toEqual({ ok: true, value: null });
    expect(asked).toEqual(Array(3).fill({ kaifu: 1, ...CANCELLED }));
  });

  it("is not asked again when the answer is no", async () => {
    answers = [{ ok: false, trouble: "refused", problem: "x" }];
    expect(await ask()).toEqual({ ok: false, trouble: "refused", problem: "x" });
    expect(asked).toHaveLength(1);
  });

  it("is given up when nobody answers, at once when the extension is gone", async () => {
    answers = Array(9).fill(new Error("no receiving end"));
    expect(await ask()).toMatchObject({ ok: false, trouble: "unreachable" });
    expect(asked).toHaveLength(3);
    runtime.id = undefined;
    expect(await ask()).toMatchObject({ ok: false, trouble: "cut_off" });
    expect(asked).toHaveLength(4);
  });
});
