/** Pixels of earlier mails in what is quoted: taken out while the rep writes (B5), so that no view loads them. */
import { ownPixel } from "../core/own-pixels";
import { register } from "./feature";

register({
  name: "quoted-pixels",
  compose(compose, _, context) {
    const strip = () => compose.removeImages((src) => ownPixel(src, context.greeting.origins) !== null);
    strip();
    compose.on("body", strip);
    compose.on("destroyed", context.onRefreshed(strip));
  },
});
