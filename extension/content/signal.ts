/** Something that happens again and again, and who wants to hear of it. */
export class Signal {
  readonly #listeners = new Set<() => void>();

  /** Returns how to stop listening. */
  on(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  emit(): void {
    for (const listener of [...this.#listeners]) listener();
  }
}

/** Calls at once, then at most once in each span; the last of several calls is never lost. */
export function atMostEvery(ms: number, work: () => void): () => void {
  let waiting = false;
  let again = false;
  const run = () => {
    if (waiting) {
      again = true;
      return;
    }
    waiting = true;
    work();
    setTimeout(() => {
      waiting = false;
      if (!again) return;
      again = false;
      run();
    }, ms);
  };
  return run;
}
