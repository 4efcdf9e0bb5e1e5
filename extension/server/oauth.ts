/** Sign-in by OAuth code with PKCE (RFC 7636), refresh and revocation. */
import { ask, Failed, tell } from "./http";
import { Discovery, TokenPair } from "./shapes";

const CLIENT_ID = "kaifu-extension";
const DEADLINE_MS = 10_000;

/** The server's origin, or null for what is no web address. Plain http only on this machine. */
export function serverOrigin(typed: string): string | null {
  const text = typed.trim();
  let url: URL;
  try {
    url = new URL(/^https?:\/\//i.test(text) ? text : `https://${text}`);
  } catch {
    return null;
  }
  const local = url.hostname === "127.0.0.1" || url.hostname === "localhost";
  if (url.protocol !== "https:" && !(local && url.protocol === "http:")) return null;
  return url.username || url.password ? null : url.origin;
}

/** Where a server's parts are. Raises Failed. */
export async function discover(origin: string): Promise<Discovery> {
  const url = `${origin}/.well-known/oauth-authorization-server`;
  const found = await ask(Discovery, { url, deadlineMs: DEADLINE_MS });
  const here = [found.authorization_endpoint, found.token_endpoint, found.revocation_endpoint];
  if (here.some((one) => new URL(one).origin !== origin)) throw new Failed("garbage");
  return { ...found, kaifu_tracking_url: found.kaifu_tracking_url.replace(/\/+$/, "") };
}

export interface Authorization {
  url: string;
  verifier: string;
  state: string;
  redirectUri: string;
}

/** `account`: the Gmail account that the sign-in is for; the server asks when that is not the user's own. */
export async function authorization(
  server: Discovery,
  redirectUri: string,
  account: string,
): Promise<Authorization> {
  const verifier = randomText(48);
  const state = randomText(16);
  const url = new URL(server.authorization_endpoint);
  url.search = new URLSearchParams({
    response_type: "code",
    client_id: CLIENT_ID,
    redirect_uri: redirectUri,
    code_challenge: await challenge(verifier),
    code_challenge_method: "S256",
    state,
    login_hint: account,
  }).toString();
  return { url: url.href, verifier, state, redirectUri };
}

/** The code in the address that the browser was led to. Raises Failed. */
export function codeIn(address: string, asked: Authorization): string {
  const url = new URL(address);
  const code = url.searchParams.get("code");
  const ours = url.searchParams.get("state") === asked.state && address.startsWith(asked.redirectUri);
  if (!ours || !code) throw new Failed("refused", url.searchParams.get("error") ?? "no-code");
  return code;
}

export function exchange(server: Discovery, asked: Authorization, code: string): Promise<TokenPair> {
  return token(server, {
    grant_type: "authorization_code",
    code,
    redirect_uri: asked.redirectUri,
    code_verifier: asked.verifier,
  });
}

/** Raises Failed: "signed_out" when the sign-in has ended, anything else may pass. */
export async function refresh(server: Discovery, refreshToken: string): Promise<TokenPair> {
  try {
    return await token(server, { grant_type: "refresh_token", refresh_token: refreshToken });
  } catch (error) {
    if (error instanceof Failed && error.problem === "invalid_grant")
      throw new Failed("signed_out", "invalid_grant");
    throw error;
  }
}

export function revoke(server: Discovery, refreshToken: string): Promise<void> {
  return tell({
    url: server.revocation_endpoint,
    method: "POST",
    headers: { "Content-Type": "application/x-www-form-urlencoded" },
    body: new URLSearchParams({ token: refreshToken }).toString(),
    deadlineMs: DEADLINE_MS,
  });
}

function token(server: Discovery, form: Record<string, string>): Promise<TokenPair> {
  return ask(TokenPair, {
    url: server.token_endpoint,
    method: "POST",
    headers: { "Content-Type": "application/x-www-form-urlencoded" },
    body: new URLSearchParams({ ...form, client_id: CLIENT_ID }).toString(),
    deadlineMs: DEADLINE_MS,
  });
}

export async function challenge(verifier: string): Promise<string> {
  return base64url(new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(verifier))));
}

function randomText(bytes: number): string {
  return base64url(crypto.getRandomValues(new Uint8Array(bytes)));
}

function base64url(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replace(/=+$/, "");
}
