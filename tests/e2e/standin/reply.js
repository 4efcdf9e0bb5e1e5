/** Reply, reply all and forward, with the mail quoted as it was received. */
import { address } from "./account.js";
import { sanitised } from "./body.js";
import { open } from "./compose.js";
import { escaped } from "./dom.js";

const contact = (one) => ({ address: one, name: null });
const quoteStyle = "margin:0px 0px 0px 0.8ex;border-left:1px solid rgb(204,204,204);padding-left:1ex";

function replyQuote(mail) {
  const from = escaped(mail.from.address);
  return `<br><div class="gmail_quote gmail_quote_container"><div dir="ltr" class="gmail_attr">On ${new Date(mail.at).toDateString()}
    ${escaped(mail.from.name)} &lt;<a href="mailto:${from}">${from}</a>&gt; wrote:<br></div>
    <blockquote class="gmail_quote" style="${quoteStyle}">${sanitised(mail.html)}</blockquote></div>`;
}

function forwardQuote(mail) {
  return `<br><br><div class="gmail_quote gmail_quote_container"><div dir="ltr" class="gmail_attr">---------- Forwarded message ---------<br>
    From: <strong class="gmail_sendername" dir="auto">${escaped(mail.from.name)}</strong> &lt;${escaped(mail.from.address)}&gt;<br>
    Subject: ${escaped(mail.subject)}<br>To: ${escaped(mail.to.join(", "))}<br></div><br><br>${sanitised(mail.html)}</div>`;
}

function prefixed(prefix, subject) {
  return subject.toLowerCase().startsWith(prefix.toLowerCase()) ? subject : `${prefix} ${subject}`;
}

/** Who gets it: the sender; of own mail, the one it went to. */
function recipients(kind, mail) {
  if (kind === "forward") return { to: [] };
  const to = mail.sent ? mail.to.map(contact) : [{ address: mail.from.address, name: mail.from.name || null }];
  if (kind === "reply") return { to: to.slice(0, 1) };
  const others = (mail.sent ? [] : mail.to).filter((one) => one !== address);
  return { to: [...to, ...others.map(contact)], cc: mail.cc.filter((one) => one !== address).map(contact) };
}

/** Opens within the thread, at `place`. A forwarded mail is quoted in sight and keeps its files. */
export function answer(kind, mail, place) {
  const forward = kind === "forward";
  return open({
    kind,
    place,
    target: mail.id,
    thread: `thread-f:${BigInt(`0x${mail.thread}`)}`,
    subject: prefixed(forward ? "Fwd:" : "Re:", mail.subject),
    body: forward ? forwardQuote(mail) : "<br>",
    quote: forward ? "" : replyQuote(mail),
    files: forward ? mail.files : [],
    ...recipients(kind, mail),
  });
}
