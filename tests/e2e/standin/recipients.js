/** To, Cc and Bcc: chips and the boxes they are typed into. */
import { element, escaped } from "./dom.js";

const KINDS = ["to", "cc", "bcc"];

/** `inline`: Gmail puts one element more around them in a reply within the thread. */
export function recipientRows(inline) {
  const [open, close] = inline ? ['<div class="aUy">', "</div>"] : ["", ""];
  return KINDS.map(
    (kind) => `<div class="anm" name="${kind}">${open}<div><div><div><div><div role="listbox"><div class="chips"></div>
      <input role="combobox" aria-autocomplete="list" aria-label="${kind}"></div></div></div></div></div>${close}</div>`,
  ).join("");
}

function chip({ address, name }) {
  const shown = escaped(name || address);
  const holder = element(`<div><div role="option" tabindex="0" data-name="${shown}"
    data-hovercard-id="${escaped(address)}"><span class="text">${shown}</span><span class="afX">×</span></div></div>`);
  const remove = holder.querySelector(".afX");
  remove.setAttribute("aria-label", `Remove ${address}`);
  remove.addEventListener("click", () => holder.remove());
  return holder;
}

/** Make the rows of `root` work. `wanted`: who stands there at the start, by kind. */
export function fillRecipients(root, wanted) {
  for (const kind of KINDS) {
    const row = root.querySelector(`.anm[name="${kind}"]`);
    const chips = row.querySelector(".chips");
    const box = row.querySelector("[role=combobox]");
    const take = (text) => {
      for (const address of text.split(/[,\s]+/).filter(Boolean)) chips.append(chip({ address }));
      box.value = "";
    };
    for (const one of wanted[kind] ?? []) chips.append(chip(one));
    box.addEventListener("keydown", (event) => {
      if ((event.key !== "Enter" && event.key !== ",") || event.ctrlKey || event.metaKey) return;
      event.preventDefault();
      take(box.value);
    });
    box.addEventListener("paste", (event) => {
      event.preventDefault();
      take(event.clipboardData.getData("text/plain"));
    });
  }
}

/** By kind: `{address, name}` of each chip. */
export function recipientsOf(root) {
  return Object.fromEntries(
    KINDS.map((kind) => [
      kind,
      [...root.querySelectorAll(`.anm[name="${kind}"] [role=option]`)].map(({ dataset }) => ({
        address: dataset.hovercardId,
        name: dataset.name === dataset.hovercardId ? null : dataset.name,
      })),
    ]),
  );
}
