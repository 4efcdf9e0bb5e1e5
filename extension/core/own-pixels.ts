/** Which images are pixels of this server, also as Gmail shows them. */

/** Gmail shows images through its proxy, with the original address after `#`. */
export function originalAddress(src: string): string {
  let host: string;
  try {
    host = new URL(src).hostname;
  } catch {
    return src;
  }
  const proxied = host === "googleusercontent.com" || host.endsWith(".googleusercontent.com");
  const hash = src.indexOf("#");
  return proxied && hash >= 0 ? src.slice(hash + 1) : src;
}

/** The address of the pixel that an image shows, or null. `origins`: tracking addresses, no slash at the end. */
export function ownPixel(src: string, origins: readonly string[]): string | null {
  const original = originalAddress(src);
  const found = origins.some((origin) => original.startsWith(`${origin}/o/`));
  return found ? original.replace(/[?#].*$/s, "") : null;
}

/** Whether a link leads through this server already. */
export function ownLink(href: string, origins: readonly string[]): boolean {
  return origins.some((origin) => href.startsWith(`${origin}/c/`));
}
