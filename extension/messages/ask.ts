/** How content script, popup and options ask the worker. */
import type { GmailAnswers, PageAnswers } from "./answers";
import type { Answer, FromGmail, FromPages } from "./protocol";

/** A worker that ends in the middle of a question is there again for the next; none of Gmail's harms twice. */
const TRIES = 3;
const PAUSE_MS = 200;

export async function askFromGmail<M extends FromGmail>(
  message: M,
): Promise<Answer<GmailAnswers[M["type"]]>> {
  for (let tries = 1; ; tries++) {
    const answer = await ask<GmailAnswers[M["type"]]>(message);
    if (answer !== null) return answer;
    if (isCutOff()) return { ok: false, trouble: "cut_off", problem: "" };
    if (tries === TRIES) return { ok: false, trouble: "unreachable", problem: "" };
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
}

export async function askFromPage<M extends FromPages>(message: M): Promise<Answer<PageAnswers[M["type"]]>> {
  return (await ask(message)) ?? { ok: false, trouble: "unreachable", problem: "" };
}

/** Whether the extension was updated, reloaded or switched off since this script was put into the page. */
export function isCutOff(): boolean {
  return chrome.runtime?.id === undefined;
}

/** null: nobody answered. */
async function ask<T>(message: object): Promise<Answer<T> | null> {
  try {
    const answer: unknown = await chrome.runtime.sendMessage({ kaifu: 1, ...message });
    return answer && typeof answer === "object" && "ok" in answer ? (answer as Answer<T>) : null;
  } catch {
    return null;
  }
}
