/**
 * Finds tags in HTML without changing a byte of it, in one pass (linear, also for hostile input).
 *
 * Parsing and writing a mail out again would change its markup; a mail is only to be changed where a link
 * or pixel is. The walk follows the tokenizer of the HTML standard as far as tags and attributes go.
 */

export interface Attribute {
  name: string;
  /** Where the value stands, without its quotes; start === end when there is none. */
  start: number;
  end: number;
  quote: '"' | "'" | "";
}

export interface Tag {
  name: string;
  closing: boolean;
  start: number;
  end: number;
  attributes: Attribute[];
}

const SPACE = /[\t\n\f\r ]/;
/** Elements whose content is text: no tag begins inside. */
const RAW_TEXT = new Set(["script", "style", "textarea", "title", "xmp", "iframe", "noembed", "noframes"]);

export function* tags(html: string): Generator<Tag> {
  const lower = html.toLowerCase();
  let at = html.indexOf("<");
  while (at >= 0) {
    const next = nextTag(html, at);
    if (next === null) return;
    if (next.tag) yield next.tag;
    const end = next.tag ? endOfText(lower, next.tag) : next.end;
    at = end === null ? -1 : html.indexOf("<", end);
  }
}

/** Where the next tag may begin behind this one; null when it swallows the rest. */
function endOfText(lower: string, tag: Tag): number | null {
  if (tag.closing || !RAW_TEXT.has(tag.name)) return tag.end;
  const end = lower.indexOf(`</${tag.name}`, tag.end);
  return end < 0 ? null : end;
}

/** What begins at a `<`; null when it does not end. */
function nextTag(html: string, open: number): { end: number; tag?: Tag } | null {
  if (html.startsWith("<!--", open)) {
    const end = html.indexOf("-->", open + 2);
    return end < 0 ? null : { end: end + 3 };
  }
  const closing = html[open + 1] === "/";
  const nameStart = open + (closing ? 2 : 1);
  const first = html[nameStart];
  if (first === undefined) return null;
  if (!/[a-z]/i.test(first)) {
    if (first !== "!" && first !== "?" && !closing) return { end: nameStart };
    const end = html.indexOf(">", nameStart);
    return end < 0 ? null : { end: end + 1 };
  }
  return readTag(html, open, nameStart, closing);
}

function readTag(html: string, open: number, nameStart: number, closing: boolean) {
  let at = nameStart;
  while (at < html.length && !/[\t\n\f\r />]/.test(html[at] as string)) at++;
  const name = html.slice(nameStart, at).toLowerCase();
  const attributes: Attribute[] = [];
  while (at < html.length) {
    const sign = html[at] as string;
    if (sign === ">") return { end: at + 1, tag: { name, closing, start: open, end: at + 1, attributes } };
    if (sign === "/" || SPACE.test(sign)) {
      at++;
      continue;
    }
    const read = readAttribute(html, at);
    if (read === null) return null;
    attributes.push(read.attribute);
    at = read.end;
  }
  return null;
}

function readAttribute(html: string, start: number): { attribute: Attribute; end: number } | null {
  let at = start + 1; // a leading "=" is part of the name
  while (at < html.length && !/[\t\n\f\r />=]/.test(html[at] as string)) at++;
  const name = html.slice(start, at).toLowerCase();
  const equals = skipSpace(html, at);
  if (html[equals] !== "=") return { attribute: { name, start: at, end: at, quote: "" }, end: at };
  const value = skipSpace(html, equals + 1);
  const quote = html[value];
  if (quote === '"' || quote === "'") {
    const end = html.indexOf(quote, value + 1);
    if (end < 0) return null;
    return { attribute: { name, start: value + 1, end, quote }, end: end + 1 };
  }
  let end = value;
  while (end < html.length && !/[\t\n\f\r >]/.test(html[end] as string)) end++;
  return { attribute: { name, start: value, end, quote: "" }, end };
}

function skipSpace(html: string, at: number): number {
  while (at < html.length && SPACE.test(html[at] as string)) at++;
  return at;
}

export function escapeAttribute(value: string): string {
  return value.replaceAll("&", "&amp;").replaceAll('"', "&quot;").replaceAll("<", "&lt;");
}
