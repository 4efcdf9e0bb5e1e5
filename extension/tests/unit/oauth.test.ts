/** What the browser is sent to the server with at sign-in. */
import { describe, expect, it } from "vitest";
import { authorization, challenge } from "../../server/oauth";
import type { Discovery } from "../../server/shapes";

const SERVER = { authorization_endpoint: "https://kaifu.example/oauth/authorize" } as Discovery;
const REDIRECT = "https://aaaa.chromiumapp.org/sign-in";

describe("authorization", () => {
  it("names the Gmail account that the sign-in is for", async () => {
    const asked = await authorization(SERVER, REDIRECT, "ann+x@own.example");
    const given = new URL(asked.url).searchParams;
    expect(given.get("login_hint")).toBe("ann+x@own.example");
    expect(given.get("redirect_uri")).toBe(REDIRECT);
    expect(given.get("state")).toBe(asked.state);
    expect(given.get("code_challenge")).toBe(await challenge(asked.verifier));
  });

  it("has another state and verifier each time", async () => {
    const [one, other] = [
      await authorization(SERVER, REDIRECT, "a@x.example"),
      await authorization(SERVER, REDIRECT, "a@x.example"),
    ];
    expect(one.state).not.toBe(other.state);
    expect(one.verifier).not.toBe(other.verifier);
  });
});
