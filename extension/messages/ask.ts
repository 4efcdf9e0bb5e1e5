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

async function ask<T>(message: object): Promise<Answer<T>> {
  try {
    const answer: unknown = await chrome.runtime.sendMessage({ kaifu: 1, ...message });
    if (answer && typeof answer === "object" && "ok" in answer) return answer as Answer<T>;
  } catch {
    // The extension was updated or reloaded: this page still runs the script of before.
  }
  return { ok: false, trouble: "unreachable", problem: "" };
}
