/** The Track and Log boxes of every compose window, with the reason when one is greyed (T1, L1). */
import { button, checkbox, make } from "../content/elements";
import type { BoxState, GreyReason } from "../core/start-values";
import { askFromGmail } from "../messages/ask";
import type { TextKey } from "../text/table";
import { register } from "./feature";
import { neverMenu } from "./never-menu";
import { recordsMenu } from "./records-menu";

const REASONS: Record<GreyReason, TextKey> = {
  signed_out: "signedOut",
  never_track: "neverTrack",
  never_log: "neverLog",
  cut_off: "cutOffShort",
  not_allowed: "notAllowedByAccount",
  account_tracking_off: "accountTrackingOff",
  account_logging_off: "accountLoggingOff",
  no_legal_basis: "noLegalBasis",
  recipients_never_logged: "recipientsNeverLogged",
};

register({
  name: "compose-bar",
  essential: true,
  compose(compose, state, context) {
    const track = checkbox("kaifu-box kaifu-track", "", (on) => state.choose({ track: on }));
    const log = checkbox("kaifu-box kaifu-log", "", (on) => state.choose({ log: on }));
    const records = recordsMenu(state, context);
    const never = neverMenu(state, context);
    const reason = make("span", "kaifu-reason");
    reason.setAttribute("role", "status");
    const signIn = button("kaifu-link", "", () => void askFromGmail({ type: "open-options" }));
    const mark = make("span", "kaifu-mark");
    mark.setAttribute("aria-hidden", "true");
    const bar = make("div", "kaifu-bar", mark, track.label, log.label, records.element);
    bar.append(never.element, reason, signIn);
    bar.setAttribute("role", "group");
    bar.setAttribute("aria-label", "Kaifu");

    const show = () => {
      const { say, greeting } = context;
      const states = state.boxes;
      bar.lang = greeting.language;
      track.text.textContent = say("track");
      log.text.textContent = say("log");
      apply(track, states.track);
      apply(log, states.log);
      const reasons = [...new Set([states.track.reason, states.log.reason])].filter((one) => one !== null);
      reason.textContent = reasons.map((one) => say(REASONS[one])).join(" · ");
      reason.title = reason.textContent;
      signIn.textContent = say("signIn");
      signIn.hidden = greeting.signedIn || context.cutOff;
      records.show(states.log.checked);
      never.show();
    };
    state.onChanged(show);
    show();
    compose.addBar(bar);
  },
});

function apply(box: { label: HTMLElement; input: HTMLInputElement }, state: BoxState): void {
  box.input.checked = state.checked;
  box.input.disabled = !state.enabled;
  box.label.classList.toggle("kaifu-greyed", !state.enabled);
}
