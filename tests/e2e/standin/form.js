/** What a compose window is made of: the same in a window of its own and within a thread. */
import { address } from "./account.js";
import { element, escaped } from "./dom.js";
import { recipientRows } from "./recipients.js";

const TYPE_IMAGES = { new: "mK", reply: "mK", "reply-all": "mL", forward: "mI" };
let count = 0;
const newId = () => `:c${++count}`;

function hiddenFields({ draft, target }) {
  const replied = target ? `<input type="hidden" name="rm" value="#${escaped(target)}">` : "";
  return `<input type="hidden" name="composeid" value="c${Date.now()}${newId()}">
    <input type="hidden" name="draft" value="#msg-a:${escaped(draft)}">${replied}
    <input type="hidden" name="from" value="${escaped(address)}">`;
}

function responseType(kind) {
  const reply = kind === "new" ? "" : " Un";
  const popped = kind === "reply" || kind === "reply-all" ? " HQ" : "";
  return `<div class="J-J5-Ji"><div class="J-JN-M-I${reply}${popped}"><div class="J-JN-M-I-Jm">
    <img class="${TYPE_IMAGES[kind]}" alt=""></div></div></div>`;
}

function scheduling() {
  return `<div class="J-M" role="menu" hidden><div class="J-N yr" role="menuitem" tabindex="0"
    selector="scheduledSend">Schedule send</div></div>`;
}

function buttons(kind) {
  return `<div class="IZ">
    <div class="Up"><div class="dC"><div role="button" tabindex="1" class="send">Send</div>
      <div role="button" tabindex="1" class="hG" aria-haspopup="true" aria-label="More send options">▾</div></div>
      ${scheduling()}</div>
    <div class="oc"><div class="aX" style="display: none"><span class="aA4"></span></div></div><div class="eq"></div>
    <div class="a1 aaA aMZ" role="button" tabindex="1" command="Files" aria-label="Attach files">Attach</div>
    <input type="file" name="Filedata" multiple hidden>
    <div class="gU"><div class="oh" role="button" tabindex="1" aria-label="Discard draft">Discard</div></div>
    ${responseType(kind)}
    <div role="button" hidden><span class="dv"></span></div>
  </div>`;
}

function writing(kind) {
  const trimmed = '<div class="ajR" role="button" tabindex="0" aria-label="Show trimmed content" hidden>…</div>';
  return `<div class="aoP"><form class="bAs"></form>
    <table class="iN"><tbody><tr><td><div class="GP" id="${newId()}" style="max-height: 500px"><div class="qz"><div class="Ap">
      <div class="Am" id="${newId()}" g_editable="true" contenteditable="true" role="textbox" aria-label="Message Body"></div>
    </div>${trimmed}<div class="files"></div></div></div></td></tr>
    <tr class="aDg"><td class="aDj"><div class="aDh">${buttons(kind)}</div></td></tr></tbody></table></div>`;
}

/** A window of its own, to be put among the others in one piece. */
export function dialog(state) {
  return element(`<div class="nn"><div class="AD"><div><div role="dialog" class="dialog">
    <div class="nH Hy aXJ"><table class="cf Ht"><tbody><tr><td><div class="Hp"><h2 class="a3E">
      <div class="aYF title"></div></h2></div></td>
      <td class="Hm"><img class="minimise" alt="" title="Minimise"><img class="full" alt="" title="Full screen"
        ><img class="close" alt="" title="Save &amp; close"></td></tr></tbody></table></div>
    <div class="window"><div><div jsaction="x"><div role="region"><table><tbody><tr><td><form class="top">
      ${hiddenFields(state)}
      <div><table class="GS"><tbody><tr class="bzf"><td class="eV"><div><div>${recipientRows(false)}</div></div></td>
      </tr></tbody></table></div>
      <div class="subject"><input name="subjectbox" aria-label="Subject" placeholder="Subject"></div>
    </form></td></tr></tbody></table></div></div></div>
    <div class="aaZ">${writing(state.kind)}</div></div>
  </div></div></div></div>`);
}

/** A reply within the thread. */
export function inlineForm(state) {
  return element(`<div class="M9">
    <div role="menu" class="J-M"><div class="SK"><div role="menuitem" tabindex="0" class="pop-out">Pop out</div></div></div>
    <div role="region"><table><tbody><tr><td><form class="top">${hiddenFields(state)}
      <div><table role="presentation"><tbody><tr><td class="Iy"><div class="fX"><table class="GS"><tbody><tr class="bzf">
        <td class="eV"><div><div>${recipientRows(true)}</div></div></td></tr></tbody></table></div></td></tr></tbody></table></div>
      <input type="hidden" name="subjectbox">
    </form></td></tr></tbody></table></div>
    ${writing(state.kind)}
  </div>`);
}
