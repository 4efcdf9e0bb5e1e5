/** The drop-down beside Log: records to log to, a search, and Create as new contact (L4, L5). */
import type { ComposeState } from "../content/compose-state";
import type { Context } from "../content/context";
import { dropDown } from "../content/drop-down";
import { button, checkbox, make } from "../content/elements";
import type { Found } from "../messages/answers";
import { askFromGmail } from "../messages/ask";
import type { Answer } from "../messages/protocol";

const SEARCH_AFTER_MS = 250;
const LEAST_CHARACTERS = 2;

export function recordsMenu(
  state: ComposeState,
  context: Context,
): { element: HTMLElement; show: (logging: boolean) => void } {
  const opener = button("kaifu-records", "", () => undefined);
  const search = make("input", "kaifu-search");
  search.type = "search";
  const rows = make("div", "kaifu-rows");
  const results = make("div", "kaifu-rows kaifu-results");
  const menu = make("div", "kaifu-menu", search, rows, results);
  dropDown(opener, menu, () => search.focus());

  let timer: ReturnType<typeof setTimeout> | undefined;
  search.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(() => void look(search.value.trim()), SEARCH_AFTER_MS);
  });

  const look = async (text: string) => {
    results.replaceChildren();
    if (text.length < LEAST_CHARACTERS) return;
    const answer = await askFromGmail({ type: "search", account: context.account, text });
    if (search.value.trim() === text) results.replaceChildren(...resultRows(answer, state, context, pick));
  };
  const pick = (record: Found) => {
    search.value = "";
    results.replaceChildren();
    state.add(record);
  };

  const show = (logging: boolean) => {
    const count = state.tickedRecords.length + state.createContacts.length;
    opener.textContent = context.say("recordsCount", { count });
    opener.hidden = !logging;
    menu.lang = context.greeting.language;
    search.placeholder = context.say("searchRecords");
    search.setAttribute("aria-label", search.placeholder);
    rows.replaceChildren(...recordRows(state, context), ...strangerRows(state, context));
  };
  return { element: make("span", "kaifu-records-place", opener, menu), show };
}

function recordRows(state: ComposeState, context: Context): Node[] {
  return state.records.map((record) => {
    const box = checkbox("kaifu-row", title(record, context), (on) => state.tick(record.record_id, on));
    box.input.checked = state.ticked(record.record_id, state.isOffered(record));
    return box.label;
  });
}

function strangerRows(state: ComposeState, context: Context): Node[] {
  const { strangers } = state;
  if (strangers.length === 0) return [];
  const rows = strangers.map((address) => {
    const box = checkbox("kaifu-row", address, (on) => state.tick(address, on));
    box.input.checked = state.createContacts.includes(address);
    return box.label;
  });
  return [make("p", "kaifu-heading", context.say("createContact")), ...rows];
}

function title(record: Found, context: Context): string {
  return `${record.name} · ${context.say(record.record_type)}`;
}

function resultRows(
  answer: Answer<Found[]>,
  state: ComposeState,
  context: Context,
  pick: (record: Found) => void,
): Node[] {
  if (!answer.ok) return [make("p", "kaifu-none", context.say("unreachable"))];
  if (answer.value.length === 0) return [make("p", "kaifu-none", context.say("noRecords"))];
  const offered = new Set(state.records.map((record) => record.record_id));
  return answer.value
    .filter((record) => !offered.has(record.record_id))
    .map((record) => button("kaifu-result", title(record, context), () => pick(record)));
}
