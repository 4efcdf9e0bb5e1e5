/**
 * The rep's own views are not opens (B4), nor are pixels of earlier mails in what is quoted (B5): own pixels are
 * taken out of the page wherever they come into it, a compose window included, and the view is reported.
 */
import type { Context } from "../content/context";
import { ownPixel } from "../core/own-pixels";
import { askFromGmail } from "../messages/ask";
import { register } from "./feature";

/** Views close together are one report. */
const REPORT_AFTER_MS = 100;
const MOST_AT_ONCE = 200;

register({
  name: "own-views",
  page(context) {
    const views = new Views(context);
    const again = context.gmail.images((image) => views.look(image));
    context.onRefreshed(again);
  },
});

class Views {
  readonly #seen = new Set<string>();
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly context: Context) {}

  look(image: HTMLImageElement): void {
    const pixel = ownPixel(image.getAttribute("src") ?? "", this.context.greeting.origins);
    if (pixel === null) return;
    image.remove();
    this.#seen.add(pixel);
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#report(), REPORT_AFTER_MS);
  }

  #report(): void {
    const pixels = [...this.#seen].slice(0, MOST_AT_ONCE);
    for (const pixel of pixels) this.#seen.delete(pixel);
    void askFromGmail({ type: "viewing", account: this.context.account, pixels });
    if (this.#seen.size > 0) this.#timer = setTimeout(() => this.#report(), REPORT_AFTER_MS);
  }
}
