/** Typed places in chrome.storage; what is found there is checked like anything from outside. */
import * as v from "valibot";

export interface Area {
  get(key: string): Promise<Record<string, unknown>>;
  set(items: Record<string, unknown>): Promise<void>;
  remove(key: string): Promise<void>;
}

export class Stored<S extends v.GenericSchema> {
  #chain: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly area: Area,
    private readonly key: string,
    private readonly shape: S,
    private readonly empty: v.InferOutput<S>,
  ) {}

  async read(): Promise<v.InferOutput<S>> {
    const found = (await this.area.get(this.key))[this.key];
    const read = v.safeParse(this.shape, found);
    return read.success ? read.output : this.empty;
  }

  async write(value: v.InferOutput<S>): Promise<void> {
    await this.area.set({ [this.key]: value });
  }

  /** Read, change and write with no other change in between. */
  change(change: (value: v.InferOutput<S>) => v.InferOutput<S>): Promise<void> {
    const done = this.#chain.then(async () => this.write(change(await this.read())));
    this.#chain = done.catch(() => undefined);
    return done;
  }
}
