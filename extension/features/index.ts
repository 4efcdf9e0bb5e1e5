import "./compose-bar";
import "./contact-badges";
import "./own-views";
import "./send";
import "./schedule";
import "./sent-status";
import "./undo";

export { registered } from "./feature";
