/** In the thread view, own sent mail says what became of it: sent, opened, clicked; for as long as it is shown. */
import type { Context } from "../content/context";
import { make } from "../content/elements";
import type { FeedRow } from "../core/feed-state";
import { shownState } from "../core/feed-state";
import type { ShownMessage } from "../gmail/page";
import { askFromGmail } from "../messages/ask";
import { dateTime } from "../text/say";
import { register } from "./feature";

register({
  name: "sent-status",
  message(message, context) {
    const status = new Status(message, context);
    const look = () => void status.look();
    message.onExpanded(look);
    const stops = [context.onRefreshed(look), context.onFeedChanged(look)];
    message.onGone(() => {
      for (const stop of stops) stop();
    });
    void context.greeted().then(look);
  },
});

/** Whose mail it is says the worker: it knows the ids of what was sent from here, under any of the rep's names. */
class Status {
  readonly #line = make("div", "kaifu-status");
  #asked = 0;

  constructor(
    private readonly message: ShownMessage,
    private readonly context: Context,
  ) {}

  async look(): Promise<void> {
    const turn = ++this.#asked;
    const { account } = this.context;
    const provider_message_id = await this.message.id();
    const answer = await askFromGmail({ type: "status", account, provider_message_id });
    // An answer that was overtaken by a later question may be older.
    if (turn === this.#asked && answer.ok && answer.value) this.#show(answer.value);
  }

  #show(row: FeedRow): void {
    this.#line.className = `kaifu-status kaifu-${shownState(row)}`;
    this.#line.lang = this.context.greeting.language;
    this.#line.textContent = words(row, this.context);
    this.message.addLine(this.#line);
  }
}

function words(row: FeedRow, { say, greeting }: Context): string {
  const state = shownState(row);
  const when = dateTime(row.last_open_at ?? "", greeting.language);
  const opened = {
    opened: say("statusOpened", { count: row.opens, when }),
    sent: say("statusSent"),
    possible_open: say("statePossible"),
  };
  return row.clicks > 0 ? `${opened[state]} · ${say("statusClicked", { count: row.clicks })}` : opened[state];
}
