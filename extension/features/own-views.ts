/** The rep's own views are not opens: own pixels are taken out of the page, and the view is reported (B4). */
import { ownPixel } from "../core/own-pixels";
import { askFromGmail } from "../messages/ask";
import { register } from "./feature";

/** Views close together are one report. */
const REPORT_AFTER_MS = 100;
const MOST_AT_ONCE = 200;

const seen = new Set<string>();
let timer: ReturnType<typeof setTimeout> | undefined;

register({
  name: "own-views",
  message(message, context) {
    const look = () => {
      for (const image of message.images()) {
        const pixel = ownPixel(image.getAttribute("src") ?? "", context.greeting.origins);
        if (pixel === null) continue;
        image.remove();
        seen.add(pixel);
      }
      if (seen.size > 0) report(context.account);
    };
    message.onLoaded(() => void context.greeted().then(look));
  },
});

function report(account: string): void {
  clearTimeout(timer);
  timer = setTimeout(() => {
    const pixels = [...seen].slice(0, MOST_AT_ONCE);
    for (const pixel of pixels) seen.delete(pixel);
    void askFromGmail({ type: "viewing", account, pixels });
  }, REPORT_AFTER_MS);
}
