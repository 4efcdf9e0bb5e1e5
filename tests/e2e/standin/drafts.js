/** Drafts are saved a moment after the last change, and when the window is closed. */
import { post, postDraft } from "./sync.js";

const SAVE_AFTER_MS = 400;

export class Saving {
  #timer;
  #saved = false;

  constructor(compose) {
    this.compose = compose;
    compose.changed = () => this.later();
    this.observer = new MutationObserver(() => this.later());
    const options = { childList: true, subtree: true, characterData: true };
    this.observer.observe(compose.root.querySelector("[g_editable]"), options);
    for (const chips of compose.root.querySelectorAll(".chips")) this.observer.observe(chips, { childList: true });
    compose.root.querySelector("[name=subjectbox]").addEventListener("input", () => this.later());
  }

  later() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.now(), SAVE_AFTER_MS);
  }

  now() {
    clearTimeout(this.#timer);
    postDraft(this.compose, !this.#saved).catch(() => undefined);
    this.#saved = true;
  }

  stop() {
    clearTimeout(this.#timer);
    this.observer.disconnect();
  }
}

export function discardDraft(draft) {
  return post(`/i/discard?${new URLSearchParams({ id: `msg-a:${draft}` })}`, "{}");
}
