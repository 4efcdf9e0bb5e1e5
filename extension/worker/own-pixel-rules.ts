/**
 * The rep's own views of Gmail never fetch an own pixel directly (B4).
 *
 * One layer of several: such rules are reported to fail after a long uptime, and Gmail fetches through its
 * own proxy, which no rule here sees. So pixels are also taken out of the page, and views are reported.
 */
export async function blockOwnPixels(origins: readonly string[]): Promise<void> {
  const present = await chrome.declarativeNetRequest.getDynamicRules();
  await chrome.declarativeNetRequest.updateDynamicRules({
    removeRuleIds: present.map((rule) => rule.id),
    addRules: origins.map((origin, index) => ({
      id: index + 1,
      priority: 1,
      action: { type: "block" },
      condition: {
        urlFilter: `|${origin}/o/`,
        initiatorDomains: ["mail.google.com"],
        resourceTypes: ["image"],
      },
    })),
  });
}
