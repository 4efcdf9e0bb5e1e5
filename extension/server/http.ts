/** Requests that end in time and answers that are what they should be. */
import * as v from "valibot";

export type Trouble =
  | "timeout" // no answer before the deadline
  | "unreachable" // no connection, or the server says that it is away for now
  | "signed_out" // no sign-in, or it has ended
  | "garbage" // an answer that is none
  | "refused"; // an answer that says no, for good

export class Failed extends Error {
  constructor(
    readonly trouble: Trouble,
    /** The last part of the problem's type (RFC 9457), where the server gave one. */
    readonly problem: string = "",
    /** Of the answer that refuses. */
    readonly status: number | null = null,
  ) {
    super(problem ? `${trouble}: ${problem}` : trouble);
  }

  /** Whether the same request may succeed later. */
  get again(): boolean {
    return this.trouble === "timeout" || this.trouble === "unreachable" || this.trouble === "signed_out";
  }
}

/** Request timeout, too early, too many requests. */
const AWAY_FOR_NOW = new Set([408, 425, 429]);
/** Larger answers are none of ours. */
const LARGEST_ANSWER = 8 * 1024 * 1024;

export interface Asked {
  url: string;
  method?: "GET" | "POST" | "PUT" | "DELETE";
  headers?: Record<string, string>;
  body?: string | Uint8Array<ArrayBuffer>;
  deadlineMs: number;
}

/** The answer's JSON in its shape. Raises Failed, never anything else. */
export async function ask<S extends v.GenericSchema>(shape: S, asked: Asked): Promise<v.InferOutput<S>> {
  const answer = await send(asked);
  const read = v.safeParse(shape, parse(answer.text));
  if (!read.success) throw new Failed("garbage");
  return read.output;
}

/** Whether it was accepted; with a status given, only by that: a proxy's page that stands in is no answer. */
export async function tell(asked: Asked, status?: number): Promise<void> {
  const answer = await send(asked);
  if (status !== undefined && answer.status !== status) throw new Failed("garbage");
}

async function send(asked: Asked): Promise<{ status: number; text: string }> {
  const signal = AbortSignal.timeout(asked.deadlineMs);
  let response: Response;
  let text: string;
  try {
    response = await fetch(asked.url, {
      method: asked.method ?? "GET",
      headers: { Accept: "application/json", ...asked.headers },
      ...(asked.body === undefined ? {} : { body: asked.body }),
      credentials: "omit",
      redirect: "error",
      cache: "no-store",
      referrerPolicy: "no-referrer",
      signal,
    });
    text = await read(response);
  } catch (error) {
    if (error instanceof Failed) throw error;
    throw new Failed(signal.aborted ? "timeout" : "unreachable");
  }
  if (response.ok) return { status: response.status, text };
  throw refusal(response.status, text);
}

async function read(response: Response): Promise<string> {
  const length = Number(response.headers.get("content-length") ?? "0");
  if (length > LARGEST_ANSWER) throw new Failed("garbage");
  const decoder = new TextDecoder();
  let text = "";
  if (!response.body) return text;
  const reader = response.body.getReader();
  while (true) {
    const { done, value } = await reader.read();
    if (done) return text + decoder.decode();
    text += decoder.decode(value, { stream: true });
    if (text.length > LARGEST_ANSWER) {
      await reader.cancel();
      throw new Failed("garbage");
    }
  }
}

function refusal(status: number, text: string): Failed {
  const type = parse(text);
  const named =
    type && typeof type === "object" && ("type" in type ? type.type : "error" in type ? type.error : "");
  const problem = typeof named === "string" ? (named.split(":").at(-1) ?? "") : "";
  if (status === 401) return new Failed("signed_out", problem);
  if (AWAY_FOR_NOW.has(status) || status >= 500) return new Failed("unreachable", problem);
  return new Failed("refused", problem, status);
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
