/** A thread: its messages, the last of them expanded, and the buttons to answer. */
import { element } from "./dom.js";
import { Message } from "./message.js";
import { answer } from "./reply.js";

export class Thread {
  constructor(mails) {
    const [first] = mails;
    this.element = element(`<div class="nH"><div class="g id"><div class="nH a98 iY">
      <div class="nH"><div class="ha"><h2 class="hP" data-legacy-thread-id="${first.thread}"
        data-thread-perm-id="thread-f:${BigInt(`0x${first.thread}`)}"></h2><div class="J-J5-Ji"></div></div></div>
      <div class="nH aHU"><div role="list"></div></div>
      <div class="nH"><div class="amn">
        <span class="ams bkH" role="link" tabindex="0">Reply</span> <span class="ams bkI" role="link" tabindex="0">Reply all</span>
        <span class="ams bkG" role="link" tabindex="0">Forward</span></div></div>
    </div></div></div>`);
    this.element.querySelector("h2").textContent = first.subject || "(no subject)";
    this.messages = mails.map((mail) => new Message(mail, { expanded: mail === mails.at(-1) }));
    this.element.querySelector("[role=list]").append(...this.messages.map((one) => one.element));
    for (const [name, kind] of [["bkH", "reply"], ["bkI", "reply-all"], ["bkG", "forward"]])
      this.element.querySelector(`.${name}`).addEventListener("click", () => this.answer(kind));
  }

  /** The last message's, as Gmail's buttons at the foot do. */
  answer(kind) {
    const last = this.messages.at(-1);
    return answer(kind, last.mail, last.replyPlace);
  }

  /** Mails that came while it was open are added at the end, expanded. */
  update(mails) {
    const known = new Set(this.messages.map((one) => one.mail.id));
    for (const mail of mails.filter((one) => !known.has(one.id))) {
      const message = new Message(mail, { expanded: true });
      this.messages.push(message);
      this.element.querySelector("[role=list]").append(message.element);
    }
  }
}
