// A page that has of Gmail what InboxSDK's public source looks for, and sends as Gmail is seen to send.
// It knows nothing of Kaifu.
(() => {
  const $ = (html) => {
    const template = document.createElement("template");
    template.innerHTML = html.trim();
    return template.content.firstElementChild;
  };
  let count = 0;
  const newId = () => `r-${Date.now()}${++count}`;

  function chip(address, name) {
    const option = $('<div role="option" tabindex="0"><span class="text"></span><span class="afX">×</span></div>');
    option.dataset.name = name || address;
    option.dataset.hovercardId = address;
    option.querySelector(".text").textContent = name || address;
    option.querySelector(".afX").setAttribute("aria-label", `Remove ${address}`);
    option.querySelector(".afX").addEventListener("click", () => option.parentElement.remove());
    const holder = document.createElement("div");
    holder.append(option);
    return holder;
  }

  function recipients(kind) {
    return `<div class="anm" name="${kind}"><div><div><div><div><div role="listbox"><div class="chips"></div>
      <input role="combobox" aria-autocomplete="list" aria-label="${kind}"></div></div></div></div></div></div>`;
  }

  function windowOf(draft, account) {
    return $(`<div class="nn"><div class="AD"><div><div><div role="dialog" class="dialog">
      <div><div class="Hp"><span class="title">New Message</span><span class="Hm"><img alt=""><img alt=""><img alt="" class="close"></span></div>
      <div><div jsaction="x"><div role="region"><table><tbody><tr><td><form class="top">
        <input type="hidden" name="composeid" value="${newId()}"><input type="hidden" name="draft" value="#msg-a:${draft}">
        <input type="hidden" name="from" value="${account}">
        <div><table class="GS"><tbody><tr class="bzf"><td class="eV"><div><div>
          ${recipients("to")}${recipients("cc")}${recipients("bcc")}
        </div></div></td></tr></tbody></table></div>
        <div class="subject"><input name="subjectbox" aria-label="Subject" placeholder="Subject"></div>
      </form></td></tr></tbody></table></div></div></div>
      <div class="aoP"><form class="bAs"></form>
        <table class="iN"><tbody><tr><td><div class="GP"><div class="qz"><div class="Ap">
          <div class="Am" g_editable="true" contenteditable="true" role="textbox" aria-label="Message Body"></div>
        </div></div></div></td></tr>
        <tr class="aDg"><td class="aDj"><div class="aDh"><div class="IZ">
          <div class="Up"><div class="dC"><div role="button" tabindex="1" class="send">Send</div>
            <div role="button" tabindex="1" class="hG" aria-haspopup="true" aria-label="More send options">▾</div></div></div>
          <div class="oc"><div class="aX"><span class="aA4"></span></div></div><div class="eq"></div>
          <div class="gU"><div class="oh" role="button" aria-label="Discard">🗑</div></div>
          <div class="J-J5-Ji"><div class="J-JN-M-I-Jm"><img class="mK" alt=""></div></div>
          <div selector="scheduledSend" hidden></div><div role="button" hidden><span class="dv"></span></div>
        </div></div></td></tr></tbody></table></div></div>
    </div></div></div></div></div>`);
  }

  function addresses(view, kind) {
    return [...view.querySelectorAll(`.anm[name="${kind}"] [role=option]`)].map((one) => [
      1,
      one.dataset.hovercardId,
      one.dataset.name === one.dataset.hovercardId ? null : one.dataset.name,
    ]);
  }

  function open({ draft = newId(), to = [], subject = "", body = "", account = GLOBALS[10] } = {}) {
    const view = windowOf(draft, account);
    const editable = view.querySelector("[g_editable]");
    editable.innerHTML = body || "<br>";
    view.querySelector("[name=subjectbox]").value = subject;
    for (const { address, name } of to) view.querySelector('.anm[name="to"] .chips').append(chip(address, name));
    for (const box of view.querySelectorAll("[role=combobox]")) {
      const chips = box.parentElement.querySelector(".chips");
      const take = (text) => {
        for (const address of text.split(/[,\s]+/).filter(Boolean)) chips.append(chip(address));
        box.value = "";
      };
      box.addEventListener("keydown", (event) => {
        if (event.key !== "Enter" && event.key !== ",") return;
        event.preventDefault();
        take(box.value);
      });
      box.addEventListener("paste", (event) => {
        event.preventDefault();
        take(event.clipboardData.getData("text/plain"));
      });
    }
    const close = () => view.remove();
    view.querySelector(".close").addEventListener("click", close);
    view.querySelector(".send").addEventListener("click", () => send(view, draft, close));
    view.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) send(view, draft, close);
    });
    document.querySelector(".no").append(view);
    editable.focus();
    return draft;
  }

  function send(view, draft, close) {
    const message = new Array(56).fill(null);
    message[0] = `msg-a:${draft}`;
    message[1] = [1, GLOBALS[10], null];
    for (const [at, kind] of [[2, "to"], [3, "cc"], [4, "bcc"]]) message[at] = addresses(view, kind);
    message[7] = view.querySelector("[name=subjectbox]").value;
    message[8] = [null, [[0, view.querySelector("[g_editable]").innerHTML]]];
    message[10] = ["^pfg", "^f_bt", "^f_btns", "^f_cl", "^a"];
    const inner = new Array(14).fill(null);
    inner[13] = [message];
    const request = new XMLHttpRequest();
    request.open("POST", "/sync/u/0/i/s?hl=en&c=0");
    request.setRequestHeader("Content-Type", "application/json");
    request.onload = () => {
      document.querySelector(".b8 .vh").textContent = request.status === 200 ? "Message sent. Undo" : "Oops";
      if (request.status !== 200) view.hidden = false;
      else document.body.dataset.sent = String(Number(document.body.dataset.sent || 0) + 1);
    };
    request.send(JSON.stringify([null, [[[10, [`thread-a:${draft}`, inner]]]]]));
    close();
  }

  document.querySelector("#compose").addEventListener("click", () => open());
  /** A compose window as no release of Gmail is known to have it. */
  function openUnknown() {
    const view = $(`<div class="unknown-window"><input aria-label="Recipients"><input aria-label="Subject">
      <div class="body" contenteditable="true" role="textbox" aria-label="Body"></div><button>Send</button></div>`);
    view.querySelector("button").addEventListener("click", () => {
      document.body.dataset.sent = String(Number(document.body.dataset.sent || 0) + 1);
      view.remove();
    });
    document.body.append(view);
  }

  window.standIn = { open, openUnknown };
})();
