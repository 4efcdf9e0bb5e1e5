/** What the server says of the recipients of open windows, asked once a minute at most for each set of them. */
import type { ComposeContext } from "../server/shapes";

const KEPT_MS = 60_000;
const MOST_KEPT = 100;

interface Kept {
  at: number;
  account: string;
  found: Promise<ComposeContext>;
}

export class Contexts {
  readonly #kept = new Map<string, Kept>();

  constructor(
    private readonly ask: (account: string, addresses: string[]) => Promise<ComposeContext>,
    private readonly now: () => number = Date.now,
  ) {}

  /** Raises Failed. A failure is not kept. */
  of(account: string, addresses: string[]): Promise<ComposeContext> {
    const sorted = addresses.map((one) => one.toLowerCase()).sort();
    const name = [account, ...sorted].join(" ");
    const known = this.#kept.get(name);
    if (known && this.now() - known.at < KEPT_MS) return known.found;
    const found = this.ask(account, sorted);
    const kept = { at: this.now(), account, found };
    found.catch(() => {
      if (this.#kept.get(name) === kept) this.#kept.delete(name);
    });
    this.#kept.delete(name); // the map keeps the order of entry, and the oldest goes first
    this.#kept.set(name, kept);
    for (const oldest of [...this.#kept.keys()].slice(0, -MOST_KEPT)) this.#kept.delete(oldest);
    return found;
  }

  /** The account's settings or its user are different: ask anew. */
  drop(account: string): void {
    for (const [name, kept] of this.#kept) if (kept.account === account) this.#kept.delete(name);
  }
}
