/**
 * Sending: prepared when Send is pressed, put into the mail as it goes out, confirmed when Gmail has it.
 *
 * The mail in the window never carries the pixel: it is put into the request, so that neither the window nor
 * a draft loads it. Gmail's own checks run before, and a mail never waits for the server for more than 1.5 s.
 */
import type { ComposeState } from "../content/compose-state";
import { type Context, decode } from "../content/context";
import { rewriteBody, trackableLinks } from "../core/rewriting";
import type { Compose } from "../gmail/page";
import type { GmailAnswers } from "../messages/answers";
import { askFromGmail } from "../messages/ask";
import { type Answer, MAX_BODY_CHARACTERS, type Mail } from "../messages/protocol";
import { reasonKey, type Say } from "../text/say";
import type { TextKey } from "../text/table";
import { register } from "./feature";

const PREPARE_WITHIN_MS = 1500;

type Outcome = Answer<GmailAnswers["prepare"]>;
interface Attempt {
  key: string;
  /** What was asked, to know whether a second press of Send asks the same. */
  asked: string;
  mail: Mail;
  html: string;
  outcome: Promise<Outcome>;
  injected: boolean;
  sending: boolean;
  failed: boolean;
}

const TROUBLES: Record<string, TextKey> = {
  timeout: "reasonTimeout",
  unreachable: "reasonUnreachable",
  signed_out: "reasonSignedOut",
  garbage: "reasonGarbage",
};

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
    compose.on("scheduling", () => sender.scheduling());
    compose.onSent((ids) => void sender.sent(ids));
  },
});

class Sender {
  #attempt: Attempt | null = null;

  constructor(
    private readonly compose: Compose,
    private readonly state: ComposeState,
    private readonly context: Context,
  ) {}

  /** Both boxes off: no request at all. */
  press(): void {
    this.state.readRecipients();
    const { track, log } = this.state.boxes;
    const asking = track.checked || log.checked;
    const mail = asking ? this.#mail(track.checked, log.checked) : null;
    const asked = JSON.stringify(mail);
    if (this.#attempt?.asked === asked && !this.#attempt.failed) return;
    this.callOff();
    if (mail === null) return;
    const key = crypto.randomUUID();
    const attempt: Attempt = {
      key,
      asked,
      mail,
      html: this.compose.html(),
      outcome: inTime(askFromGmail({ type: "prepare", account: this.context.account, key, mail })),
      injected: false,
      sending: false,
      failed: false,
    };
    this.#attempt = attempt;
    void attempt.outcome.then((outcome) => {
      attempt.failed = !outcome.ok;
    });
  }

  async outgoing(html: string): Promise<string> {
    const attempt = this.#attempt;
    const origins = this.context.greeting.origins;
    const outcome = attempt && (await attempt.outcome);
    const prepared = outcome?.ok ? outcome.value : null;
    const links = new Map(prepared?.tracked ? prepared.links.map((one) => [one.url, one.tracked_url]) : []);
    const pixelUrl = prepared?.tracked ? prepared.pixel_url : null;
    const changed = rewriteBody(html, { pixelUrl, links, origins }, decode);
    if (attempt) attempt.injected = pixelUrl !== null;
    return changed;
  }

  sending(): void {
    if (this.#attempt) this.#attempt.sending = true;
  }

  async sent(ids: Promise<{ messageId: string | null; threadId: string | null }>): Promise<void> {
    const attempt = this.#attempt;
    if (!attempt) return;
    this.#attempt = null;
    const occurredAt = new Date().toISOString();
    const draft = this.compose.draftId();
    const outcome = await attempt.outcome;
    const { messageId, threadId } = await ids;
    const usable = outcome.ok && (!outcome.value.tracked || attempt.injected);
    const logged = usable ? outcome.value.logged : attempt.mail.log;
    const html = logged && attempt.html.length <= MAX_BODY_CHARACTERS ? attempt.html : null;
    if (logged && html === null) this.context.tell(this.context.say("bodyTooLarge"));
    this.#tell(attempt, outcome);
    await askFromGmail({
      type: "sent",
      account: this.context.account,
      key: attempt.key,
      draft,
      occurred_at: occurredAt,
      provider_message_id: messageId,
      provider_thread_id: threadId,
      html,
      late: usable || !retriable(outcome) ? null : attempt.mail,
    });
  }

  /** The mail did not go out after all: what was prepared for it is called off. */
  callOff(): void {
    const attempt = this.#attempt;
    this.#attempt = null;
    if (!attempt) return;
    void attempt.outcome.then((outcome) => {
      if (outcome.ok)
        void askFromGmail({ type: "cancelled", account: this.context.account, key: attempt.key });
    });
  }

  destroyed(): void {
    if (this.#attempt && !this.#attempt.sending) this.callOff();
  }

  /** InboxSDK says nothing of a scheduled send and lets nothing be put into it. */
  scheduling(): void {
    const { track, log } = this.state.boxes;
    if (track.checked || log.checked) this.context.tell(this.context.say("scheduledUntracked"), true);
  }

  #mail(track: boolean, log: boolean): Mail {
    return {
      ...this.compose.written(),
      links: track ? trackableLinks(this.compose.html(), decode, this.context.greeting.origins) : [],
      track,
      log,
      records: log ? this.state.tickedRecords : [],
      create_contacts: log ? this.state.createContacts : [],
    };
  }

  #tell(attempt: Attempt, outcome: Outcome): void {
    for (const text of outcome.ok
      ? decided(this.context.say, attempt, outcome.value)
      : [failed(this.context.say, attempt, outcome)])
      this.context.tell(text, !outcome.ok);
  }
}

function failed(say: Say, attempt: Attempt, outcome: Extract<Outcome, { ok: false }>): string {
  const reason = say(troubleKey(outcome));
  const text = say(attempt.mail.track ? "sentUntracked" : "sentUnlogged", { reason });
  return attempt.mail.log && retriable(outcome) ? `${text} ${say("logLater")}` : text;
}

function decided(say: Say, { mail, injected }: Attempt, answer: GmailAnswers["prepare"]): string[] {
  const texts: string[] = [];
  if (answer.tracked && !injected) texts.push(say("sentUntracked", { reason: say("reasonNotInjected") }));
  if (mail.track && !answer.tracked)
    texts.push(say("sentUntracked", { reason: say(reasonKey(answer.untracked_reason ?? "")) }));
  if (mail.log && !answer.logged)
    texts.push(say("sentUnlogged", { reason: say(reasonKey(answer.unlogged_reason ?? "")) }));
  return texts;
}

/** Whether a late prepare may do what this one could not: not after a plain no. */
function retriable(outcome: Outcome): boolean {
  return outcome.ok || outcome.trouble !== "refused";
}

function troubleKey(outcome: Extract<Outcome, { ok: false }>): TextKey {
  if (outcome.problem === "sender-not-ours") return "reasonSender";
  return TROUBLES[outcome.trouble] ?? "reasonRefused";
}

function inTime(outcome: Promise<Outcome>): Promise<Outcome> {
  const late = new Promise<Outcome>((resolve) =>
    setTimeout(resolve, PREPARE_WITHIN_MS, { ok: false, trouble: "timeout", problem: "" }),
  );
  return Promise.race([outcome, late]);
}
