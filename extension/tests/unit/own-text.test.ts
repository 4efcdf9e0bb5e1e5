// @vitest-environment jsdom
import { afterEach, describe, expect, it, vi } from "vitest";
import { ownText } from "../../gmail/own-text";

function body(html: string): HTMLElement {
  document.body.innerHTML = `<div>${html}</div>`;
  return document.body.firstElementChild as HTMLElement;
}

afterEach(() => vi.restoreAllMocks());

describe("what a sender wrote (B7)", () => {
  it("is all text but what is quoted, and what is none", () => {
    const html =
      "<style>.a { color: red }</style><p>Yes,\n<b>Tuesday</b></p><!-- no --><script>let a</script>" +
      "<blockquote>Quoted<p>twice</p></blockquote><p> Ann</p><div class='x gmail_quote'>Before</div>";
    expect(ownText(body(html))).toBe("Yes,\nTuesday Ann");
    expect(ownText(body(""))).toBe("");
  });

  it("is read without a copy, which would load the mail's images, and leaves the mail as it is", () => {
    const copied = [vi.spyOn(Node.prototype, "cloneNode"), vi.spyOn(Document.prototype, "importNode")];
    const mail = body("<p>Yes <img src='https://x.example/p.gif'></p><blockquote>Quoted</blockquote>");
    const before = mail.outerHTML;
    expect(ownText(mail)).toBe("Yes ");
    expect(mail.outerHTML).toBe(before);
    for (const copy of copied) expect(copy).not.toHaveBeenCalled();
  });

  it("is known of a mail that names its elements like the methods of a document", () => {
    const mail = body("<form>a</form>b");
    const form = mail.querySelector("form");
    for (const name of ["matches", "closest", "childNodes", "textContent", "createTreeWalker"])
      for (const element of [form, document])
        Object.defineProperty(element, name, { value: form, configurable: true }); // as browsers do, not jsdom
    expect(ownText(mail)).toBe("ab");
    Reflect.deleteProperty(document, "createTreeWalker");
  });
});
