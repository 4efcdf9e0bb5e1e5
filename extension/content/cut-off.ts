/**
 * Chrome replaces an extension under open pages when it is updated, and takes it away when it is switched off:
 * this page then runs the script of before, and nobody answers it any more.
 */
import { isCutOff } from "../messages/ask";

const LOOK_EVERY_MS = 1000;

export function onCutOff(listener: () => void): void {
  const looking = setInterval(() => {
    if (!isCutOff()) return;
    clearInterval(looking);
    listener();
  }, LOOK_EVERY_MS);
}
