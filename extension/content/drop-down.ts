/** A menu above a button in a compose window's bar. Gmail does not hear what is typed in it. */

const EDGE = 8;
const GAP = 4;

/** Makes `menu` open above `opener`; calls back whenever it has opened. */
export function dropDown(opener: HTMLButtonElement, menu: HTMLElement, opened: () => void): void {
  menu.popover = "auto";
  opener.popoverTargetElement = menu;
  opener.setAttribute("aria-haspopup", "true");
  menu.addEventListener("toggle", () => {
    if (!menu.matches(":popover-open")) return;
    const box = opener.getBoundingClientRect();
    menu.style.left = `${Math.max(EDGE, Math.min(box.left, innerWidth - menu.offsetWidth - EDGE))}px`;
    menu.style.bottom = `${innerHeight - box.top + GAP}px`;
    opened();
  });
  for (const kind of ["keydown", "keyup", "keypress"])
    menu.addEventListener(kind, (event) => event.stopPropagation());
}
