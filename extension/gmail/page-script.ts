/**
 * Runs in Gmail's own world, before Gmail: lets Kaifu put a pixel and links into a mail that is scheduled,
 * for which InboxSDK has nothing. Every other request passes untouched and at once.
 */
import { offered } from "./channel";
import { BODY, Body, SCHEDULED, SCHEDULING, TAKEN, Taken } from "./schedule-events";
import { mayBeScheduled, scheduledMails, withHtml } from "./scheduled-request";

/** A little longer than a mail waits for the server. */
const BODY_WITHIN_MS = 2000;

const channel = offered();
const opened = new WeakMap<XMLHttpRequest, { url: string; held: boolean }>();
const { open, send, abort } = XMLHttpRequest.prototype;

XMLHttpRequest.prototype.open = function (this: XMLHttpRequest, ...given: unknown[]) {
  const [, url, async] = given;
  opened.set(this, { url: String(url), held: false });
  if (async === false) opened.delete(this); // such a request can't be held
  return Reflect.apply(open, this, given);
};

XMLHttpRequest.prototype.send = function (this: XMLHttpRequest, body) {
  const request = opened.get(this);
  if (!request || !mayBeScheduled(request.url, body)) return send.call(this, body);
  request.held = true;
  // Whatever goes wrong here, the mail goes out.
  const outgoing = changed(this, body).catch(() => body);
  void outgoing.then((with_) => {
    if (opened.get(this) === request && request.held) send.call(this, with_);
    request.held = false;
  });
};

XMLHttpRequest.prototype.abort = function (this: XMLHttpRequest) {
  const request = opened.get(this);
  if (request) request.held = false;
  return abort.call(this);
};

async function changed(request: XMLHttpRequest, body: string): Promise<string> {
  let with_ = body;
  for (const mail of scheduledMails(body, Date.now())) {
    const id = crypto.randomUUID();
    const html = await askedFor(id, mail);
    if (html === null) continue;
    with_ = withHtml(with_, mail.draft, html);
    request.addEventListener("loadend", () => channel.say(SCHEDULED, { id, ok: request.status === 200 }));
  }
  return with_;
}

/** Null at once when nobody takes it, or when who took it is silent for too long. */
function askedFor(id: string, mail: object): Promise<string | null> {
  return new Promise((resolve) => {
    let taken = false;
    const end = (html: string | null) => {
      for (const forget of heard) forget();
      clearTimeout(timer);
      resolve(html);
    };
    const heard = [
      channel.hear(BODY, Body, (body) => body.id === id && end(body.html)),
      channel.hear(TAKEN, Taken, (by) => {
        taken ||= by.id === id;
      }),
    ];
    const timer = setTimeout(end, BODY_WITHIN_MS, null);
    channel.say(SCHEDULING, { id, mail });
    if (!taken) end(null);
  });
}
