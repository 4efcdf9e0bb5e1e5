/**
 * A feature is one file that registers itself here. It may look after compose windows, after messages on
 * screen, or after the page as a whole.
 */
import type { ComposeState } from "../content/compose-state";
import type { Context } from "../content/context";
import type { Compose, ShownMessage } from "../gmail/page";

export interface Feature {
  name: string;
  /** Without it a compose window counts as not understood. */
  essential?: boolean;
  compose?(compose: Compose, state: ComposeState, context: Context): void;
  page?(context: Context): void;
  message?(message: ShownMessage, context: Context): void;
}

const features: Feature[] = [];

export function register(feature: Feature): void {
  features.push(feature);
}

export function registered(): readonly Feature[] {
  return features;
}
