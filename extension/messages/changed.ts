/** What the worker says without being asked. */

export const FEED_CHANGED = "kaifu-feed-changed";
export const WAITING_CHANGED = "kaifu-waiting-changed";
export const STANDING_CHANGED = "kaifu-standing-changed";

/** Calls back when the worker says so. */
export function onChanged(type: string, listener: () => void): void {
  chrome.runtime.onMessage.addListener((message: unknown, sender) => {
    const ours =
      sender.id === chrome.runtime.id && message && typeof message === "object" && "type" in message;
    if (ours && message.type === type) listener();
  });
}
