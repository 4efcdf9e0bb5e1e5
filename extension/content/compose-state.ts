/** One compose window: what the rep chose, and what is known of the recipients. */
import { type BoxState, boxes, CUT_OFF } from "../core/start-values";
import type { Compose, Written } from "../gmail/page";
import type { Found } from "../messages/answers";
import { askFromGmail } from "../messages/ask";
import { type Draft, type Mail, MOST_RECORDS, type RecordRef } from "../messages/protocol";
import type { ComposeContext } from "../server/shapes";
import type { Context } from "./context";

const LOOK_UP_AFTER_MS = 150;
/** A compose window stays open for a while: a server that was away may be back. */
const LOOK_UP_AGAIN_MS = 3000;

export class ComposeState {
  choices: Draft = { track: null, log: null, ticks: {} };
  recipients: string[] = [];
  /** Records offered under Log: those of the recipients, and what the rep searched for and ticked. */
  records: Found[] = [];
  #known: ComposeContext | null = null;
  /** Null while the server does not say what it would decide of this mail. */
  #account: ComposeContext | null = null;
  #added: Found[] = [];
  #timer: ReturnType<typeof setTimeout> | undefined;
  readonly #listeners = new Set<() => void>();

  constructor(
    private readonly context: Context,
    private readonly compose: Compose,
  ) {
    const stop = context.onRefreshed(() => this.#recipientsChanged());
    compose.on("recipients", () => this.#recipientsChanged());
    compose.on("destroyed", () => {
      stop();
      clearTimeout(this.#timer);
      this.#listeners.clear();
    });
    void this.#open();
  }

  onChanged(listener: () => void): void {
    this.#listeners.add(listener);
  }

  get boxes(): { track: BoxState; log: BoxState } {
    if (this.context.cutOff) return CUT_OFF;
    return boxes(
      this.context.greeting.signedIn,
      this.choices,
      this.context.greeting.settings,
      this.recipients,
      this.#account,
    );
  }

  /** Addresses that are no contact; none of which that is not known yet. */
  get strangers(): string[] {
    const found = this.#known?.recipients ?? [];
    const strangers = new Set(found.filter((one) => one.contact_id === null).map((one) => one.address));
    return this.recipients.filter((address) => strangers.has(address));
  }

  get knownAddresses(): Set<string> {
    const recipients = this.#known?.recipients ?? [];
    return new Set(recipients.filter((one) => one.contact_id !== null).map((one) => one.address));
  }

  ticked(id: string, byDefault: boolean): boolean {
    return this.choices.ticks[id] ?? byDefault;
  }

  get tickedRecords(): RecordRef[] {
    return this.records
      .filter((one) => this.ticked(one.record_id, this.isOffered(one)))
      .slice(0, MOST_RECORDS)
      .map(({ record_type, record_id }) => ({ record_type, record_id }));
  }

  get createContacts(): string[] {
    return this.strangers.filter((address) =>
      this.ticked(address, !this.context.greeting.settings.neverCreate),
    );
  }

  /** What can't be said yet of records and new contacts, because the server has not. */
  get open(): Mail["open"] {
    const known = new Set(this.#known?.recipients.map((one) => one.address));
    const addresses = this.recipients.filter((address) => !known.has(address));
    return addresses.length > 0 ? { addresses, ticks: this.choices.ticks } : undefined;
  }

  /** Whether the mail is logged on it unless the rep unticks it: a contact it goes to, or what belongs to one. */
  isOffered(record: Found): boolean {
    return this.#known?.records.some((one) => one.record_id === record.record_id) ?? false;
  }

  choose(change: Partial<Draft>): void {
    this.choices = { ...this.choices, ...change };
    this.#changed();
    const draft = this.compose.draftId();
    if (draft === "") return;
    void askFromGmail({ type: "keep-draft", account: this.context.account, draft, choices: this.choices });
  }

  tick(id: string, on: boolean): void {
    this.choose({ ticks: { ...this.choices.ticks, [id]: on } });
  }

  add(record: Found): void {
    if (!this.records.some((one) => one.record_id === record.record_id)) this.#added.push(record);
    this.#gather();
    this.tick(record.record_id, true);
  }

  async #open(): Promise<void> {
    const draft = this.compose.draftId();
    if (draft !== "") {
      const answer = await askFromGmail({ type: "draft", account: this.context.account, draft });
      const untouched = this.choices.track === null && this.choices.log === null;
      if (answer.ok && answer.value && untouched) this.choices = answer.value;
    }
    this.#recipientsChanged();
  }

  /** As they stand in the window now; the page's events may lag behind what is typed. */
  readRecipients(written: Written = this.compose.written()): void {
    const { to, cc, bcc } = written;
    this.recipients = [...new Set([...to, ...cc, ...bcc].map((one) => one.address.toLowerCase()))];
  }

  #recipientsChanged(): void {
    this.readRecipients();
    this.#changed();
    clearTimeout(this.#timer);
    if (!this.context.greeting.signedIn) return;
    // At first at once: a draft that opens again may be sent as it is.
    this.#timer = setTimeout(() => void this.#lookUp(), this.#known === null ? 0 : LOOK_UP_AFTER_MS);
  }

  async #lookUp(): Promise<void> {
    const addresses = this.recipients;
    const answer = await askFromGmail({ type: "context", account: this.context.account, addresses });
    if (addresses.join() !== this.recipients.join()) return;
    this.#account = answer.ok ? answer.value : null;
    if (answer.ok) this.#known = answer.value;
    else this.#timer = setTimeout(() => void this.#lookUp(), LOOK_UP_AGAIN_MS);
    this.#gather();
    this.#changed();
  }

  #gather(): void {
    const all = [...(this.#known?.records ?? []), ...this.#added];
    this.records = all.filter(
      (one, at) => all.findIndex((other) => other.record_id === one.record_id) === at,
    );
  }

  #changed(): void {
    for (const listener of this.#listeners) listener();
  }
}
