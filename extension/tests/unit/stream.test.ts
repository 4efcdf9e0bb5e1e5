import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Failed } from "../../server/http";
import { Stream } from "../../server/stream";

/** A socket of which the test is the other end. */
class Socket {
  static readonly OPEN = 1;
  static all: Socket[] = [];
  readyState = 0;
  sent: Record<string, unknown>[] = [];
  onopen: () => void = () => undefined;
  onmessage: (message: { data: unknown }) => void = () => undefined;
  onclose: (event: { code: number }) => void = () => undefined;

  constructor(readonly url: URL) {
    Socket.all.push(this);
  }
  static get last(): Socket {
    return Socket.all.at(-1) as Socket;
  }
  send(text: string): void {
    this.sent.push(JSON.parse(text));
  }
  close(): void {
    this.readyState = 3;
  }
  opens(): void {
    this.readyState = 1;
    this.onopen();
  }
  says(frame: unknown): void {
    this.onmessage({ data: typeof frame === "string" ? frame : JSON.stringify(frame) });
  }
  ends(code: number): void {
    this.readyState = 3;
    this.onclose({ code });
  }
  get pings(): number {
    return this.sent.filter(({ type }) => type === "ping").length;
  }
}

const READY = { type: "ready", cursor: "c1" };
let cursor: string | null = null;
let tokens: boolean[] = [];
let frames: string[] = [];
let refusal: Failed | null = null;
let stream: Stream;

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal("WebSocket", Socket);
  Socket.all = [];
  [cursor, tokens, frames, refusal] = [null, [], [], null];
  stream = new Stream({
    url: "wss://push.example",
    cursor: async () => cursor,
    accessToken: async (fresh) => {
      tokens.push(fresh);
      if (refusal) throw refusal;
      return `token-${tokens.length}`;
    },
    frame: async (frame) => {
      frames.push(frame.type);
    },
  });
});
afterEach(() => {
  stream.close();
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

const pass = (seconds: number) => vi.advanceTimersByTimeAsync(seconds * 1000);

async function connected(): Promise<Socket> {
  await stream.ensure();
  const socket = Socket.last;
  socket.opens();
  socket.says(READY);
  await pass(0);
  return socket;
}

describe("stream (T4)", () => {
  it("authenticates in its first message and resumes from the cursor", async () => {
    cursor = "c 1/";
    const socket = await connected();
    expect(String(socket.url)).toBe("wss://push.example/v1/stream?after=c+1%2F");
    expect(socket.sent).toEqual([{ type: "authenticate", access_token: "token-1" }]);
    expect(frames).toEqual(["ready"]);
  });

  it("has one socket, however often it is asked for", async () => {
    await Promise.all([stream.ensure(), stream.ensure()]);
    await connected();
    await stream.ensure();
    expect(Socket.all).toHaveLength(1);
  });

  it("says something within the half minute after which Chrome ends an idle worker", async () => {
    const socket = await connected();
    for (let n = 1; n <= 10; n++) {
      await pass(29);
      expect(socket.pings).toBeGreaterThanOrEqual(n);
      socket.says({ type: "pong" });
    }
    expect(Socket.all).toHaveLength(1);
  });

  it("gives up a socket that is silent, also one that never opened", async () => {
    const dead = await connected();
    await pass(61);
    expect(dead.readyState).toBe(3);
    expect(Socket.all).toHaveLength(2);
    await pass(46);
    await stream.ensure();
    expect(Socket.all).toHaveLength(3);
  });

  it("notices after a sleep of the computer that the socket is from before", async () => {
    await connected();
    vi.setSystemTime(Date.now() + 3_600_000);
    await stream.ensure();
    expect(Socket.all).toHaveLength(2);
  });

  it("comes back after a loss, with pauses that grow to a minute and begin small again", async () => {
    vi.spyOn(Math, "random").mockReturnValue(0.5);
    (await connected()).ends(1006);
    for (const pause of [0.5, 1, 2, 4, 8, 16, 32, 60, 60]) {
      const before = Socket.all.length;
      await pass(pause - 0.1);
      expect(Socket.all).toHaveLength(before);
      await pass(0.2);
      expect(Socket.all).toHaveLength(before + 1);
      Socket.last.ends(1006);
    }
    await pass(60);
    Socket.last.opens();
    Socket.last.says(READY);
    await pass(0);
    Socket.last.ends(1012);
    const before = Socket.all.length;
    await pass(0.6);
    expect(Socket.all).toHaveLength(before + 1);
  });

  it("takes a fresh token when the sign-in was in question, and none of its own accord", async () => {
    (await connected()).ends(4410);
    await pass(1);
    Socket.last.ends(1006);
    await pass(2);
    expect(tokens).toEqual([false, true, false]);
  });

  it("does not knock again while there is no sign-in, but does while the server is away", async () => {
    refusal = new Failed("signed_out");
    await stream.ensure();
    await pass(300);
    expect(tokens).toHaveLength(1);
    refusal = new Failed("unreachable");
    await stream.ensure();
    await pass(300);
    expect(tokens.length).toBeGreaterThan(5);
    expect(Socket.all).toHaveLength(0);
  });

  it("renews its sign-in on the same socket before ten minutes are over", async () => {
    const socket = await connected();
    for (let n = 0; n < 25; n++) {
      await pass(20);
      socket.says({ type: "pong" });
    }
    expect(socket.sent.filter(({ type }) => type === "authenticate")).toHaveLength(2);
    expect(tokens).toEqual([false, true]);
    expect(Socket.all).toHaveLength(1);
  });

  it("passes over what is no frame, and takes frames one after the other", async () => {
    const socket = await connected();
    for (const garbage of ["{", "[]", '{"type":"event"}', 5, '{"type":"summary","cursor":"c","count":-1}'])
      socket.onmessage({ data: garbage });
    socket.says({ type: "summary", cursor: "c2", count: 3 });
    socket.says({ type: "event", cursor: "c3", event: { type: "of tomorrow" } });
    await pass(0);
    expect(frames).toEqual(["ready", "summary", "event"]);
  });

  it("does not hear a socket that it gave up: its cursor may be old", async () => {
    const dead = await connected();
    await pass(61);
    dead.says({ type: "event", cursor: "c2", event: { type: "late" } });
    await pass(0);
    expect(frames).toEqual(["ready"]);
  });

  it("is over when it is closed", async () => {
    const socket = await connected();
    stream.close();
    socket.ends(1000);
    await pass(300);
    await stream.ensure();
    expect(Socket.all).toHaveLength(1);
    expect(vi.getTimerCount()).toBe(0);
  });
});
