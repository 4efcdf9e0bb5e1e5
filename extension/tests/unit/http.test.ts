import { afterEach, describe, expect, it, vi } from "vitest";
import { Failed, tell } from "../../server/http";

afterEach(() => vi.unstubAllGlobals());

describe("an answer that says no", () => {
  it.each([
    [400, "refused", 400],
    [404, "refused", 404],
    [422, "refused", 422],
    [401, "signed_out", null],
    [429, "unreachable", null],
    [503, "unreachable", null],
  ] as const)("%i is %s, and its status is known where it is a refusal", async (status, trouble, known) => {
    const answer = new Response('{"type":"urn:kaifu:problem:some"}', { status });
    vi.stubGlobal("fetch", vi.fn().mockResolvedValue(answer));
    const failed = await tell({ url: "https://x.example", deadlineMs: 1000 }).catch(
      (error: unknown) => error,
    );
    expect(failed).toBeInstanceOf(Failed);
    expect(failed).toMatchObject({ trouble, problem: "some", status: known });
  });
});
