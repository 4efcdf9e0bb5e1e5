/**
 * Never-log and never-track lists: `example.com` and `@example.com` match that domain, `*.example.com` its
 * subdomains and not itself; case folded, IDNA; `a@x` also matches `a+tag@x`; dots count. As the server does it.
 */

export interface ListEntry {
  /** As typed. */
  text: string;
}

/** The entry in the form that is compared, or null for what is none. */
export function normalEntry(text: string): string | null {
  const typed = text.trim();
  const at = typed.lastIndexOf("@");
  if (at > 0) return normalAddress(typed);
  const domain = typed.slice(at + 1);
  if (domain.startsWith("*.")) {
    const below = normalDomain(domain.slice(2));
    return below && `*.${below}`;
  }
  return normalDomain(domain);
}

/** Whether an entry of the list matches the address; entries that are none match nothing. */
export function matches(list: readonly string[], address: string): boolean {
  const normal = normalAddress(address);
  if (normal === null) return false;
  const [local, domain] = split(normal);
  const untagged = local.replace(/\+.*$/s, "");
  return list.some((text) => {
    const entry = normalEntry(text);
    if (entry === null) return false;
    if (entry.startsWith("*.")) return domain.endsWith(entry.slice(1));
    if (!entry.includes("@")) return entry === domain;
    return entry === normal || entry === `${untagged}@${domain}`;
  });
}

/** The list with the entry or without it. `entry`: in the form that is compared. */
export function withEntry(list: readonly string[], entry: string, on: boolean): string[] {
  const others = list.filter((text) => normalEntry(text) !== entry);
  return on ? [...others, entry] : others;
}

/** Lower case, the domain in its ASCII form. */
export function normalAddress(address: string): string | null {
  const [local, domain] = split(address.trim());
  if (!local || /\s/.test(local)) return null;
  const ascii = normalDomain(domain);
  return ascii && `${local.toLowerCase()}@${ascii}`;
}

/** The domain of an address as it is written, or nothing. */
export function domainOf(address: string): string {
  return split(address)[0] ? split(address)[1] : "";
}

function split(address: string): [string, string] {
  const at = address.lastIndexOf("@");
  return at < 0 ? ["", address] : [address.slice(0, at), address.slice(at + 1)];
}

function normalDomain(domain: string): string | null {
  if (!domain.includes(".") || /[\s/?#\\:@*%]/.test(domain)) return null;
  try {
    const { hostname } = new URL(`http://${domain}`);
    return hostname.replace(/\.$/, "") || null;
  } catch {
    return null;
  }
}
