/** Undo: a draft that opens again right after it was sent was taken back. */
import { askFromGmail } from "../messages/ask";
import { register } from "./feature";

register({
  name: "undo",
  compose(compose, _, context) {
    const draft = compose.draftId();
    if (draft !== "") void askFromGmail({ type: "undone", account: context.account, draft });
  },
});
