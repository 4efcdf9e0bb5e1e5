/** An answer to the rep's mail proves that it was open (B7): told once, when it is shown in its thread. */
import type { Context } from "../content/context";
import { looksAutomatic } from "../core/automatic-answers";
import { receivedAt } from "../core/message-time";
import type { ShownMessage } from "../gmail/page";
import { askFromGmail } from "../messages/ask";
import { register } from "./feature";

register({
  name: "replies",
  message(message, context) {
    const look = () => void tell(message, context);
    message.onExpanded(look);
    message.onGone(context.onRefreshed(look)); // again while the server is away
    void context.greeted().then(look);
  },
});

/** Whether it answers anything, and was told before, says the worker: it knows what was sent from here. */
async function tell(message: ShownMessage, { account, greeting }: Context): Promise<void> {
  if (!greeting.signedIn) return;
  const [reply, thread, sender] = [await message.id(), await message.threadId(), message.sender()];
  const at = receivedAt(reply);
  if (sender === null || at === null || sender.toLowerCase() === account) return;
  if (looksAutomatic(message.ownText())) return;
  await askFromGmail({ type: "reply-seen", account, thread, reply, sender, at });
}
