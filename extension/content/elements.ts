/** Elements of ours in Gmail's page and in the extension's pages: text is only ever set as text. */

export function make<K extends keyof HTMLElementTagNameMap>(
  name: K,
  className: string,
  ...children: (Node | string)[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(name);
  if (className) element.className = className;
  element.append(...children);
  return element;
}

export function button(className: string, text: string, press: () => void): HTMLButtonElement {
  const element = make("button", className, text);
  element.type = "button";
  element.addEventListener("click", press);
  return element;
}

export function checkbox(
  className: string,
  text: string,
  changed: (checked: boolean) => void,
): { label: HTMLLabelElement; input: HTMLInputElement; text: HTMLElement } {
  const input = make("input", "");
  input.type = "checkbox";
  input.addEventListener("change", () => changed(input.checked));
  const words = make("span", "", text);
  return { label: make("label", className, input, words), input, text: words };
}

const TOLD_MS = 12_000;
/** Never looked up in the page: a mail may hold an element that is called the same. */
const toasts = make("div", "kaifu-toasts");

/** Says something to the rep on Gmail's page, until it is dismissed or has been there long enough. */
export function tell(text: string, dismiss: string, lasting = false): void {
  if (!toasts.isConnected) document.body.append(toasts);
  const toast = make("div", lasting ? "kaifu-toast kaifu-warning" : "kaifu-toast", make("span", "", text));
  toast.setAttribute("role", lasting ? "alert" : "status");
  toast.append(button("kaifu-dismiss", dismiss, () => toast.remove()));
  toasts.append(toast);
  if (!lasting) setTimeout(() => toast.remove(), TOLD_MS);
}
