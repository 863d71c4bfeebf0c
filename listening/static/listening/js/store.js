/**
 * Where answers wait until the server has confirmed them: in IndexedDB, where that is denied in localStorage, and where
 * both are in this page's memory alone.
 *
 * A key is `session:number:id`, so that the order of the keys is that of the answers.
 */

const DATABASE = "earwitness";
const ANSWERS = "answers";
const LOCAL_PREFIX = "earwitness:";
/** a database that has not opened by then is not waited for */
const PATIENCE_MS = 2000;

/**
 * @typedef {{id: string, page: number} & Record<string, unknown>} Answer
 * @typedef {{all: (session: string) => Promise<[string, Answer][]>, put: (key: string, answer: Answer) => Promise<void>,
 *   remove: (key: string) => Promise<void>}} Shelf
 */

/** @template T @param {IDBRequest<T>} request @returns {Promise<T>} */
function asked(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

/** @implements {Shelf} */
class DatabaseShelf {
  /** @param {IDBDatabase} database */
  constructor(database) {
    this.database = database;
  }

  static async open() {
    const request = indexedDB.open(DATABASE, 1);
    request.onupgradeneeded = () => request.result.createObjectStore(ANSWERS);
    const late = new Promise((_, reject) => setTimeout(reject, PATIENCE_MS, new Error("IndexedDB does not open")));
    return new DatabaseShelf(await Promise.race([asked(request), /** @type {Promise<never>} */ (late)]));
  }

  /** @param {string} session @returns {Promise<[string, Answer][]>} */
  async all(session) {
    const store = this.database.transaction(ANSWERS).objectStore(ANSWERS);
    const range = IDBKeyRange.bound(`${session}:`, `${session};`);
    const [keys, answers] = await Promise.all([asked(store.getAllKeys(range)), asked(store.getAll(range))]);
    return keys.map((key, index) => [String(key), answers[index]]);
  }

  /** @param {string} key @param {Answer} answer */
  put(key, answer) {
    return this.change((store) => store.put(answer, key));
  }

  /** @param {string} key */
  remove(key) {
    return this.change((store) => store.delete(key));
  }

  /** Done when it is on disk. @param {(store: IDBObjectStore) => void} act @returns {Promise<void>} */
  change(act) {
    return new Promise((resolve, reject) => {
      const transaction = this.database.transaction(ANSWERS, "readwrite", { durability: "strict" });
      transaction.oncomplete = () => resolve();
      transaction.onabort = () => reject(transaction.error);
      act(transaction.objectStore(ANSWERS));
      // a page that is being left may not come to commit by itself
      transaction.commit();
    });
  }
}

/** @implements {Shelf} */
class LocalShelf {
  static async open() {
    const probe = `${LOCAL_PREFIX}probe`;
    localStorage.setItem(probe, "");
    localStorage.removeItem(probe);
    return new LocalShelf();
  }

  /** @param {string} session @returns {Promise<[string, Answer][]>} */
  async all(session) {
    const prefix = `${LOCAL_PREFIX}${session}:`;
    const keys = Object.keys(localStorage).filter((key) => key.startsWith(prefix));
    return keys.map((key) => [key.slice(LOCAL_PREFIX.length), JSON.parse(localStorage.getItem(key) ?? "")]);
  }

  /** @param {string} key @param {Answer} answer */
  async put(key, answer) {
    localStorage.setItem(LOCAL_PREFIX + key, JSON.stringify(answer));
  }

  /** @param {string} key */
  async remove(key) {
    localStorage.removeItem(LOCAL_PREFIX + key);
  }
}

export class Store {
  /** @param {Shelf[]} shelves the best first @param {Map<string, Answer>} found */
  constructor(shelves, found) {
    this.shelves = shelves;
    /** what earlier pages of the session left, oldest first */
    this.found = found;
    /** whether what is put here outlives this page */
    this.durable = shelves.length > 0;
  }

  /** Open whatever this browser allows; it may be nothing. @param {string} session */
  static async open(session) {
    const shelves = [];
    /** @type {[string, Answer][]} */
    const found = [];
    for (const kind of [DatabaseShelf, LocalShelf]) {
      try {
        const shelf = await kind.open();
        found.push(...(await shelf.all(session)));
        shelves.push(shelf);
      } catch (error) {
        console.info(`${kind.name}:`, error);
      }
    }
    return new Store(shelves, new Map(found.sort(([one], [other]) => (one < other ? -1 : 1))));
  }

  /** Keep an answer on the first shelf that takes it. @param {string} key @param {Answer} answer */
  async put(key, answer) {
    for (const shelf of this.shelves) {
      try {
        await shelf.put(key, answer);
        this.durable = true;
        return;
      } catch (error) {
        console.info(error);
      }
    }
    this.durable = false;
  }

  /** @param {string} key */
  async remove(key) {
    await Promise.allSettled(this.shelves.map((shelf) => shelf.remove(key)));
  }
}
