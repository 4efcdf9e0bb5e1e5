// A page that has of Gmail what InboxSDK's public source looks for, and sends as Gmail is seen to send.
// It knows nothing of Kaifu.
import { composes, open } from "./compose.js";
import { element } from "./dom.js";
import { forget, openThread } from "./mailbox.js";
import { cancelScheduled } from "./schedule.js";

document.querySelector("#compose").addEventListener("click", () => open());

/** A compose window as no release of Gmail is known to have it. */
function openUnknown() {
  const view = element(`<div class="unknown-window"><input aria-label="Recipients"><input aria-label="Subject">
    <div class="body" contenteditable="true" role="textbox" aria-label="Body"></div><button>Send</button></div>`);
  view.querySelector("button").addEventListener("click", () => {
    document.body.dataset.sent = String(Number(document.body.dataset.sent || 0) + 1);
    view.remove();
  });
  document.body.append(view);
}

window.standIn = { open, openUnknown, openThread, forget, cancelScheduled, composes, forgetful: false };
