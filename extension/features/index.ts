import "./compose-bar";
import "./contact-badges";
import "./own-views";
import "./quoted-pixels";
import "./send";
import "./sent-status";
import "./undo";

export { registered } from "./feature";
