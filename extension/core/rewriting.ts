/** What is changed in the body of a mail on its way out: links, the pixel, old pixels in quoted text. */
import { escapeAttribute, type Tag, tags } from "./html";
import { ownLink, ownPixel } from "./own-pixels";

/** Gmail clips a mail at about 102 KB: a pixel behind that is never loaded. */
export const CLIPPED_AT_BYTES = 102 * 1024;
/** Where a pixel still surely stands before the cut, headers and later changes by Gmail allowed for. */
const SAFE_BYTES = 90 * 1024;
export const MAX_LINKS = 1000;
const MAX_LINK_BYTES = 4096;
const QUOTE_CLASS = /(^|\s)gmail_quote(_container)?(\s|$)/;

/** Turns the raw text of an attribute into its value; browsers do this best, so it is handed in. */
export type Decode = (raw: string) => string;

export interface Changes {
  pixelUrl: string | null;
  /** Original address → tracked address. */
  links: ReadonlyMap<string, string>;
  /** Tracking addresses of this and earlier servers. */
  origins: readonly string[];
}

const encoder = new TextEncoder();
const byteLength = (text: string) => encoder.encode(text).length;

/** As the server judges it: http or https with a host, and no space or control character. */
export function isTrackable(url: string): boolean {
  const match = /^https?:\/\/([^/?#\\])/i.exec(url);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not be in a redirect
  return match !== null && !/[\s\u0000-\u001f\u007f-\u009f]/u.test(url) && byteLength(url) <= MAX_LINK_BYTES;
}

/** The links of a mail that can be tracked: each once, in order, byte for byte. */
export function trackableLinks(html: string, decode: Decode, origins: readonly string[]): string[] {
  const found = new Set<string>();
  for (const tag of tags(html)) {
    const href = linkOf(html, tag, decode);
    if (href !== null && isTrackable(href) && !ownLink(href, origins)) found.add(href);
    if (found.size === MAX_LINKS) break;
  }
  return [...found];
}

/** The body as it goes out. Everything but links and pixels stays byte for byte. */
export function rewriteBody(html: string, changes: Changes, decode: Decode): string {
  const edits: Edit[] = [];
  let quote: number | null = null;
  let bodyEnd: number | null = null;
  for (const tag of tags(html)) {
    const edit = editOf(html, tag, changes, decode);
    if (edit) edits.push(edit);
    if (quote === null && beginsQuote(html, tag, decode)) quote = tag.start;
    if (tag.closing && tag.name === "body") bodyEnd = tag.start;
  }
  const text = apply(html, edits);
  if (changes.pixelUrl === null) return text;
  const shift = (at: number) => at + grownBefore(edits, at);
  return place(
    text,
    pixel(changes.pixelUrl),
    quote === null ? null : shift(quote),
    bodyEnd && shift(bodyEnd),
  );
}

interface Edit {
  start: number;
  end: number;
  text: string;
}

function editOf(html: string, tag: Tag, changes: Changes, decode: Decode): Edit | null {
  if (tag.name === "img" && !tag.closing) {
    const src = attributeOf(html, tag, "src", decode);
    return src !== null && ownPixel(src, changes.origins)
      ? { start: tag.start, end: tag.end, text: "" }
      : null;
  }
  const href = linkOf(html, tag, decode);
  const tracked = href === null ? undefined : changes.links.get(href);
  const attribute = tag.attributes.find((one) => one.name === "href");
  if (tracked === undefined || !attribute) return null;
  const quoted = attribute.quote === '"' || attribute.quote === "'";
  const value = escapeAttribute(tracked).replaceAll("'", "&#39;");
  return { start: attribute.start, end: attribute.end, text: quoted ? value : `"${value}"` };
}

function linkOf(html: string, tag: Tag, decode: Decode): string | null {
  return (tag.name === "a" || tag.name === "area") && !tag.closing
    ? attributeOf(html, tag, "href", decode)
    : null;
}

function attributeOf(html: string, tag: Tag, name: string, decode: Decode): string | null {
  const attribute = tag.attributes.find((one) => one.name === name);
  if (!attribute) return null;
  const raw = html.slice(attribute.start, attribute.end);
  return raw.includes("&") ? decode(raw) : raw;
}

function beginsQuote(html: string, tag: Tag, decode: Decode): boolean {
  if (tag.closing || (tag.name !== "div" && tag.name !== "blockquote")) return false;
  return QUOTE_CLASS.test(attributeOf(html, tag, "class", decode) ?? "");
}

function apply(html: string, edits: readonly Edit[]): string {
  const parts: string[] = [];
  let at = 0;
  for (const edit of edits) {
    parts.push(html.slice(at, edit.start), edit.text);
    at = edit.end;
  }
  parts.push(html.slice(at));
  return parts.join("");
}

function grownBefore(edits: readonly Edit[], at: number): number {
  return edits
    .filter((edit) => edit.end <= at)
    .reduce((sum, edit) => sum + edit.text.length - (edit.end - edit.start), 0);
}

/** Behind what the rep wrote and before what is quoted; at the top where that may be clipped off. */
function place(html: string, image: string, quote: number | null, bodyEnd: number | null): string {
  const at = quote ?? bodyEnd ?? html.length;
  const last = quote === null;
  const tooLate = byteLength(html.slice(0, at)) > SAFE_BYTES;
  if (tooLate || (last && byteLength(html) > CLIPPED_AT_BYTES - image.length)) return image + html;
  return html.slice(0, at) + image + html.slice(at);
}

function pixel(url: string): string {
  const style = "border:0;width:1px;height:1px";
  return `<img src="${escapeAttribute(url)}" alt="" width="1" height="1" style="${style}">`;
}
