import { JSDOM } from "jsdom";
import { describe, expect, it } from "vitest";
import { CLIPPED_AT_BYTES, isTrackable, rewriteBody, trackableLinks } from "../../core/rewriting";
import { decode } from "./decode";

const ORIGIN = "https://t.example.com";
const PIXEL = `${ORIGIN}/o/abc.gif`;

function rewrite(html: string, links: Record<string, string> = {}, pixelUrl: string | null = PIXEL) {
  return rewriteBody(html, { pixelUrl, links: new Map(Object.entries(links)), origins: [ORIGIN] }, decode);
}

function hrefs(html: string): (string | null)[] {
  return [...new JSDOM(html).window.document.querySelectorAll("a")].map((a) => a.getAttribute("href"));
}

describe("links (T2)", () => {
  it("finds http and https links byte for byte, each once", () => {
    const html =
      "<a href=\"https://a.example/?x=1&amp;y=%2F&amp;copy=2\">1</a><A HREF='http://b.example/'>2</A>" +
      '<a href=https://c.example/x>3</a><a href="https://a.example/?x=1&amp;y=%2F&amp;copy=2">4</a>';
    expect(trackableLinks(html, decode, [ORIGIN])).toEqual([
      "https://a.example/?x=1&y=%2F&copy=2",
      "http://b.example/",
      "https://c.example/x",
    ]);
  });

  it("leaves mailto, tel, anchors, other schemes and own links alone", () => {
    const html =
      '<a href="mailto:a@b.example">m</a><a href="tel:+81312345678">t</a><a href="#top">a</a>' +
      `<a href="ftp://x.example/">f</a><a href="javascript:alert(1)">j</a><a href="${ORIGIN}/c/old">o</a><a>n</a>`;
    expect(trackableLinks(html, decode, [ORIGIN])).toEqual([]);
    expect(rewrite(html, { "https://z.example/": "x" }, null)).toBe(html);
  });

  it("takes a bare ampersand as the browser does: &copy=1 is no sign", () => {
    const url = "https://a.example/?a=1&copy=1&amp=2";
    const html = '<a href="https://a.example/?a=1&copy=1&amp;amp=2">x</a>';
    expect(trackableLinks(html, decode, [])).toEqual([url]);
    expect(hrefs(rewrite(html, { [url]: `${ORIGIN}/c/t` }))).toEqual([`${ORIGIN}/c/t`]);
  });

  it("changes nothing but the address", () => {
    const html = `<p  CLASS=x>日本語 &nbsp;<a  title='a>b' href="https://a.example/"\n>x</a><br/><b>y</p>`;
    const out = rewrite(html, { "https://a.example/": `${ORIGIN}/c/1?a&b` }, null);
    expect(out).toBe(html.replace("https://a.example/", `${ORIGIN}/c/1?a&amp;b`));
  });

  it("ignores what only looks like a link: comments, styles, attribute values", () => {
    const html =
      '<!-- <a href="https://a.example/"> --><style>a[href="x"]{}/*<a href="https://a.example/">*/</style>' +
      `<img alt='<a href="https://a.example/">'>`;
    expect(trackableLinks(html, decode, [])).toEqual([]);
  });

  it("leaves out what the server would refuse", () => {
    for (const bad of [
      "https://",
      "https:///x",
      "http://a b.example/",
      "https://a.example/\u0007",
      "https://a.example/\u2003x",
    ])
      expect(isTrackable(bad)).toBe(false);
    expect(isTrackable(`https://a.example/${"x".repeat(4096)}`)).toBe(false);
    expect(isTrackable("HTTPS://例え.jp/パス")).toBe(true);
  });

  // Quadratic, it would take minutes; the limit is for busy machines.
  it("is linear on hostile input", { timeout: 60_000 }, () => {
    const hostile = '<a "'.repeat(50_000) + "<a href='".repeat(50_000) + "<!--".repeat(50_000);
    const begun = performance.now();
    trackableLinks(hostile, decode, [ORIGIN]);
    rewrite(hostile);
    expect(performance.now() - begun).toBeLessThan(20_000);
  });
});

describe("pixel (T2)", () => {
  it("stands once, behind what was written", () => {
    const out = rewrite("<div>Hello</div>");
    expect(out.startsWith("<div>Hello</div><img ")).toBe(true);
    expect(out.split(PIXEL)).toHaveLength(2);
  });

  it("stands before the quoted part", () => {
    const out = rewrite('<div>Yes</div><div class="gmail_quote gmail_quote_container">On Monday…</div>');
    expect(out.indexOf(PIXEL)).toBeLessThan(out.indexOf("gmail_quote"));
    expect(out.indexOf(PIXEL)).toBeGreaterThan(out.indexOf("Yes"));
  });

  it("is not the last thing of a mail that Gmail clips", () => {
    for (const size of [CLIPPED_AT_BYTES - 60, CLIPPED_AT_BYTES, 5_000_000])
      expect(rewrite(`<div>${"x".repeat(size)}</div>`).startsWith("<img ")).toBe(true);
  });

  it("counts bytes, not characters", () => {
    expect(rewrite(`<div>${"開".repeat(40_000)}</div>`).startsWith("<img ")).toBe(true);
  });

  it("moves to the top when what stands before the quote is long", () => {
    const out = rewrite(`<p>${"x".repeat(100_000)}</p><div class="gmail_quote">q</div>`);
    expect(out.startsWith("<img ")).toBe(true);
  });

  it("stays inside the body", () => {
    expect(rewrite("<html><body>a</body></html>")).toMatch(/a<img [^>]+><\/body><\/html>$/);
  });
});

describe("old pixels (B5)", () => {
  it("are stripped from quoted text, direct and through Gmail's proxy", () => {
    const html =
      `<div>Re</div><div class="gmail_quote">q<img src="${ORIGIN}/o/old.gif" width="1">` +
      `<img src="https://ci3.googleusercontent.com/meips/ADKq=s0-d-e1-ft#${ORIGIN}/o/old2.gif?x">` +
      '<img src="https://other.example/o/keep.gif"></div>';
    const out = rewrite(html, {}, null);
    expect(out).toBe(
      '<div>Re</div><div class="gmail_quote">q<img src="https://other.example/o/keep.gif"></div>',
    );
  });

  it("keeps the new pixel in its place when something was stripped before it", () => {
    const out = rewrite(`<p>a<img src="${ORIGIN}/o/old.gif"></p><div class="gmail_quote">b</div>`);
    expect(out).toMatch(/^<p>a<\/p><img [^>]+abc\.gif[^>]+><div class="gmail_quote">b<\/div>$/);
  });
});
