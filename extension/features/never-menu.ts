/** Never track, never log: for a recipient of this mail or its whole domain, from the compose window (E2, L9). */
import type { ComposeState } from "../content/compose-state";
import type { Context } from "../content/context";
import { dropDown } from "../content/drop-down";
import { button, checkbox, make } from "../content/elements";
import { domainOf, matches, normalEntry } from "../core/address-list";
import { askFromGmail } from "../messages/ask";

type List = "neverTrack" | "neverLog";
const LISTS = ["neverTrack", "neverLog"] as const;
const HEADINGS = { neverTrack: "neverTrackList", neverLog: "neverLogList" } as const;

export function neverMenu(state: ComposeState, context: Context): { element: HTMLElement; show: () => void } {
  const opener = button("kaifu-never", "⋯", () => undefined);
  const menu = make("div", "kaifu-menu");
  dropDown(opener, menu, () => undefined);

  const show = () => {
    const { greeting, say } = context;
    opener.hidden = !greeting.signedIn || context.cutOff || state.recipients.length === 0;
    opener.title = say("neverMenu");
    opener.setAttribute("aria-label", opener.title);
    menu.lang = greeting.language;
    menu.replaceChildren(...LISTS.flatMap((list) => listRows(list, state.recipients, context)));
  };
  return { element: make("span", "kaifu-never-place", opener, menu), show };
}

function listRows(list: List, recipients: readonly string[], context: Context): Node[] {
  const domains = [...new Set(recipients.map(domainOf))].filter((domain) => domain !== "");
  const rows = [...recipients, ...domains].map((entry) => row(list, entry, context));
  return [make("p", "kaifu-heading", context.say(HEADINGS[list])), ...rows];
}

/** An address that is covered by an entry for more than itself is changed there, in the settings. */
function row(list: List, entry: string, context: Context): Node {
  const entries = context.greeting.settings[list];
  const listed = entries.some((one) => normalEntry(one) === normalEntry(entry));
  const text = entry.includes("@") ? entry : context.say("everyoneAt", { domain: entry });
  const box = checkbox("kaifu-row", text, (on) => void change(list, entry, on, context));
  box.input.checked = listed || (entry.includes("@") && matches(entries, entry));
  box.input.disabled = box.input.checked && !listed;
  return box.label;
}

async function change(list: List, entry: string, on: boolean, context: Context): Promise<void> {
  const answer = await askFromGmail({ type: "never", list, entry, on });
  if (!answer.ok) context.tell(context.say("notSaved"), true);
  await context.refresh();
}
