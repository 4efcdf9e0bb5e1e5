/** One mail on its way out: asked of the server at Send, put into the body as it leaves, then reported or called off. */
import { rewriteBody, trackableLinks } from "../core/rewriting";
import type { Written } from "../gmail/page";
import type { GmailAnswers } from "../messages/answers";
import { askFromGmail } from "../messages/ask";
import { type Answer, MAX_BODY_CHARACTERS, type Mail, type TrackedLink } from "../messages/protocol";
import { reasonKey, type Say } from "../text/say";
import type { TextKey } from "../text/table";
import type { ComposeState } from "./compose-state";
import { type Context, decode } from "./context";

/** A mail never waits longer for the server (E3). */
const PREPARE_WITHIN_MS = 1500;

export type Outcome = Answer<GmailAnswers["prepare"]>;

const TROUBLES: Record<string, TextKey> = {
  timeout: "reasonTimeout",
  unreachable: "reasonUnreachable",
  signed_out: "reasonSignedOut",
  garbage: "reasonGarbage",
  cut_off: "cutOffShort",
};

/** What is asked of the server, or null when both boxes are off: then it is not asked at all. */
export function mailOf(written: Written, html: string, state: ComposeState, context: Context): Mail | null {
  state.readRecipients(written);
  const { track, log } = state.boxes;
  if (!track.checked && !log.checked) return null;
  const open = log.checked ? state.open : undefined;
  return {
    ...written,
    links: track.checked ? trackableLinks(html, decode, context.greeting.origins) : [],
    track: track.checked,
    log: log.checked,
    records: log.checked ? state.tickedRecords : [],
    create_contacts: log.checked ? state.createContacts : [],
    ...(open ? { open } : {}),
  };
}

export class Attempt {
  readonly key = crypto.randomUUID();
  readonly outcome: Promise<Outcome>;
  /** To know whether a second press of Send asks the same. */
  readonly asked: string;
  failed = false;
  /** What was put in place of what. */
  links: TrackedLink[] = [];
  #injected = false;

  constructor(
    private readonly context: Context,
    readonly mail: Mail,
    /** As the rep wrote it: what is logged. */
    readonly html: string,
  ) {
    this.asked = JSON.stringify(mail);
    const { account } = context;
    this.outcome = inTime(askFromGmail({ type: "prepare", account, key: this.key, mail }));
    void this.outcome.then((outcome) => {
      this.failed = !outcome.ok;
    });
  }

  /** The body with pixel and links, as far as the server has agreed in time. */
  async putInto(html: string): Promise<string> {
    const outcome = await this.outcome;
    const prepared = outcome.ok && outcome.value.tracked ? outcome.value : null;
    this.links = prepared?.links ?? [];
    const links = new Map(this.links.map((one) => [one.url, one.tracked_url]));
    const pixelUrl = prepared?.pixel_url ?? null;
    const changed = rewriteBody(html, { pixelUrl, links, origins: this.context.greeting.origins }, decode);
    this.#injected = pixelUrl !== null;
    return changed;
  }

  /** What is reported when the mail has gone out, after the rep was told what became of the ticked boxes. */
  async settled(): Promise<{ html: string | null; late: Mail | null }> {
    const outcome = await this.outcome;
    const usable = outcome.ok && (!outcome.value.tracked || this.#injected);
    this.#tell(outcome);
    const logged = usable ? outcome.value.logged : this.mail.log;
    const tooLarge = logged && this.html.length > MAX_BODY_CHARACTERS;
    if (tooLarge) this.context.tell(this.context.say("bodyTooLarge"));
    const html = logged && !tooLarge ? this.html : null;
    return { html, late: usable || !retriable(outcome) ? null : this.mail };
  }

  /** The mail did not go out after all: what was prepared for it is called off. */
  async callOff(): Promise<void> {
    const { account } = this.context;
    if ((await this.outcome).ok) await askFromGmail({ type: "cancelled", account, key: this.key });
  }

  #tell(outcome: Outcome): void {
    const { say } = this.context;
    const texts = outcome.ok ? this.#decided(outcome.value) : [failed(say, this.mail, outcome)];
    for (const text of texts) this.context.tell(text, !outcome.ok);
  }

  #decided(answer: GmailAnswers["prepare"]): string[] {
    const { say } = this.context;
    const reasons: [TextKey, TextKey][] = [];
    if (answer.tracked && !this.#injected) reasons.push(["sentUntracked", "reasonNotInjected"]);
    if (this.mail.track && !answer.tracked)
      reasons.push(["sentUntracked", reasonKey(answer.untracked_reason ?? "")]);
    if (this.mail.log && !answer.logged)
      reasons.push(["sentUnlogged", reasonKey(answer.unlogged_reason ?? "")]);
    return reasons.map(([text, reason]) => say(text, { reason: say(reason) }));
  }
}

/** A mail of which the server was not asked keeps only what was in it, without the pixels of earlier mail. */
export function withoutOldPixels(html: string, context: Context): string {
  return rewriteBody(html, { pixelUrl: null, links: new Map(), origins: context.greeting.origins }, decode);
}

function failed(say: Say, mail: Mail, outcome: Extract<Outcome, { ok: false }>): string {
  const reason = say(troubleKey(outcome));
  const text = say(mail.track ? "sentUntracked" : "sentUnlogged", { reason });
  return mail.log && retriable(outcome) ? `${text} ${say("logLater")}` : text;
}

/** Whether a late prepare may do what this one could not: not after a plain no. */
function retriable(outcome: Outcome): boolean {
  return outcome.ok || !["refused", "cut_off"].includes(outcome.trouble);
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
