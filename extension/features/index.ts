import "./compose-bar";
import "./contact-badges";
import "./own-views";
import "./replies";
import "./send";
import "./schedule";
import "./sent-status";
import "./undo";

export { registered } from "./feature";
