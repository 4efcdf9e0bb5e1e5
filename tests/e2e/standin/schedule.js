/** Schedule send: a menu beside Send, a dialog to choose the moment, and its Undo. */
import { element, onPress } from "./dom.js";
import { hasRecipient, takeBack } from "./sending.js";
import { postMail, SCHEDULE } from "./sync.js";
import { toast } from "./toast.js";

/** What is scheduled and can be taken back in this page, by draft. */
const waiting = new Map();

export function offerScheduling(compose) {
  const menu = compose.root.querySelector(".Up [role=menu]");
  onPress(compose.root.querySelector(".hG"), () => {
    menu.hidden = !menu.hidden;
  });
  onPress(menu.querySelector("[selector=scheduledSend]"), () => {
    menu.hidden = true;
    if (hasRecipient(compose)) choose(compose);
  });
}

function choose(compose) {
  const days = [1, 2].map((ahead) => {
    const day = new Date();
    day.setDate(day.getDate() + ahead);
    day.setHours(8, 0, 0, 0);
    return day;
  });
  const box = element(`<div class="Kj-JD schedule" role="dialog" aria-label="Schedule send"><h2>Schedule send</h2>
    ${days.map((day) => `<div role="button" tabindex="0" class="Az">${day.toLocaleString()}</div>`).join("")}
    <label>Pick date &amp; time <input type="datetime-local"></label>
    <button class="J-at1-auR">Schedule send</button> <button name="cancel">Cancel</button></div>`);
  const pick = (at) => {
    box.remove();
    schedule(compose, at);
  };
  [...box.querySelectorAll(".Az")].forEach((row, index) => onPress(row, () => pick(days[index])));
  box.querySelector(".J-at1-auR").addEventListener("click", () => {
    const { value } = box.querySelector("input");
    if (value) pick(new Date(value));
  });
  box.querySelector("[name=cancel]").addEventListener("click", () => box.remove());
  document.body.append(box);
}

function schedule(compose, at) {
  const state = compose.state();
  const posted = postMail(compose, SCHEDULE, at.getTime());
  compose.close();
  posted.then(() => {
    waiting.set(state.draft, state);
    const words = `Send scheduled for ${at.toLocaleString()}`;
    toast(words, { link_undo: ["Undo", () => cancelScheduled(state.draft)] });
  });
}

/** As when the rep opens Scheduled and presses Cancel send. */
export function cancelScheduled(draft) {
  const state = waiting.get(draft);
  waiting.delete(draft);
  return takeBack(state);
}
