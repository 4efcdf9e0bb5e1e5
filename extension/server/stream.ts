/** The push stream of one sign-in: a socket that is kept alive and found again after any loss. */
import { Failed } from "./http";
import { type Frame, frameIn } from "./shapes";

/** A service worker is stopped when idle; a message on a socket within 30 s keeps it alive (Chrome 116). */
const HEARTBEAT_MS = 20_000;
/** No answer to a heartbeat for this long: the connection is dead, whatever the system says. */
const SILENT_MS = 45_000;
/** Access tokens last ten minutes. */
const REAUTHENTICATE_MS = 8 * 60_000;
const FIRST_RETRY_MS = 500;
const LAST_RETRY_MS = 60_000;
/** Close codes that say that the sign-in itself is in question. */
const SIGN_IN_CODES = new Set([4401, 4403, 4410]);

export interface StreamOptions {
  url: string;
  cursor: () => Promise<string | null>;
  accessToken: (fresh: boolean) => Promise<string>;
  frame: (frame: Frame) => Promise<void>;
}

export class Stream {
  #socket: WebSocket | null = null;
  #timers: ReturnType<typeof setInterval>[] = [];
  #retry: ReturnType<typeof setTimeout> | undefined;
  #retryMs = FIRST_RETRY_MS;
  #heardAt = 0;
  #fresh = false;
  #closed = false;
  #opening = false;
  #frames: Promise<void> = Promise.resolve();

  constructor(private readonly options: StreamOptions) {}

  get open(): boolean {
    return this.#socket?.readyState === WebSocket.OPEN;
  }

  /** Connect unless connected; also called by the alarm, after sleep for example. */
  async ensure(): Promise<void> {
    const stale = this.#socket !== null && Date.now() - this.#heardAt > SILENT_MS;
    if (this.#closed || this.#opening || (this.#socket && !stale)) return;
    this.#drop();
    this.#opening = true;
    try {
      await this.#connect();
    } catch (error) {
      if (!(error instanceof Failed && error.trouble === "signed_out")) this.#later();
    } finally {
      this.#opening = false;
    }
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#retry);
    this.#drop();
  }

  async #connect(): Promise<void> {
    const token = await this.options.accessToken(this.#fresh);
    this.#fresh = false;
    const cursor = await this.options.cursor();
    if (this.#closed) return;
    const url = new URL("/v1/stream", this.options.url);
    if (cursor) url.searchParams.set("after", cursor);
    const socket = new WebSocket(url);
    this.#socket = socket;
    this.#heardAt = Date.now();
    socket.onopen = () => this.#begin(socket, token);
    socket.onmessage = (message) => {
      if (this.#socket === socket) this.#hear(message.data);
    };
    socket.onclose = (event) => this.#lost(socket, event.code);
  }

  #begin(socket: WebSocket, token: string): void {
    socket.send(JSON.stringify({ type: "authenticate", access_token: token }));
    this.#timers.push(setInterval(() => this.#beat(socket), HEARTBEAT_MS));
    this.#timers.push(setInterval(() => void this.#reauthenticate(socket), REAUTHENTICATE_MS));
  }

  #beat(socket: WebSocket): void {
    if (Date.now() - this.#heardAt > SILENT_MS) void this.ensure();
    else socket.send('{"type":"ping"}');
  }

  async #reauthenticate(socket: WebSocket): Promise<void> {
    try {
      const token = await this.options.accessToken(true);
      if (this.#socket === socket) socket.send(JSON.stringify({ type: "authenticate", access_token: token }));
    } catch {
      // The server closes the socket when the sign-in runs out; then it is found out why.
    }
  }

  #hear(data: unknown): void {
    this.#heardAt = Date.now();
    const frame = typeof data === "string" ? frameIn(data) : null;
    if (!frame) return;
    if (frame.type === "ready") this.#retryMs = FIRST_RETRY_MS;
    this.#frames = this.#frames.then(() => this.options.frame(frame)).catch(() => undefined);
  }

  #lost(socket: WebSocket, code: number): void {
    if (this.#socket !== socket) return;
    this.#drop();
    this.#fresh = SIGN_IN_CODES.has(code);
    this.#later();
  }

  #later(): void {
    if (this.#closed) return;
    clearTimeout(this.#retry);
    const wait = this.#retryMs * (0.5 + Math.random());
    this.#retryMs = Math.min(this.#retryMs * 2, LAST_RETRY_MS);
    this.#retry = setTimeout(() => void this.ensure(), wait);
  }

  #drop(): void {
    for (const timer of this.#timers) clearInterval(timer);
    this.#timers = [];
    const socket = this.#socket;
    this.#socket = null;
    socket?.close();
  }
}
