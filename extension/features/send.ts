/**
 * Sending: prepared when Send is pressed, put into the mail as it goes out, confirmed when Gmail has it.
 *
 * The mail in the window never carries the pixel: it is put into the request, so that neither the window nor
 * a draft loads it. Gmail's own checks run before, and a mail never waits for the server for more than 1.5 s.
 */
import { Attempt, mailOf, withoutOldPixels } from "../content/attempt";
import type { ComposeState } from "../content/compose-state";
import type { Context } from "../content/context";
import type { Compose, SentIds } from "../gmail/page";
import { askFromGmail } from "../messages/ask";
import { register } from "./feature";

register({
  name: "send",
  essential: true,
  compose(compose, state, context) {
    const sender = new Sender(compose, state, context);
    compose.onOutgoing((html) => sender.outgoing(html));
    compose.on("presending", () => sender.press());
    compose.on("sending", () => sender.sending());
    compose.on("sendCanceled", () => sender.callOff());
    compose.on("destroyed", () => sender.destroyed());
    compose.onSent((ids) => void sender.sent(ids));
  },
});

/** Who sends which draft. Gmail reopens a draft that it could not send in a window of its own, and the one that
 * it was in may be told of the other's success. */
const senders = new Map<string, Sender>();

class Sender {
  #attempt: Attempt | null = null;
  #sending = false;

  constructor(
    private readonly compose: Compose,
    private readonly state: ComposeState,
    private readonly context: Context,
  ) {}

  press(): void {
    const html = this.compose.html();
    const mail = mailOf(this.compose.written(), html, this.state, this.context);
    if (mail && this.#attempt?.asked === JSON.stringify(mail) && !this.#attempt.failed) return;
    this.callOff();
    if (!mail) return;
    this.#attempt = new Attempt(this.context, mail, html);
    const draft = this.compose.draftId();
    if (draft === "") return;
    if (senders.get(draft) !== this) senders.get(draft)?.callOff();
    senders.set(draft, this);
  }

  async outgoing(html: string): Promise<string> {
    return this.#attempt?.putInto(html) ?? withoutOldPixels(html, this.context);
  }

  sending(): void {
    this.#sending = true;
  }

  async sent(ids: Promise<SentIds>): Promise<void> {
    const attempt = this.#attempt;
    this.#attempt = null;
    this.#leave();
    if (!attempt) return;
    const occurredAt = new Date().toISOString();
    const draft = this.compose.draftId();
    const settled = await attempt.settled();
    const { messageId, threadId } = await ids;
    await askFromGmail({
      type: "sent",
      account: this.context.account,
      key: attempt.key,
      draft,
      occurred_at: occurredAt,
      provider_message_id: messageId,
      provider_thread_id: threadId,
      links: attempt.links,
      page: this.context.gmail.path,
      ...settled,
    });
  }

  callOff(): void {
    void this.#attempt?.callOff();
    this.#attempt = null;
    this.#sending = false;
    this.#leave();
  }

  #leave(): void {
    for (const [draft, sender] of senders) if (sender === this) senders.delete(draft);
  }

  destroyed(): void {
    if (!this.#sending) this.callOff();
  }
}
