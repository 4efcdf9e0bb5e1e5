/** Runs beside Gmail's page at document_start, for nothing but to agree on the channel before the page runs. */
import { type Channel, requested } from "./channel";

declare global {
  /** Of the content scripts' own world, which no page can see. */
  var kaifuChannel: Channel | undefined;
}

requested((channel) => {
  globalThis.kaifuChannel = channel;
});
