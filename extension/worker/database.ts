/** What is too large for chrome.storage, or looked up too often to be read as a whole: in IndexedDB. */
import { type DBSchema, type IDBPDatabase, openDB } from "idb";
import * as v from "valibot";
import { Known } from "./known";

type Pair = [account: string, value: string];
interface Schema extends DBSchema {
  bodies: { key: string; value: { html: string; at: number }; indexes: { at: number } };
  mails: {
    key: string;
    value: Known & { at: number };
    indexes: { at: number; message: string; draft: Pair; pixel: Pair; provider: Pair; thread: Pair };
  };
}

let opened: Promise<IDBPDatabase<Schema>> | null = null;

/** Rejects while the browser can't open it; the next call tries again. */
function database(): Promise<IDBPDatabase<Schema>> {
  opened ??= openDB<Schema>("kaifu", 2, {
    upgrade(db, old, _, transaction) {
      if (old < 1) {
        db.createObjectStore("bodies").createIndex("at", "at");
        const mails = db.createObjectStore("mails", { keyPath: "key" });
        mails.createIndex("at", "at");
        mails.createIndex("message", "message_id");
        mails.createIndex("draft", ["account", "draft"]);
        mails.createIndex("pixel", ["account", "pixel"]);
        mails.createIndex("provider", ["account", "provider_message_id"]);
      }
      transaction.objectStore("mails").createIndex("thread", ["account", "provider_thread_id"]);
    },
    terminated() {
      opened = null;
    },
  }).catch((error: unknown) => {
    opened = null;
    throw error;
  });
  return opened;
}

/** A body that no job names any more was left behind by a crash. One of a mail being sent is newer. */
const LEFT_BEHIND_MS = 3_600_000;

/** Bodies that wait to be uploaded. */
export const bodies = {
  /** Rejects when there is no room. */
  async keep(key: string, html: string): Promise<void> {
    const writing = (await database()).transaction("bodies", "readwrite", { durability: "strict" });
    await Promise.all([writing.store.put({ html, at: Date.now() }, key), writing.done]);
  },
  async read(key: string): Promise<string | null> {
    return (await (await database()).get("bodies", key))?.html ?? null;
  },
  async drop(key: string): Promise<void> {
    await (await database()).delete("bodies", key);
  },
  async sweep(named: ReadonlySet<string>): Promise<void> {
    const db = await database();
    const old = IDBKeyRange.upperBound(Date.now() - LEFT_BEHIND_MS);
    for (const key of await db.getAllKeysFromIndex("bodies", "at", old))
      if (!named.has(key)) await db.delete("bodies", key);
  },
};

const MAILS_KEPT = 3000;
/** Pop-ups name three people at most; of larger rounds the server is asked. */
const NAMES_KEPT = 20;

/** The newest mails of this browser. */
export const mails = {
  async keep(mail: Known): Promise<void> {
    const recipients = mail.recipients.length > NAMES_KEPT ? [] : mail.recipients;
    const writing = (await database()).transaction("mails", "readwrite");
    const at = (await writing.store.get(mail.key))?.at ?? Date.now();
    await writing.store.put({ ...mail, recipients, at });
    const excess = (await writing.store.count()) - MAILS_KEPT;
    if (excess > 0)
      for (const key of await writing.store.index("at").getAllKeys(null, excess))
        await writing.store.delete(key);
    await writing.done;
  },
  async ofMessage(messageId: string): Promise<Known | null> {
    return (await (await database()).getFromIndex("mails", "message", messageId)) ?? null;
  },
  async ofProvider(account: string, id: string): Promise<Known | null> {
    return (await (await database()).getFromIndex("mails", "provider", [account, id])) ?? null;
  },
  async ofPixel(account: string, pixel: string): Promise<Known | null> {
    return (await (await database()).getFromIndex("mails", "pixel", [account, pixel])) ?? null;
  },
  /** As this version knows mails: earlier ones kept less. */
  async ofThread(account: string, thread: string): Promise<Known[]> {
    const found = await (await database()).getAllFromIndex("mails", "thread", [account, thread]);
    return found.map((mail) => v.parse(Known, mail));
  },
  async ofDraft(account: string, draft: string): Promise<Known[]> {
    return (await database()).getAllFromIndex("mails", "draft", [account, draft]);
  },
  async ofKey(key: string): Promise<Known | null> {
    return (await (await database()).get("mails", key)) ?? null;
  },
};
