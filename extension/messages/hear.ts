/** How the worker takes messages: who may say what, checked before anything else. */
import * as v from "valibot";
import { Failed } from "../server/http";
import type { GmailAnswers, PageAnswers } from "./answers";
import { type Answer, FromGmail, FromPages, type HeardFromGmail, type HeardFromPages } from "./protocol";

type Handlers<Message extends { type: string }, Answers> = {
  [Kind in Message["type"] & keyof Answers]: (
    message: Extract<Message, { type: Kind }>,
    tab: number | undefined,
  ) => Promise<Answers[Kind]>;
};
export type GmailHandlers = Handlers<HeardFromGmail, GmailAnswers>;
export type PageHandlers = Handlers<HeardFromPages, PageAnswers>;

export type Sender = Pick<chrome.runtime.MessageSender, "id" | "url" | "origin" | "frameId" | "tab">;

export interface House {
  id: string;
  /** `chrome-extension://…` without a slash at the end. */
  origin: string;
}

/** The answer to a message; undefined for one that is not for us (a library's, or from elsewhere). */
export function hear(
  house: House,
  gmail: GmailHandlers,
  pages: PageHandlers,
  raw: unknown,
  sender: Sender,
): Promise<Answer<unknown>> | undefined {
  if (!raw || typeof raw !== "object" || !("kaifu" in raw) || sender.id !== house.id) return undefined;
  const from = originOf(sender);
  if (from === "https://mail.google.com" && sender.frameId === 0)
    return handle(FromGmail, gmail, raw, sender);
  if (from === house.origin) return handle(FromPages, pages, raw, sender);
  return undefined;
}

function originOf(sender: Sender): string {
  try {
    return new URL(sender.url ?? "").href.startsWith("chrome-extension:")
      ? (sender.url ?? "").split("/").slice(0, 3).join("/")
      : new URL(sender.url ?? "").origin;
  } catch {
    return "";
  }
}

async function handle(
  shape: typeof FromGmail | typeof FromPages,
  handlers: GmailHandlers | PageHandlers,
  raw: object,
  sender: Sender,
): Promise<Answer<unknown>> {
  const read = v.safeParse(shape as v.GenericSchema<unknown, { type: string }>, raw);
  if (!read.success) return { ok: false, trouble: "garbage", problem: "message" };
  const table = handlers as unknown as Record<string, (message: unknown, tab?: number) => Promise<unknown>>;
  const handler = table[read.output.type];
  if (!handler) return { ok: false, trouble: "garbage", problem: "message" };
  try {
    return { ok: true, value: await handler(read.output, sender.tab?.id) };
  } catch (error) {
    if (error instanceof Failed) return { ok: false, trouble: error.trouble, problem: error.problem };
    return { ok: false, trouble: "garbage", problem: "internal" };
  }
}
