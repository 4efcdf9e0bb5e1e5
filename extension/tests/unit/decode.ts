import { JSDOM } from "jsdom";

const { document } = new JSDOM("").window;

/** As the content script does it: by the browser's own parser, in a document that loads nothing. */
export function decode(raw: string): string {
  const inert = document.implementation.createHTMLDocument("");
  const quote = raw.includes('"') ? "'" : '"';
  inert.body.innerHTML = `<a href=${quote}${raw}${quote}></a>`;
  return inert.querySelector("a")?.getAttribute("href") ?? "";
}
