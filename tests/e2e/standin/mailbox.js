/** What stands in the middle of the page: a list of mails or a thread, as the address says. */
import { room } from "./account.js";
import { element } from "./dom.js";
import { Thread } from "./thread.js";

const place = document.querySelector(".aeF > .nH");
/** Threads that were opened stay in the page, hidden, as Gmail keeps them. */
const threads = new Map();
let main = null;
let asked = 0;

async function mails() {
  const answer = await fetch(room("sync", "/i/list"));
  return answer.ok ? answer.json() : [];
}

function list(folder, all) {
  const view = element('<div class="nH"><table class="F cf zt"><tbody></tbody></table></div>');
  for (const mail of all.filter((one) => one.sent === (folder === "sent")).reverse()) {
    const row = element('<tr class="zA yO" tabindex="0"><td class="yX"></td><td class="xY"><span class="bog"></span></td></tr>');
    row.querySelector(".yX").textContent = mail.sent ? `To: ${mail.to.join(", ")}` : mail.from.name || mail.from.address;
    row.querySelector(".bog").textContent = mail.subject;
    row.addEventListener("click", () => {
      location.hash = `#${folder}/${mail.thread}`;
    });
    view.querySelector("tbody").append(row);
  }
  return view;
}

function thread(id, all) {
  const its = all.filter((one) => one.thread === id);
  if (its.length === 0) return null;
  const known = threads.get(id);
  if (known) known.update(its);
  else threads.set(id, new Thread(its));
  return threads.get(id);
}

async function show() {
  const [folder, id] = (location.hash.slice(1) || "inbox").split("/");
  const turn = ++asked;
  const all = await mails();
  if (turn !== asked) return;
  const next = (id && thread(id, all)?.element) || list(folder, all);
  if (next === main) return;
  if (main?.querySelector(".a98")) {
    main.style.display = "none";
    main.removeAttribute("role");
  } else main?.remove();
  main = next;
  main.setAttribute("role", "main");
  main.style.display = "";
  if (!main.isConnected) place.append(main);
}

/** The thread that is open, or null. */
export function openThread() {
  return threads.get(location.hash.split("/")[1]) ?? null;
}

/** Threads are forgotten, to be made anew. */
export function forget() {
  for (const { element: one } of threads.values()) if (one !== main) one.remove();
  threads.clear();
}

addEventListener("hashchange", show);
document.addEventListener("mailboxchanged", show);
void show();
