/** On Gmail's page: opens the adapter and lets each feature look after what appears. */
import { registered } from "../features";
import { openGmail } from "../gmail/inboxsdk";
import type { Compose, ShownMessage } from "../gmail/page";
import { watchForUnknownComposes } from "../gmail/unknown-compose";
import { FEED_CHANGED, onChanged, STANDING_CHANGED } from "../messages/changed";
import { inLanguage, languageOf } from "../text/say";
import { ComposeState } from "./compose-state";
import { Context } from "./context";
import { onCutOff } from "./cut-off";
import { tell } from "./elements";
import { atMostEvery } from "./signal";

const REFRESH_EVERY_MS = 60_000;
/** A busy feed is no reason to ask the server all the time. */
const FEED_EVERY_MS = 500;

/** Windows that are looked after in full; any other is said to be not understood (T8). */
const working = new Set<Compose>();
let context: Context | null = null;

watchForUnknownComposes(
  (element) =>
    [...working].some((compose) => compose.element.contains(element)) ||
    (context?.gmail.inMail(element) ?? false),
  () => {
    const say = context?.say ?? inLanguage(languageOf("auto", navigator.language));
    tell(say("layoutUnknown"), say("dismiss"), true);
  },
);

onCutOff(() => {
  const say = context?.say ?? inLanguage(languageOf("auto", navigator.language));
  context?.cut();
  tell(say("cutOff"), say("dismiss"), true);
});

openGmail().then(
  (gmail) => {
    const opened = new Context(gmail);
    context = opened;
    void opened.refresh();
    const refresh = () => void opened.refresh();
    setInterval(refresh, REFRESH_EVERY_MS);
    onChanged(STANDING_CHANGED, refresh);
    onChanged(
      FEED_CHANGED,
      atMostEvery(FEED_EVERY_MS, () => opened.feedChanged()),
    );
    for (const feature of registered()) attempt(feature.name, () => feature.page?.(opened));
    gmail.composes((compose) => void lookAfter(compose, opened));
    gmail.messages((message) => show(message, opened));
  },
  (error: unknown) => console.warn("Kaifu: Gmail's page could not be opened", error),
);

async function lookAfter(compose: Compose, opened: Context): Promise<void> {
  try {
    await Promise.all([opened.greeted(), compose.ready()]);
    const state = new ComposeState(opened, compose);
    const essential = registered().map(
      (feature) =>
        attempt(feature.name, () => feature.compose?.(compose, state, opened)) || !feature.essential,
    );
    if (!essential.every(Boolean)) return;
  } catch (error) {
    console.warn("Kaifu: this compose window is not understood", error);
    return;
  }
  working.add(compose);
  compose.on("destroyed", () => working.delete(compose));
}

function show(message: ShownMessage, opened: Context): void {
  for (const feature of registered()) attempt(feature.name, () => feature.message?.(message, opened));
}

/** One feature's failure is not another's. */
function attempt(name: string, work: () => void): boolean {
  try {
    work();
    return true;
  } catch (error) {
    console.warn(`Kaifu: ${name} failed`, error);
    return false;
  }
}
