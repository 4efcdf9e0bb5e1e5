/** The feed behind the toolbar icon (T6). */
import { button, make } from "../content/elements";
import { type FeedRow, FILTERS, type Filter, passes, withPage } from "../core/feed-state";
import type { AccountOverview, Overview } from "../messages/answers";
import { askFromPage } from "../messages/ask";
import { FEED_CHANGED, onChanged, WAITING_CHANGED } from "../messages/changed";
import { inLanguage } from "../text/say";
import { mailRow } from "./mail-row";

class Popup {
  #rows: FeedRow[] = [];
  #next: string | null = null;
  #filter: Filter = "all";
  #turn = 0;
  #loading = false;
  #stale = false;
  #catchingUp = false;
  readonly #feed = make("main", "feed");
  readonly #header = make("header", "");

  readonly #waiting = make("p", "soft");

  constructor(
    private readonly overview: Overview,
    private readonly account: AccountOverview,
  ) {
    const { language } = overview;
    document.documentElement.lang = language;
    document.title = this.say("feed");
    this.#feed.addEventListener("scroll", () => this.#nearEnd() && void this.load(true));
    for (const kind of ["scroll", "click"]) this.#feed.addEventListener(kind, () => void this.#catchUp());
    document.body.replaceChildren(this.#header, this.#feed);
    this.#showHeader();
    onChanged(FEED_CHANGED, () => {
      this.#stale = true;
      void this.#catchUp();
    });
    onChanged(WAITING_CHANGED, () => void this.#refreshWaiting());
  }

  get say() {
    return inLanguage(this.overview.language);
  }

  /** What was read last, at once; then what there is now. */
  async open(): Promise<void> {
    const kept = await askFromPage({ type: "kept-feed", account: this.account.account });
    if (kept.ok && kept.value.rows.length > 0) {
      this.#rows = kept.value.rows;
      this.#next = kept.value.next;
      this.#show();
    }
    await this.load(false);
  }

  async load(further: boolean): Promise<void> {
    if (further && (this.#next === null || this.#loading)) return;
    const turn = ++this.#turn;
    this.#loading = true;
    const after = further ? this.#next : null;
    if (this.#rows.length === 0) this.#empty(this.say("loading"));
    const answer = await askFromPage({ type: "feed", account: this.account.account, after });
    if (turn !== this.#turn) return;
    this.#loading = false;
    if (!answer.ok) {
      this.#failed(answer.trouble);
      return;
    }
    if (!further && this.#reading()) {
      this.#stale = true;
      return;
    }
    this.#rows = further ? withPage(this.#rows, answer.value.rows) : answer.value.rows;
    this.#next = answer.value.next;
    this.#show();
    void askFromPage({ type: "seen", account: this.account.account });
  }

  /** Read anew: not while the rep reads, and after many changes at once only as often as answers come. */
  async #catchUp(): Promise<void> {
    if (this.#catchingUp) return;
    this.#catchingUp = true;
    while (this.#stale && !this.#reading()) {
      this.#stale = false;
      await this.load(false);
    }
    this.#catchingUp = false;
  }

  #showHeader(): void {
    const { say } = this;
    const filter = make("select", "");
    filter.setAttribute("aria-label", say("filter"));
    for (const one of FILTERS) filter.append(new Option(say(`filter_${one}`), one));
    filter.addEventListener("change", () => {
      this.#filter = filter.value as Filter;
      this.#show();
    });
    const tools = make(
      "div",
      "tools",
      filter,
      button("quiet", say("openFeed"), () => void chrome.tabs.create({ url: `${this.account.server}/feed` })),
      button("quiet", say("settings"), () => void chrome.runtime.openOptionsPage()),
    );
    this.#header.replaceChildren(make("h1", "", say("feed")), tools);
    const { accounts } = this.overview;
    if (accounts.length > 1) this.#header.append(accountChoice(accounts, this.account));
    this.#header.append(this.#waiting);
    this.#showWaiting(this.account.waiting);
  }

  #showWaiting(count: number): void {
    this.#waiting.hidden = count === 0;
    this.#waiting.textContent = this.say("waitingCount", { count });
  }

  async #refreshWaiting(): Promise<void> {
    const answer = await askFromPage({ type: "overview" });
    const now = answer.ok && answer.value.accounts.find((one) => one.account === this.account.account);
    if (now) this.#showWaiting(now.waiting);
  }

  #show(): void {
    const rows = this.#rows.filter((row) => passes(row, this.#filter));
    if (rows.length === 0) this.#empty(this.say(this.#rows.length === 0 ? "nothingYet" : "nothingHere"));
    else this.#feed.replaceChildren(...rows.map((row) => mailRow(row, this.account, this.overview)));
    if (this.#next !== null) this.#feed.append(button("quiet", this.say("more"), () => void this.load(true)));
  }

  #failed(trouble: string): void {
    const away = make("p", "", this.say(trouble === "signed_out" ? "reasonSignedOut" : "unreachable"));
    const again = button("", this.say("retry"), () => {
      this.#feed.scrollTop = 0;
      void this.load(false);
    });
    const rows = this.#feed.querySelectorAll("article");
    this.#feed.replaceChildren(make("div", rows.length > 0 ? "away" : "empty", away, again), ...rows);
  }

  #empty(text: string): void {
    this.#feed.replaceChildren(make("div", "empty", text));
  }

  /** What the rep has scrolled to or opened is not taken away. */
  #reading(): boolean {
    return this.#feed.scrollTop > 0 || this.#feed.querySelector("ul:not([hidden])") !== null;
  }

  #nearEnd(): boolean {
    return this.#feed.scrollTop + this.#feed.clientHeight > this.#feed.scrollHeight - 200;
  }
}

function accountChoice(accounts: AccountOverview[], current: AccountOverview): HTMLElement {
  const choice = make("select", "");
  choice.setAttribute("aria-label", "Gmail");
  for (const { account } of accounts)
    choice.append(new Option(account, account, false, account === current.account));
  choice.addEventListener("change", () => void open(choice.value));
  return choice;
}

async function open(wanted?: string): Promise<void> {
  const answer = await askFromPage({ type: "overview" });
  if (!answer.ok) return;
  const overview = answer.value;
  const signedIn = overview.accounts.filter((one) => one.signedIn);
  const account = overview.accounts.find((one) => one.account === wanted) ?? signedIn[0];
  if (account?.signedIn) {
    await new Popup(overview, account).open();
    return;
  }
  const say = inLanguage(overview.language);
  document.documentElement.lang = overview.language;
  const go = button("primary", say("signIn"), () => void chrome.runtime.openOptionsPage());
  const place = make("div", "empty", make("p", "", say("signedOut")), go);
  const waiting = overview.accounts.reduce((count, one) => count + one.waiting, 0);
  if (waiting > 0) place.prepend(make("p", "", say("waitingCount", { count: waiting })));
  if (overview.accounts.length > 1 && account) place.append(accountChoice(overview.accounts, account));
  document.body.replaceChildren(place);
}

void open();
