/**
 * Undo: a draft that opens again right after it was sent, or before its time came, was taken back. It then
 * stands as it went out: its links lead where they led before, so that the next Send asks for them anew.
 */
import { askFromGmail } from "../messages/ask";
import { register } from "./feature";

register({
  name: "undo",
  async compose(compose, _, context) {
    const draft = compose.draftId();
    if (draft === "") return;
    const answer = await askFromGmail({ type: "undone", account: context.account, draft });
    if (!answer.ok || answer.value.length === 0) return;
    const original = new Map(answer.value.map((one) => [one.tracked_url, one.url]));
    compose.changeLinks((href) => original.get(href) ?? null);
  },
});
