/**
 * Finds compose windows that the adapter has not taken up (T8). It must not lean on what the adapter knows:
 * a large visible place to write in is taken for a compose, whatever it is made of.
 */
const WITHIN_MS = 4000;
const LOOK_EVERY_MS = 250;
const EDITORS = '[contenteditable="true"], [g_editable="true"], textarea[name="body"]';
const LEAST_WIDTH = 200;
const LEAST_HEIGHT = 40;

/** `handled`: whether a working adapter looks after the element. Calls back once for each editor. */
export function watchForUnknownComposes(
  handled: (element: Element) => boolean,
  found: (editor: Element) => void,
): void {
  const since = new Map<Element, number>();
  const told = new WeakSet<Element>();
  setInterval(() => {
    const present = new Set(unhandled(handled));
    for (const editor of since.keys()) if (!present.has(editor)) since.delete(editor);
    for (const editor of present) {
      const first = since.get(editor) ?? performance.now();
      since.set(editor, first);
      if (performance.now() - first < WITHIN_MS || told.has(editor)) continue;
      told.add(editor);
      found(editor);
    }
  }, LOOK_EVERY_MS);
}

function unhandled(handled: (element: Element) => boolean): Element[] {
  // In this order: what stands in a mail may have been made to fail when it is measured.
  return [...document.querySelectorAll(EDITORS)].filter((editor) => !handled(editor) && visible(editor));
}

function visible(element: Element): boolean {
  const box = element.getBoundingClientRect();
  return box.width >= LEAST_WIDTH && box.height >= LEAST_HEIGHT && element.checkVisibility();
}
