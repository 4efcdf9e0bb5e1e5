/** In the thread view, own sent mail says what became of it: sent, opened, clicked. */

import type { Context } from "../content/context";
import { make } from "../content/elements";
import type { FeedRow } from "../core/feed-state";
import { shownState } from "../core/feed-state";
import { askFromGmail } from "../messages/ask";
import { dateTime } from "../text/say";
import { register } from "./feature";

register({
  name: "sent-status",
  message(message, context) {
    message.onLoaded(async () => {
      if (message.sender() !== context.account) return;
      const id = await message.id();
      const answer = await askFromGmail({
        type: "status",
        account: context.account,
        provider_message_id: id,
      });
      if (!answer.ok || !answer.value) return;
      const line = make(
        "div",
        `kaifu-status kaifu-${shownState(answer.value)}`,
        words(answer.value, context),
      );
      message.addLine(line);
    });
  },
});

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
