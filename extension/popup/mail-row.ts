/** One mail of the feed: state, people, counts, and its opens and clicks when asked for. */
import { button, make } from "../content/elements";
import { candidateNames, type FeedRow, shownState } from "../core/feed-state";
import type { AccountOverview, Overview } from "../messages/answers";
import { askFromPage } from "../messages/ask";
import type { RowDetail } from "../server/shapes";
import { originTexts } from "../text/origin";
import { dateTime, inLanguage, type Say } from "../text/say";
import { TEXT, type TextKey } from "../text/table";

const PEOPLE_SHOWN = 3;
const STATES = { opened: "stateOpened", possible_open: "statePossible", sent: "stateSent" } as const;

export function mailRow(row: FeedRow, account: AccountOverview, overview: Overview): HTMLElement {
  const { language } = overview;
  const say = inLanguage(language);
  const state = shownState(row);
  const at = dateTime(state === "opened" ? (row.first_open_at ?? row.sent_at) : row.sent_at, language);
  const subject = make("span", "subject", row.subject || say("noSubject"));
  subject.title = row.subject;
  const stateText = make("span", `state ${state}`, `${say(STATES[state])} · ${at}`);
  const details = make("ul", "");
  details.hidden = true;
  const article = make(
    "article",
    "mail",
    make("div", "line", subject, stateText),
    make("div", "people", people(row, say)),
    make("div", "more", counts(row, say)),
    actions(row, account, overview, details),
    details,
  );
  article.dataset.message = row.message_id;
  article.dataset.state = state;
  return article;
}

function people(row: FeedRow, say: Say): string {
  const names = row.recipients.map((one) => one.name || one.address);
  const others = names.length - PEOPLE_SHOWN;
  const shown = names.slice(0, PEOPLE_SHOWN).join(", ");
  return `${say("to")}: ${shown}${others > 0 ? ` ${say("others", { count: others })}` : ""}`;
}

function counts(row: FeedRow, say: Say): string {
  const words: string[] = [];
  if (row.opens > 0) words.push(row.opens === 1 ? say("opensOne") : say("opensCount", { count: row.opens }));
  if (row.clicks > 0)
    words.push(row.clicks === 1 ? say("clicksOne") : say("clicksCount", { count: row.clicks }));
  if (row.anonymous) words.push(say("anonymous"));
  return words.join(" · ");
}

function actions(
  row: FeedRow,
  account: AccountOverview,
  overview: Overview,
  details: HTMLElement,
): HTMLElement {
  const say = inLanguage(overview.language);
  const open = (path: string) => void chrome.tabs.create({ url: account.server + path });
  const more = button("quiet", say("details"), () => {
    details.hidden = !details.hidden;
    more.setAttribute("aria-expanded", String(!details.hidden));
    if (!details.hidden) void fill(details, row, account, overview);
  });
  more.setAttribute("aria-expanded", "false");
  const place = make("div", "actions", more, muteButton(row, account.account, overview, say));
  const contact = row.recipients.find((one) => one.contact_id !== null)?.contact_id;
  if (contact) place.append(button("quiet", say("openRecord"), () => open(`/contacts/${contact}`)));
  return place;
}

function muteButton(row: FeedRow, account: string, overview: Overview, say: Say): HTMLElement {
  let muted = row.muted || overview.muted.includes(row.message_id);
  const mute = button("quiet", "", () => {
    muted = !muted;
    void askFromPage({ type: "mute", account, message_id: row.message_id, muted });
    show();
  });
  const show = () => {
    mute.textContent = say(muted ? "unmute" : "mute");
    mute.setAttribute("aria-pressed", String(muted));
  };
  show();
  return mute;
}

async function fill(
  list: HTMLElement,
  row: FeedRow,
  account: AccountOverview,
  overview: Overview,
): Promise<void> {
  const say = inLanguage(overview.language);
  list.replaceChildren(make("li", "", say("loading")));
  const answer = await askFromPage({ type: "row", account: account.account, message_id: row.message_id });
  if (!answer.ok) list.replaceChildren(make("li", "", say("unreachable")));
  else {
    const { engagements } = answer.value;
    list.replaceChildren(...engagements.map((one) => engagement(one, answer.value, overview)));
    if (engagements.some((one) => one.place !== null)) list.append(placesBy(say));
  }
}

/** The data's licence asks for a link back. */
function placesBy(say: Say): HTMLElement {
  const link = make("a", "soft", say("placesBy"));
  link.href = "https://db-ip.com";
  link.target = "_blank";
  link.rel = "noreferrer";
  return make("li", "", link);
}

function engagement(one: RowDetail["engagements"][number], row: RowDetail, overview: Overview): HTMLElement {
  const say = inLanguage(overview.language);
  const kind = say(one.kind === "click" ? "engagement_click" : "engagement_open");
  const who = candidateNames(row, one.candidates).join(" / ");
  const verdict = one.inferred ? inferredText(one.evidence[0]?.rule, say) : verdictText(one.verdict, say);
  const what = [kind, verdict, who].filter((text) => text !== "").join(" · ");
  return make(
    "li",
    "",
    make("span", "", what),
    make("span", "soft", dateTime(one.occurred_at, overview.language)),
    make("span", "soft origin", originTexts(one, overview.language).join(" · ")),
  );
}

function inferredText(rule: string | undefined, say: Say): string {
  if (rule === "inferred.click") return say("inferred_click");
  return say(rule === "inferred.reply" ? "inferred_reply" : "verdict_inferred");
}

function verdictText(verdict: string, say: Say): string {
  const key = `verdict_${verdict}`;
  return key in TEXT ? say(key as TextKey) : verdict;
}
