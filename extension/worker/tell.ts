/** Tells open pages that something is different now, so that they ask anew. */
import { FEED_CHANGED, STANDING_CHANGED, WAITING_CHANGED } from "../messages/changed";

/** The extension's own pages, and Gmail's that show sent mail: the feed is different. */
export function tellPages(): void {
  tellOwn(FEED_CHANGED);
  void tellGmail(FEED_CHANGED);
}

/** The extension's own pages: another number of mails waits for the server. */
export function tellWaiting(): void {
  tellOwn(WAITING_CHANGED);
}

function tellOwn(type: string): void {
  chrome.runtime.sendMessage({ type }).catch(() => undefined); // no page is open
}

/** Gmail's pages: by default, that a sign-in or a setting is different. */
export async function tellGmail(type = STANDING_CHANGED): Promise<void> {
  const tabs = await chrome.tabs.query({ url: "https://mail.google.com/*" });
  for (const { id } of tabs) {
    if (id !== undefined) chrome.tabs.sendMessage(id, { type }).catch(() => undefined);
  }
}
