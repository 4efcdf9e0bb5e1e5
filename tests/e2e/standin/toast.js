/** The notice at the foot of the page, with what can be pressed in it. */
import { element } from "./dom.js";

const notice = document.querySelector(".b8 .vh");

export function toast(text, actions = {}) {
  const line = element('<span class="aT"><span class="bAq"></span><span class="bAo">&nbsp;&nbsp;</span></span>');
  line.querySelector(".bAq").textContent = text;
  for (const [id, [words, press]] of Object.entries(actions)) {
    const link = element('<span class="ag a8k" role="link" tabindex="0"></span>');
    link.id = id;
    link.textContent = words;
    link.addEventListener("click", press);
    line.querySelector(".bAo").append(link, " ");
  }
  notice.replaceChildren(line);
}

/** A modal notice as Gmail shows it when it will not send. */
export function refuse(text) {
  const box = element(`<div class="Kj-JD" role="alertdialog"><span></span> <button name="ok">OK</button></div>`);
  box.querySelector("span").textContent = text;
  box.querySelector("button").addEventListener("click", () => box.remove());
  document.body.append(box);
}
