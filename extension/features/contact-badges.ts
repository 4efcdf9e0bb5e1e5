/** A badge on addresses that are CRM contacts, as they are typed (L3). */
import { register } from "./feature";

register({
  name: "contact-badges",
  compose(compose, state, context) {
    state.onChanged(() => compose.badge(state.knownAddresses, context.say("knownContact")));
  },
});
