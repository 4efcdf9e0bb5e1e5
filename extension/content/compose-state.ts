/** One compose window: what the rep chose, and what is known of the recipients. */
import { type BoxState, boxes, CUT_OFF } from "../core/start-values";
import type { Compose, Written } from "../gmail/page";
import type { Found } from "../messages/answers";
import { askFromGmail } from "../messages/ask";
import type { Draft, RecordRef } from "../messages/protocol";
import type { Context } from "./context";

const LOOK_UP_AFTER_MS = 150;
/** A compose window stays open for a while: a server that was away may be back. */
const LOOK_UP_AGAIN_MS = 3000;

export class ComposeState {
  choices: Draft = { track: null, log: null, ticks: {} };
  recipients: string[] = [];
  /** Records offered under Log: contacts of the recipients, and what the rep searched for and ticked. */
  records: Found[] = [];
  #contacts: Found[] = [];
  #added: Found[] = [];
  #looked = false;
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
    );
  }

  /** Addresses that are no contact, once that is known. */
  get strangers(): string[] {
    if (!this.#looked) return [];
    const known = new Set(this.#contacts.flatMap((one) => one.addresses));
    return this.recipients.filter((address) => !known.has(address));
  }

  get knownAddresses(): Set<string> {
    return new Set(this.#contacts.flatMap((one) => one.addresses));
  }

  ticked(id: string, byDefault: boolean): boolean {
    return this.choices.ticks[id] ?? byDefault;
  }

  get tickedRecords(): RecordRef[] {
    return this.records
      .filter((one) => this.ticked(one.record_id, this.isContactOfMail(one)))
      .map(({ record_type, record_id }) => ({ record_type, record_id }));
  }

  get createContacts(): string[] {
    return this.strangers.filter((address) =>
      this.ticked(address, !this.context.greeting.settings.neverCreate),
    );
  }

  isContactOfMail(record: Found): boolean {
    return this.#contacts.some((one) => one.record_id === record.record_id);
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
    if (!this.context.greeting.signedIn || this.recipients.length === 0) return;
    this.#timer = setTimeout(() => void this.#lookUp(), LOOK_UP_AFTER_MS);
  }

  async #lookUp(): Promise<void> {
    const addresses = this.recipients;
    const answer = await askFromGmail({ type: "contacts", account: this.context.account, addresses });
    if (addresses.join() !== this.recipients.join()) return;
    if (!answer.ok) {
      this.#timer = setTimeout(() => void this.#lookUp(), LOOK_UP_AGAIN_MS);
      return;
    }
    this.#contacts = answer.value;
    this.#looked = true;
    this.#gather();
    this.#changed();
  }

  #gather(): void {
    const all = [...this.#contacts, ...this.#added];
    this.records = all.filter(
      (one, at) => all.findIndex((other) => other.record_id === one.record_id) === at,
    );
  }

  #changed(): void {
    for (const listener of this.#listeners) listener();
  }
}
