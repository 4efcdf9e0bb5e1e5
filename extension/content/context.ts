/** What every feature on Gmail's page may use. */
import type { Gmail } from "../gmail/page";
import type { Greeting } from "../messages/answers";
import { askFromGmail } from "../messages/ask";
import { inLanguage, languageOf, type Say } from "../text/say";
import { tell } from "./elements";

const OFFLINE: Greeting = {
  signedIn: false,
  language: languageOf("auto", navigator.language),
  settings: { language: "auto", track: true, log: true, neverCreate: false, neverTrack: [], neverLog: [] },
  origins: [],
};

export class Context {
  greeting: Greeting = OFFLINE;
  #greeted: Promise<void> = Promise.resolve();
  readonly #listeners = new Set<() => void>();

  constructor(readonly gmail: Gmail) {}

  get account(): string {
    return this.gmail.account;
  }

  get say(): Say {
    return inLanguage(this.greeting.language);
  }

  /** Ask the worker how things stand; listeners hear of it when it is known. */
  refresh(): Promise<void> {
    this.#greeted = askFromGmail({ type: "hello", account: this.account }).then((answer) => {
      if (!answer.ok) return;
      this.greeting = answer.value;
      for (const listener of this.#listeners) listener();
    });
    return this.#greeted;
  }

  greeted(): Promise<void> {
    return this.#greeted;
  }

  /** Returns how to stop listening. */
  onRefreshed(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  tell(text: string, lasting = false): void {
    tell(text, this.say("dismiss"), lasting);
  }
}

/** An attribute's raw text to its value, by the browser's own parser, in a document that loads nothing. */
const inert = document.implementation.createHTMLDocument("");
export function decode(raw: string): string {
  const quote = raw.includes('"') ? "'" : '"';
  inert.body.innerHTML = `<a href=${quote}${raw}${quote}></a>`;
  return inert.body.querySelector("a")?.getAttribute("href") ?? "";
}
