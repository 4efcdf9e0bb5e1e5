/** Scheduled mail, as the content script hears of it from the script in Gmail's own world. */
import type { ScheduledSend, Written } from "./page";
import { BODY, heard, SCHEDULED, SCHEDULING, Scheduled, Scheduling, say, TAKEN } from "./schedule-events";

const ANSWERED_WITHIN_MS = 120_000;

export function onScheduled(takes: (send: ScheduledSend) => Promise<string> | null): void {
  document.addEventListener(SCHEDULING, (event) => {
    const asked = heard(Scheduling, event);
    if (!asked) return;
    const { id, mail } = asked;
    const body = takes({ ...mail, written: mail.written as Written, accepted: accepted(id) });
    if (body === null) return;
    say(TAKEN, {});
    void body.catch(() => mail.html).then((html) => say(BODY, { id, html }));
  });
}

function accepted(id: string): Promise<boolean> {
  return new Promise((resolve) => {
    const hear = (event: Event) => {
      const answer = heard(Scheduled, event);
      if (answer?.id === id) end(answer.ok);
    };
    const end = (ok: boolean) => {
      document.removeEventListener(SCHEDULED, hear);
      clearTimeout(timer);
      resolve(ok);
    };
    const timer = setTimeout(end, ANSWERED_WITHIN_MS, false);
    document.addEventListener(SCHEDULED, hear);
  });
}
