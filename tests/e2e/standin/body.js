/** Bodies of mails: as Gmail shows them, as they are quoted, and as they stand in a compose window. */
import { element } from "./dom.js";

const PROXY = "https://ci3.googleusercontent.com/meips/ADKq_Na-standin=s0-d-e1-ft";
const GONE = "script,iframe,object,embed,form,input,button,textarea,select,link,meta,base,title,svg,math,template";
const KEPT_CLASSES = /^gmail_/;
let shown = 0;

/** What Gmail leaves of a mail's HTML. Images keep their own address. */
export function sanitised(html) {
  const page = new DOMParser().parseFromString(html, "text/html");
  for (const one of page.querySelectorAll(`${GONE},style`)) one.remove();
  const prefix = `m_-${++shown}`;
  for (const one of page.body.querySelectorAll("*")) for (const { name } of [...one.attributes]) clean(one, name, prefix);
  return page.body.innerHTML;
}

function clean(one, name, prefix) {
  const value = one.getAttribute(name);
  if (name.startsWith("on") || name.startsWith("data-") || ["contenteditable", "name", "role", "g_editable"].includes(name))
    one.removeAttribute(name);
  else if (name === "id") one.id = prefix + value;
  else if (name === "class")
    one.className = value
      .split(/\s+/)
      .filter(Boolean)
      .map((word) => (KEPT_CLASSES.test(word) ? word : prefix + word))
      .join(" ");
  else if (name === "href" && !/^(https?|mailto|tel):/i.test(value.trim())) one.removeAttribute(name);
}

/** Images are fetched by Gmail's proxy: the original address stands behind `#`. */
export function proxied(root) {
  for (const image of root.querySelectorAll("img[src]")) {
    const src = image.getAttribute("src");
    if (/^https?:/i.test(src) && !src.startsWith(PROXY)) image.setAttribute("src", `${PROXY}#${src}`);
  }
  return root;
}

function original(root) {
  for (const image of root.querySelectorAll(`img[src^="${PROXY}#"]`))
    image.setAttribute("src", image.getAttribute("src").slice(PROXY.length + 1));
  return root;
}

/** A mail's body in the thread. `raw`: everything in it, scripts included, is let loose. */
export function shownBody({ html, raw }) {
  const body = element('<div class="a3s aiL"></div>');
  const inert = document.createElement("template");
  inert.innerHTML = raw ? html : sanitised(html);
  if (!raw) proxied(inert.content);
  body.append(inert.content);
  if (raw) for (const script of body.querySelectorAll("script")) script.replaceWith(running(script));
  return body;
}

function running(script) {
  const copy = document.createElement("script");
  copy.textContent = script.textContent;
  return copy;
}

/** Put the body into the window; the quote waits behind a button, as in Gmail. */
export function bodyInto(compose, html) {
  const inert = document.createElement("template");
  inert.innerHTML = html;
  compose.editable.append(proxied(inert.content));
  const button = compose.root.querySelector(".ajR");
  button.hidden = compose.quote === "";
  button.addEventListener("click", () => {
    const quote = document.createElement("template");
    quote.innerHTML = compose.quote;
    compose.quote = "";
    button.hidden = true;
    compose.editable.append(proxied(quote.content));
  });
}

/** The body as it is sent: with what is trimmed in the window, and images at their own addresses. */
export function bodyOf(compose) {
  return original(compose.editable.cloneNode(true)).innerHTML + compose.quote;
}
