/** What every feature on Gmail's page may use. */
import type { Gmail } from "../gmail/page";
import type { Greeting } from "../messages/answers";
import { askFromGmail } from "../messages/ask";
import { inLanguage, languageOf, type Say } from "../text/say";
import { tell } from "./elements";
import { Signal } from "./signal";

const OFFLINE: Greeting = {
  signedIn: false,
  language: languageOf("auto", navigator.language),
  settings: { language: "auto", track: true, log: true, neverCreate: false, neverTrack: [], neverLog: [] },
  origins: [],
};

export class Context {
  greeting: Greeting = OFFLINE;
  cutOff = false;
  #greeted: Promise<void> = Promise.resolve();
  readonly #refreshed = new Signal();
  readonly #feed = new Signal();

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
      this.#refreshed.emit();
    });
    return this.#greeted;
  }

  /** Nobody answers this page any more. */
  cut(): void {
    this.cutOff = true;
    this.#refreshed.emit();
  }

  greeted(): Promise<void> {
    return this.#greeted;
  }

  /** Returns how to stop listening. */
  onRefreshed(listener: () => void): () => void {
    return this.#refreshed.on(listener);
  }

  /** The server's feed is different: mails were sent, opened or clicked. */
  feedChanged(): void {
    this.#feed.emit();
  }

  /** Returns how to stop listening. */
  onFeedChanged(listener: () => void): () => void {
    return this.#feed.on(listener);
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
