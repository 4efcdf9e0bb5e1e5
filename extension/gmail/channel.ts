/**
 * Events between the script in Gmail's own world and the content script, under a name that no script of the
 * page knows: the two agree on it at document_start, before any of those runs.
 */
import * as v from "valibot";

const OFFER = "kaifu:channel";
const REQUEST = "kaifu:channel?";

// As the browser made them: a page may put others in their place.
const { CustomEvent } = globalThis;
const { stringify, parse } = JSON;
const dispatch = document.dispatchEvent.bind(document);
const listen = document.addEventListener.bind(document);
const forget = document.removeEventListener.bind(document);

export class Channel {
  constructor(private readonly name: string) {}

  /** Objects don't cross between the two worlds; text does. */
  say(kind: string, content: object): void {
    dispatch(new CustomEvent(this.name + kind, { detail: stringify(content) }));
  }

  /** Calls back with what is of this shape. Returns how to stop. */
  hear<S extends v.GenericSchema>(
    kind: string,
    shape: S,
    listener: (said: v.InferOutput<S>) => void,
  ): () => void {
    const take = (event: Event) => {
      const said = read(shape, event);
      if (said !== null) listener(said);
    };
    listen(this.name + kind, take);
    return () => forget(this.name + kind, take);
  }
}

/** The page's side; once, whichever of the two comes first. */
export function offered(): Channel {
  const name = `kaifu:${crypto.randomUUID()}:`;
  const offer = () => dispatch(new CustomEvent(OFFER, { detail: name }));
  listen(REQUEST, offer, { once: true });
  offer();
  return new Channel(name);
}

/** The content script's side: calls back with the channel, at once or as soon as the page's side is there. */
export function requested(found: (channel: Channel) => void): void {
  listen(OFFER, (event) => found(new Channel(String((event as CustomEvent).detail))), { once: true });
  dispatch(new CustomEvent(REQUEST));
}

function read<S extends v.GenericSchema>(shape: S, event: Event): v.InferOutput<S> | null {
  try {
    const checked = v.safeParse(shape, parse(String((event as CustomEvent).detail)));
    return checked.success ? checked.output : null;
  } catch {
    return null;
  }
}
