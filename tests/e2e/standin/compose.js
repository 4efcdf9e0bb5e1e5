/** Compose windows: each is opened from a state and can say its state again, to be opened elsewhere. */
import { bodyInto } from "./body.js";
import { element, onPress } from "./dom.js";
import { discardDraft, Saving } from "./drafts.js";
import { acceptFiles } from "./files.js";
import { dialog, inlineForm } from "./form.js";
import { fillRecipients, recipientsOf } from "./recipients.js";
import { offerScheduling } from "./schedule.js";
import { send } from "./sending.js";
import { toast } from "./toast.js";

let count = 0;
export const newDraft = () => `r-${Date.now()}${++count}`;

/** Composes that are open, by draft. */
export const composes = new Map();

/**
 * State: `draft`, `kind` (new, reply, reply-all, forward), `thread` and `target` (ids of what is replied to),
 * `to`, `cc`, `bcc` (lists of `{address, name}`), `subject`, `body`, `quote` (HTML that is trimmed until it is
 * asked for), `files`, and `place`: where it stands within a thread, null for a window of its own.
 */
class Compose {
  constructor(state) {
    const { kind = "new", quote = "", thread = null, target = null, place = null, draft = newDraft(), files = [] } = state;
    Object.assign(this, { kind, quote, thread, target, place, draft, files: [...files] });
    this.outer = this.place ? inlineForm(this) : dialog(this);
    this.root = this.place ? this.outer : this.outer.querySelector("[role=dialog]");
    this.editable = this.root.querySelector("[g_editable]");
    bodyInto(this, state.body || "<br>");
    this.root.querySelector("[name=subjectbox]").value = state.subject ?? "";
    fillRecipients(this.root, { to: state.to, cc: state.cc, bcc: state.bcc });
    acceptFiles(this);
    this.saving = new Saving(this);
    this.#listen();
  }

  get subject() {
    return this.root.querySelector("[name=subjectbox]").value;
  }

  /** To open it again; `body` as it stands in the window. */
  state() {
    const { draft, kind, thread, target, quote, files, subject } = this;
    return { draft, kind, thread, target, quote, files, subject, body: this.editable.innerHTML, ...recipientsOf(this.root) };
  }

  #listen() {
    const on = (selector, press) => {
      const found = this.root.querySelector(selector);
      if (found) onPress(found, press);
    };
    on(".send", () => send(this));
    on(".oh", () => this.discard());
    on(".close", () => this.saveAndClose());
    on(".minimise", () => this.minimise());
    on(".full", () => this.fullScreen());
    on(".pop-out", () => this.popOut());
    this.root.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) send(this);
    });
    offerScheduling(this);
  }

  show() {
    composes.set(this.draft, this);
    if (this.place) {
      this.place.append(this.outer);
      this.place.classList.add("adB");
    } else {
      this.root.querySelector(".title").textContent = this.subject || "New Message";
      document.querySelector(".no").append(this.outer);
    }
    this.editable.focus();
    return this;
  }

  close() {
    this.saving.stop();
    if (composes.get(this.draft) === this) composes.delete(this.draft);
    this.place?.classList.remove("adB");
    this.#frame?.remove();
    this.outer.remove();
  }

  saveAndClose() {
    this.saving.now();
    this.close();
  }

  discard() {
    this.close();
    discardDraft(this.draft).catch(() => undefined);
    toast("Draft discarded");
  }

  minimise() {
    const { style } = this.root.querySelector(":scope > .window");
    style.display = style.display === "none" ? "" : "none";
  }

  /** Gmail moves the window's inner element to a place of its own, and back. */
  fullScreen() {
    const home = this.outer.querySelector(".AD");
    if (this.#frame) {
      home.append(this.#frame);
      this.#frame = null;
    } else {
      this.#frame = home.firstElementChild;
      fullScreenPlace().append(this.#frame);
    }
  }

  #frame = null;

  popOut() {
    const state = this.state();
    this.close();
    open(state);
  }
}

function fullScreenPlace() {
  const known = document.querySelector("body > .aSs > .aSt");
  if (known) return known;
  const made = element('<div class="aSs"><div class="aSt"></div></div>');
  document.body.append(made);
  return made.firstElementChild;
}

/** Opens one and returns its draft's id. */
export function open(state = {}) {
  return new Compose(state).show().draft;
}
