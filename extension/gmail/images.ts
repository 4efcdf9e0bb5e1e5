/** Images of the page as they come, wherever they stand: no knowledge of the page's layout is needed for that. */

/** Calls back for each image that is in the page, comes into it, or gets another address. Returns how to go
 * through all that are there once more. */
export function watchImages(root: Node & ParentNode, seen: (image: HTMLImageElement) => void): () => void {
  const all = () => {
    for (const image of root.querySelectorAll("img")) seen(image);
  };
  const observer = new MutationObserver((changes) => {
    for (const { addedNodes, target } of changes) {
      if (target instanceof HTMLImageElement) seen(target);
      for (const node of addedNodes) within(node, seen);
    }
  });
  observer.observe(root, { childList: true, subtree: true, attributes: true, attributeFilter: ["src"] });
  all();
  return all;
}

function within(node: Node, seen: (image: HTMLImageElement) => void): void {
  if (!(node instanceof Element)) return;
  if (node instanceof HTMLImageElement) seen(node);
  else for (const image of node.querySelectorAll("img")) seen(image);
}
