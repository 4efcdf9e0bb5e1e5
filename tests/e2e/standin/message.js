/** One message of a thread: collapsed to a line, or expanded with its body. */
import { shownBody } from "./body.js";
import { element, escaped } from "./dom.js";

function ids(mail) {
  return `data-message-id="#${escaped(mail.id)}" data-legacy-message-id="${mail.hex}"`;
}

function sender(mail) {
  const { address, name } = mail.from;
  return `<span class="gD" email="${escaped(address)}" name="${escaped(name || address)}">${escaped(name || address)}</span>`;
}

function line(mail) {
  return element(`<div class="adf ads" ${ids(mail)}><table class="cf gJ"><tbody><tr><td class="gF gK"><span class="qu">${sender(mail)}</span>
    </td><td class="gH"><span class="g3">${new Date(mail.at).toLocaleString()}</span></td></tr></tbody></table></div>`);
}

function recipients(mail) {
  return [...mail.to, ...mail.cc]
    .map((one) => `<span class="g2" email="${escaped(one)}" name="${escaped(one)}">${escaped(one)}</span>`)
    .join(", ");
}

function whole(mail) {
  const date = new Date(mail.at).toLocaleString();
  const made = element(`<div class="adn ads" ${ids(mail)}><div class="gs">
    <div class="gE iv gt"><table class="cf gJ"><tbody>
      <tr class="acZ"><td class="gF gK"><h3 class="iw"><span class="qu">${sender(mail)}</span></h3></td>
        <td class="gH bAk"><div class="gK"><span class="g3" title="${date}">${date}</span><span></span></div></td>
        <td><div class="T-I J-J5-Ji aap L3" role="button" aria-haspopup="true" aria-expanded="false"></div></td></tr>
      <tr class="acZ xD"><td><div class="iw ajw"><span class="hb">to ${recipients(mail)}</span></div></td></tr>
    </tbody></table></div>
    <div class="ii gt"></div>${mail.files.length > 0 ? '<div class="hq gt"><div class="aQH"></div></div>' : ""}<div class="hi"></div>
  </div><div class="ip"></div></div>`);
  made.querySelector(".ii").append(shownBody(mail));
  for (const file of mail.files) {
    const card = element('<span class="aZo"><span class="aV3"></span></span>');
    card.querySelector(".aV3").textContent = file.name;
    made.querySelector(".aQH").append(card);
  }
  return made;
}

export class Message {
  constructor(mail, { expanded }) {
    this.mail = mail;
    this.element = element('<div role="listitem" class="kv"></div>');
    this.element.append(line(mail));
    this.element.querySelector(".adf").addEventListener("click", () => this.expand());
    if (expanded) this.expand();
  }

  /** The place of a reply within the thread. */
  get replyPlace() {
    return this.element.querySelector(".ip");
  }

  /** `window.standIn.forgetful`: the body is made anew each time. */
  expand() {
    if (window.standIn?.forgetful) this.element.querySelector(".adn")?.remove();
    let body = this.element.querySelector(".adn");
    if (!body) {
      body = whole(this.mail);
      body.querySelector(".gE").addEventListener("click", () => this.collapse());
      this.element.append(body);
    }
    body.hidden = false;
    this.element.querySelector(".adf").hidden = true;
    this.element.classList.replace("kv", "h7");
  }

  collapse() {
    this.element.querySelector(".adn").hidden = true;
    this.element.querySelector(".adf").hidden = false;
    this.element.classList.replace("h7", "kv");
  }
}
