/** What goes to the server about a mail: only XMLHttpRequest is used for it, as Gmail does. */
import { address, room } from "./account.js";
import { bodyOf } from "./body.js";
import { namedFiles } from "./files.js";
import { recipientsOf } from "./recipients.js";

export const SEND = ["^pfg", "^f_bt", "^f_btns", "^f_cl", "^a"];
export const SCHEDULE = ["^scheduled", "^f_bt", "^f_btns", "^f_cl", "^a"];
const DRAFT = ["^r", "^r_bt", "^f_bt"];

function message(compose, labels) {
  const to = recipientsOf(compose.root);
  const line = (kind) => to[kind].map((one) => [1, one.address, one.name]);
  const fields = new Array(56).fill(null);
  fields[0] = `msg-a:${compose.draft}`;
  fields[1] = [1, address, null];
  [fields[2], fields[3], fields[4]] = [line("to"), line("cc"), line("bcc")];
  fields[6] = Date.now();
  fields[7] = compose.subject;
  fields[8] = [null, [[0, bodyOf(compose)]]];
  fields[10] = labels;
  fields[11] = compose.files.length > 0 ? namedFiles(compose.files) : null;
  return fields;
}

function envelope(compose, place) {
  return JSON.stringify([null, [[[10, [compose.thread ?? `thread-a:${compose.draft}`, place]]]]]);
}

/** Resolves with the answer; rejects when the server does not take it. */
export function post(path, body) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", room("sync", path));
    request.setRequestHeader("Content-Type", "application/json");
    request.onload = () => {
      if (request.status === 200) resolve(JSON.parse(request.responseText));
      else reject(new Error(String(request.status)));
    };
    request.onerror = () => reject(new Error("unreachable"));
    request.send(body);
  });
}

/** `sendAt`: milliseconds, of a scheduled mail. */
export function postMail(compose, labels, sendAt = null) {
  const place = new Array(14).fill(null);
  const fields = message(compose, labels);
  if (sendAt !== null) fields[16] = [null, [sendAt]];
  place[13] = [fields];
  return post("/i/s?hl=en&c=0", envelope(compose, place));
}

/** The first save of a draft stands in another place than later ones. */
export function postDraft(compose, first) {
  const place = new Array(14).fill(null);
  const fields = message(compose, DRAFT);
  if (first) place[2] = [[null, null, null, null, [fields]]];
  else place[13] = [fields];
  return post("/i/s?hl=en&c=0", envelope(compose, place));
}
