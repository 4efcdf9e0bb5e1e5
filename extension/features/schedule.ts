/** Mail that Gmail is to send later: asked of the server and changed when it is scheduled, not when it goes out. */
import { Attempt, mailOf, withoutOldPixels } from "../content/attempt";
import type { ComposeState } from "../content/compose-state";
import type { Context } from "../content/context";
import type { ScheduledSend } from "../gmail/page";
import { askFromGmail } from "../messages/ask";
import { register } from "./feature";

/** Gmail closes the window first and asks its server then. */
const KEPT_AFTER_CLOSE_MS = 10_000;

interface Writing {
  state: ComposeState;
  /** The rep has been about to choose a time, and nothing came of it yet. */
  choosing: boolean;
}

/** By draft. */
const writings = new Map<string, Writing>();

register({
  name: "schedule",
  compose(compose, state, context) {
    const draft = compose.draftId();
    const writing: Writing = { state, choosing: false };
    writings.set(draft, writing);
    const forget = () => {
      if (writings.get(draft) === writing) writings.delete(draft);
      if (writing.choosing) context.tell(context.say("scheduledUnknown"), true);
    };
    compose.on("scheduling", () => {
      const { track, log } = state.boxes;
      writing.choosing = track.checked || log.checked;
    });
    for (const event of ["sending", "discarded"] as const)
      compose.on(event, () => {
        writing.choosing = false;
      });
    compose.on("destroyed", () => setTimeout(forget, KEPT_AFTER_CLOSE_MS));
  },
  page(context) {
    context.gmail.scheduled((send) => {
      const writing = writings.get(send.draft);
      if (!writing) return null;
      writing.choosing = false;
      return take(send, writing.state, context);
    });
  },
});

/** A mail whose time is not known can't be followed: it goes out as it is, and the rep is told. */
async function take(send: ScheduledSend, state: ComposeState, context: Context): Promise<string> {
  const mail = mailOf(send.written, send.html, state, context);
  if (mail && send.sendAt === null) context.tell(context.say("scheduledUntracked"), true);
  if (!mail || send.sendAt === null) return withoutOldPixels(send.html, context);
  const attempt = new Attempt(context, mail, send.html);
  void report(attempt, send, send.sendAt, context);
  return attempt.putInto(send.html);
}

async function report(
  attempt: Attempt,
  send: ScheduledSend,
  sendAt: string,
  context: Context,
): Promise<void> {
  const occurredAt = new Date().toISOString();
  if (!(await send.accepted)) {
    await attempt.callOff();
    return;
  }
  await askFromGmail({
    type: "scheduled",
    account: context.account,
    key: attempt.key,
    draft: send.draft,
    occurred_at: occurredAt,
    send_at: sendAt,
    links: attempt.links,
    page: context.gmail.path,
    ...(await attempt.settled()),
  });
}
