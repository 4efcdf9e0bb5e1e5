/** As much of Chrome's storage as the worker's modules ask for when they are loaded. */
import "fake-indexeddb/auto";
import type { Area } from "../../server/stored";

class FakeArea implements Area {
  kept = new Map<string, string>();
  full = false;
  get = async (key: string): Promise<Record<string, unknown>> => {
    const text = this.kept.get(key);
    return text === undefined ? {} : { [key]: JSON.parse(text) };
  };
  set = async (items: Record<string, unknown>): Promise<void> => {
    if (this.full) throw new Error("QUOTA_BYTES quota exceeded");
    for (const [key, value] of Object.entries(items)) this.kept.set(key, JSON.stringify(value));
  };
  remove = async (key: string): Promise<void> => {
    this.kept.delete(key);
  };
}

export const local = new FakeArea();
export const session = new FakeArea();
Object.assign(globalThis, { chrome: { storage: { local, session } } });
