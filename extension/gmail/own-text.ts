/** What a mail says in its sender's words. */

const NOT_THEIRS = ".gmail_quote, blockquote, style, script";

/**
 * Read where it stands: a copy would load the mail's images once more. What a hostile mail names like a method of
 * the document or of one of its elements stands in for none that is called here.
 */
export function ownText(body: Element): string {
  const left = new Set<Node>(body.querySelectorAll(NOT_THEIRS));
  const texts = Document.prototype.createTreeWalker.call(
    document,
    body,
    NodeFilter.SHOW_ELEMENT | NodeFilter.SHOW_TEXT,
    (node) => {
      if (left.has(node)) return NodeFilter.FILTER_REJECT;
      return node instanceof Text ? NodeFilter.FILTER_ACCEPT : NodeFilter.FILTER_SKIP;
    },
  );
  let text = "";
  while (texts.nextNode()) text += (texts.currentNode as Text).data;
  return text;
}
