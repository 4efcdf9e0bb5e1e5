/** Work that is done one run at a time, and again after a growing pause when it was in vain. */

/** `vain`: it failed and is to be tried again. `due`: when there is something to do again (ms), if known. */
export interface Rest {
  vain: boolean;
  due: number | null;
}

const FIRST_PAUSE_MS = 1000;
const LAST_PAUSE_MS = 30_000;

export class Lane {
  #running: Promise<void> | null = null;
  #asked = false;
  #inVain = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly work: () => Promise<Rest>) {}

  /** Work now; what is asked while it works is worked for as well. Never rejects. */
  run(): Promise<void> {
    clearTimeout(this.#timer);
    this.#asked = true;
    this.#running ??= this.#rounds();
    return this.#running;
  }

  async #rounds(): Promise<void> {
    let rest: Rest = { vain: false, due: null };
    while (this.#asked) {
      this.#asked = false;
      rest = await this.work().catch(() => ({ vain: true, due: null }));
    }
    // Nothing is awaited since the last look at #asked: whoever asks from here on begins a new run.
    this.#running = null;
    this.#inVain = rest.vain ? this.#inVain + 1 : 0;
    const pause = rest.vain ? this.#pause() : rest.due === null ? null : rest.due - Date.now();
    if (pause !== null) this.#timer = setTimeout(() => void this.run(), Math.max(0, pause));
  }

  #pause(): number {
    const pause = Math.min(FIRST_PAUSE_MS * 2 ** (this.#inVain - 1), LAST_PAUSE_MS);
    return pause * (0.75 + Math.random() / 2);
  }
}
