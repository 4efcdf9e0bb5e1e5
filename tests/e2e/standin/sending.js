/** Send, Undo, and what happens when the server does not take the mail. */
import { open } from "./compose.js";
import { recipientsOf } from "./recipients.js";
import { post, postMail, SEND } from "./sync.js";
import { refuse, toast } from "./toast.js";

export function hasRecipient(compose) {
  const some = Object.values(recipientsOf(compose.root)).some((line) => line.length > 0);
  if (!some) refuse("Please specify at least one recipient.");
  return some;
}

/** The window is gone at once; it comes back when the mail was not taken. */
export function send(compose) {
  if (!hasRecipient(compose)) return;
  const state = { ...compose.state(), place: compose.place };
  const posted = postMail(compose, SEND);
  compose.close();
  posted.then(
    () => sent(state),
    () => {
      open(state);
      toast("Oops… there was a problem sending your message.");
    },
  );
}

function sent(state) {
  const { dataset } = document.body;
  dataset.sent = String(Number(dataset.sent ?? 0) + 1);
  toast("Message sent", { link_undo: ["Undo", () => takeBack(state)], link_vsm: ["View message", () => undefined] });
  document.dispatchEvent(new Event("mailboxchanged"));
}

/** The draft opens again with the body that the server has of it. */
export async function takeBack(state) {
  toast("Undoing…");
  const { html } = await post(`/i/undo?${new URLSearchParams({ id: `msg-a:${state.draft}` })}`, "{}");
  open({ ...state, place: null, quote: "", body: html });
  toast("Sending undone.");
  document.dispatchEvent(new Event("mailboxchanged"));
}
