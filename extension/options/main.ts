/** Settings: server and sign-in for each Gmail account, language, start values, never lists. */
import { button, checkbox, make } from "../content/elements";
import { normalEntry } from "../core/address-list";
import type { AccountOverview, Overview, Settings } from "../messages/answers";
import { askFromPage } from "../messages/ask";
import { FEED_CHANGED, onChanged } from "../messages/changed";
import { inLanguage, type Say } from "../text/say";
import { signInForm } from "./sign-in";

export type Reload = () => Promise<void>;

/** How many Gmail accounts the page shows; what is typed is not to be lost to a reload. */
let shown = 0;

async function open(): Promise<void> {
  const answer = await askFromPage({ type: "overview" });
  if (!answer.ok) return;
  const overview = answer.value;
  shown = overview.accounts.length;
  const say = inLanguage(overview.language);
  document.documentElement.lang = overview.language;
  document.title = say("optionsTitle");
  const status = make("p", "soft");
  status.setAttribute("role", "status");
  const save = async (change: Partial<Settings>, reload = false) => {
    Object.assign(overview.settings, change);
    const saved = await askFromPage({ type: "settings", change });
    if (reload) await open();
    status.textContent = say(saved.ok ? "saved" : "notSaved");
  };
  document.body.replaceChildren(
    make(
      "main",
      "options",
      make("h1", "", say("optionsTitle")),
      accounts(overview, say),
      defaults(overview.settings, say, save),
      lists(overview.settings, say, save),
      language(overview.settings, say, save),
      status,
    ),
  );
}

type Save = (change: Partial<Settings>, reload?: boolean) => Promise<void>;

function accounts(overview: Overview, say: Say): HTMLElement {
  const card = make("section", "card", make("h2", "", say("accounts")));
  if (overview.accounts.length === 0) card.append(make("p", "soft", say("noAccounts")));
  for (const account of overview.accounts)
    card.append(account.signedIn ? signedIn(account, say) : signInForm(account, say, open));
  return card;
}

function signedIn(account: AccountOverview, say: Say): HTMLElement {
  const { name, server } = account;
  const answer = make("span", "soft");
  answer.setAttribute("role", "status");
  const test = button("", say("sendTest"), async () => {
    const sent = await askFromPage({ type: "test", account: account.account });
    answer.textContent = say(sent.ok ? "testSent" : "unreachable");
  });
  const out = button("", say("signOut"), async () => {
    await askFromPage({ type: "sign-out", account: account.account });
    await open();
  });
  const section = make(
    "div",
    "account",
    make("strong", "", account.account),
    make("p", "soft", say("signedInAs", { name, server: new URL(server).host })),
  );
  if (!account.ours) section.append(make("p", "fault", say("notOurs", { account: account.account, name })));
  section.append(make("div", "row", test, out, answer));
  return section;
}

function defaults(settings: Settings, say: Say, save: Save): HTMLElement {
  const box = (key: "track" | "log" | "neverCreate", text: string) => {
    const made = checkbox("check", text, (on) => void save({ [key]: on }));
    made.input.checked = settings[key];
    return made.label;
  };
  return make(
    "section",
    "card",
    make("h2", "", say("defaults")),
    box("track", say("trackByDefault")),
    box("log", say("logByDefault")),
    box("neverCreate", say("neverCreate")),
  );
}

function lists(settings: Settings, say: Say, save: Save): HTMLElement {
  const list = (key: "neverTrack" | "neverLog", text: string) => {
    const area = make("textarea", "");
    area.value = settings[key].join("\n");
    area.spellcheck = false;
    const fault = make("p", "fault");
    fault.setAttribute("role", "alert");
    area.addEventListener("change", () => {
      const entries = area.value.split("\n").map((one) => one.trim());
      const typed = entries.filter((one) => one !== "");
      const bad = typed.filter((one) => normalEntry(one) === null);
      fault.textContent = bad.length > 0 ? say("badEntries", { entries: bad.join(", ") }) : "";
      void save({ [key]: typed.filter((one) => normalEntry(one) !== null) });
    });
    return make("label", "field", make("span", "", text), area, fault);
  };
  const both = make(
    "div",
    "lists",
    list("neverTrack", say("neverTrackList")),
    list("neverLog", say("neverLogList")),
  );
  return make("section", "card", make("h2", "", say("lists")), both, make("p", "soft", say("listHint")));
}

function language(settings: Settings, say: Say, save: Save): HTMLElement {
  const choice = make("select", "");
  choice.append(
    new Option(say("languageAuto"), "auto"),
    new Option("English", "en"),
    new Option("日本語", "ja"),
  );
  choice.value = settings.language;
  choice.addEventListener(
    "change",
    () => void save({ language: choice.value as Settings["language"] }, true),
  );
  return make("section", "card", make("label", "field", make("h2", "", say("language")), choice));
}

/** What was changed in Gmail meanwhile is shown, unless something is being typed. */
document.addEventListener("visibilitychange", () => {
  const typing = [...document.querySelectorAll("input, textarea")].some(
    (field) => field === document.activeElement || (field instanceof HTMLInputElement && isTyped(field)),
  );
  if (document.visibilityState === "visible" && !typing) void open();
});

function isTyped(field: HTMLInputElement): boolean {
  return field.type === "url" && field.value !== "";
}

onChanged(FEED_CHANGED, () => {
  if (shown === 0) void open();
});
void open();
