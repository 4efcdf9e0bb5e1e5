/** How content script, popup and options ask the worker. */
import type { GmailAnswers, PageAnswers } from "./answers";
import type { Answer, FromGmail, FromPages } from "./protocol";

export async function askFromGmail<M extends FromGmail>(
  message: M,
): Promise<Answer<GmailAnswers[M["type"]]>> {
  return ask(message);
}

export async function askFromPage<M extends FromPages>(message: M): Promise<Answer<PageAnswers[M["type"]]>> {
  return ask(message);
}

/** Whether the extension was updated, reloaded or switched off since this script was put into the page. */
export function isCutOff(): boolean {
  return chrome.runtime?.id === undefined;
}

async function ask<T>(message: object): Promise<Answer<T>> {
  try {
    const answer: unknown = await chrome.runtime.sendMessage({ kaifu: 1, ...message });
    if (answer && typeof answer === "object" && "ok" in answer) return answer as Answer<T>;
  } catch {
    // The worker ended in the middle of it, or there is none for this page any more.
  }
  return { ok: false, trouble: isCutOff() ? "cut_off" : "unreachable", problem: "" };
}
