/** The sign-ins of this browser, one for each Gmail account, kept apart. */
import * as v from "valibot";
import { type Asked, ask, Failed } from "./http";
import { refresh, revoke } from "./oauth";
import { Discovery, Me, type TokenPair } from "./shapes";
import { type Area, Stored } from "./stored";

const SignIn = v.object({ server: Discovery, refreshToken: v.string(), me: Me });
export type SignIn = v.InferOutput<typeof SignIn>;
const Access = v.object({ token: v.string(), expiresAt: v.number() });
type Access = v.InferOutput<typeof Access>;

/** A token is renewed this long before it ends, so that a request under way is still accepted. */
const MARGIN_MS = 60_000;

export class SignIns {
  readonly #kept: Stored<v.GenericSchema<unknown, Record<string, SignIn>>>;
  readonly #access: Stored<v.GenericSchema<unknown, Record<string, Access>>>;
  readonly #refreshing = new Map<string, Promise<string>>();

  /** `kept` outlives the browser; `fleeting` (access tokens) does not. `ended`: a sign-in was taken away. */
  constructor(
    kept: Area,
    fleeting: Area,
    private readonly now: () => number,
    private readonly ended: (account: string) => void,
  ) {
    this.#kept = new Stored(kept, "signIns", v.record(v.string(), SignIn), {});
    this.#access = new Stored(fleeting, "accessTokens", v.record(v.string(), Access), {});
  }

  all(): Promise<Record<string, SignIn>> {
    return this.#kept.read();
  }

  async of(account: string): Promise<SignIn | null> {
    return (await this.all())[account] ?? null;
  }

  /** Keep what a sign-in gave, and find out who it is. Raises Failed. */
  async begin(account: string, server: Discovery, pair: TokenPair): Promise<SignIn> {
    const me = await ask(Me, {
      url: `${server.issuer}/v1/me`,
      headers: { Authorization: `Bearer ${pair.access_token}` },
      deadlineMs: 10_000,
    });
    const signIn = { server, refreshToken: pair.refresh_token, me };
    await this.#kept.change((all) => ({ ...all, [account]: signIn }));
    await this.#keepAccess(account, pair);
    return signIn;
  }

  /** Forget it here first; then tell the server, as far as it can be reached. */
  async end(account: string): Promise<void> {
    const signIn = await this.of(account);
    await this.#forget(account);
    if (signIn) await revoke(signIn.server, signIn.refreshToken).catch(() => undefined);
  }

  /** A valid access token. Raises Failed ("signed_out" without a sign-in). */
  async accessToken(account: string): Promise<string> {
    const known = (await this.#access.read())[account];
    if (known && known.expiresAt - MARGIN_MS > this.now()) return known.token;
    return this.renewed(account);
  }

  /** A fresh access token. A refresh token is spent by its use, so there is one at a time. Raises Failed. */
  renewed(account: string): Promise<string> {
    const running = this.#refreshing.get(account);
    if (running) return running;
    const started = this.#renew(account).finally(() => this.#refreshing.delete(account));
    this.#refreshing.set(account, started);
    return started;
  }

  async #renew(account: string): Promise<string> {
    const signIn = await this.of(account);
    if (!signIn) throw new Failed("signed_out");
    try {
      const pair = await refresh(signIn.server, signIn.refreshToken);
      await this.#kept.change((all) => {
        const current = all[account];
        return current ? { ...all, [account]: { ...current, refreshToken: pair.refresh_token } } : all;
      });
      await this.#keepAccess(account, pair);
      return pair.access_token;
    } catch (error) {
      if (error instanceof Failed && error.trouble === "signed_out") await this.#taken(account, signIn);
      throw error;
    }
  }

  /** Unless the rep has signed in anew meanwhile. */
  async #taken(account: string, ended: SignIn): Promise<void> {
    const current = await this.of(account);
    if (current?.refreshToken !== ended.refreshToken) return;
    await this.#forget(account);
    this.ended(account);
  }

  async #forget(account: string): Promise<void> {
    const without = <T>(all: Record<string, T>) =>
      Object.fromEntries(Object.entries(all).filter(([name]) => name !== account));
    await this.#kept.change(without);
    await this.#access.change(without);
  }

  async #keepAccess(account: string, pair: TokenPair): Promise<void> {
    const access = { token: pair.access_token, expiresAt: this.now() + pair.expires_in * 1000 };
    await this.#access.change((all) => ({ ...all, [account]: access }));
  }

  /**
   * Run a request with a token; once more with a fresh one when it is not accepted. Raises Failed.
   * `deadlineMs` is for all of it together, a refresh included.
   */
  async authorized<T>(
    account: string,
    deadlineMs: number,
    run: (with_: Pick<Asked, "headers" | "deadlineMs">) => Promise<T>,
  ): Promise<T> {
    const end = this.now() + deadlineMs;
    const attempt = async (token: Promise<string>) => {
      const bearer = await inTime(token, end - this.now());
      return run({
        headers: { Authorization: `Bearer ${bearer}`, "Content-Type": "application/json" },
        deadlineMs: Math.max(1, end - this.now()),
      });
    };
    try {
      return await attempt(this.accessToken(account));
    } catch (error) {
      if (!(error instanceof Failed && error.trouble === "signed_out") || !(await this.of(account)))
        throw error;
      return attempt(this.renewed(account));
    }
  }
}

async function inTime<T>(work: Promise<T>, ms: number): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Failed("timeout")), Math.max(0, ms));
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
