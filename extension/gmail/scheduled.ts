/** Scheduled mail, as the content script hears of it from the script in Gmail's own world. */
import type { Channel } from "./channel";
import type { ScheduledSend, Written } from "./page";
import { BODY, SCHEDULED, SCHEDULING, Scheduled, Scheduling, TAKEN } from "./schedule-events";

const ANSWERED_WITHIN_MS = 120_000;

export function onScheduled(channel: Channel, takes: (send: ScheduledSend) => Promise<string> | null): void {
  channel.hear(SCHEDULING, Scheduling, ({ id, mail }) => {
    const body = takes({ ...mail, written: mail.written as Written, accepted: accepted(channel, id) });
    if (body === null) return;
    channel.say(TAKEN, { id });
    void body.catch(() => mail.html).then((html) => channel.say(BODY, { id, html }));
  });
}

function accepted(channel: Channel, id: string): Promise<boolean> {
  return new Promise((resolve) => {
    const end = (ok: boolean) => {
      forget();
      clearTimeout(timer);
      resolve(ok);
    };
    const forget = channel.hear(SCHEDULED, Scheduled, (answer) => answer.id === id && end(answer.ok));
    const timer = setTimeout(end, ANSWERED_WITHIN_MS, false);
  });
}
