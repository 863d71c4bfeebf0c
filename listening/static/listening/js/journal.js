/**
 * Answers on their way: each is kept in this browser from the moment it is given until the server has confirmed it.
 *
 * Answers are sent one at a time and in order, so that the last word stays the last. Events: "change" (read `state`, `count`),
 * "refused" (`detail`: the server's sentence), when an answer can never be accepted; "told" (`detail`: "right" or "wrong"),
 * when the server says so of an answer given for practice.
 */

const FIRST_WAIT_MS = 1000;
const LONGEST_WAIT_MS = 15000;
const TIMEOUT_MS = 15000;
/** answers of the server to which sending the same again would get the same */
const FINAL = new Set([400, 409, 410, 413, 422]);

/**
 * @typedef {import("./store.js").Answer} Answer
 * @typedef {"saved" | "saving" | "offline"} State
 */

export class Journal extends EventTarget {
  /**
   * @param {string} url where answers go
   * @param {string} session whose answers these are
   * @param {import("./store.js").Store} store
   */
  constructor(url, session, store) {
    super();
    this.url = url;
    this.session = session;
    this.store = store;
    /** the answers not yet confirmed, oldest first, by their key in the store @type {Map<string, Answer>} */
    this.waiting = store.found;
    /** @type {State} */
    this.state = this.waiting.size ? "saving" : "saved";
    this.sending = false;
    this.wait = FIRST_WAIT_MS;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.timer = undefined;
    addEventListener("online", () => this.send());
    addEventListener("beforeunload", (event) => {
      // nothing else keeps these: the browser asks before it leaves
      if (this.count && !this.durable) event.preventDefault();
    });
  }

  /** Whether unconfirmed answers outlive this page. */
  get durable() {
    return this.store.durable;
  }

  get count() {
    return this.waiting.size;
  }

  /** Keep an answer, and send it. @param {Record<string, unknown> & {page: number}} answer */
  add(answer) {
    const entry = { id: crypto.randomUUID(), ...answer };
    const last = [...this.waiting.keys()].at(-1) ?? `${this.session}:0`;
    const number = Number(last.split(":")[1]) + 1;
    const key = `${this.session}:${String(number).padStart(9, "0")}:${entry.id}`;
    this.waiting.set(key, entry);
    this.store.put(key, entry).then(() => this.changed());
    this.become("saving");
    this.send();
  }

  /** Send what is waiting, oldest first, until all is confirmed or the network fails. */
  async send() {
    if (this.sending) return;
    this.sending = true;
    clearTimeout(this.timer);
    for (const [key, entry] of this.waiting) {
      const settled = await this.post(entry);
      if (!settled) {
        this.become("offline");
        this.timer = setTimeout(() => this.send(), this.wait);
        this.wait = Math.min(2 * this.wait, LONGEST_WAIT_MS);
        this.sending = false;
        return;
      }
      this.wait = FIRST_WAIT_MS;
      this.forget(key);
    }
    this.sending = false;
    this.become("saved");
  }

  /** Whether the server has answered for good. @param {Answer} entry @returns {Promise<boolean>} */
  async post(entry) {
    try {
      const response = await fetch(this.url, {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify(entry),
        // what is under way arrives even when the page is closed
        keepalive: true,
        signal: AbortSignal.timeout(TIMEOUT_MS),
      });
      if (response.ok) {
        const { told } = await response.json();
        if (told) this.dispatchEvent(new CustomEvent("told", { detail: told }));
        return true;
      }
      if (!FINAL.has(response.status)) return false;
      const { error } = await response.json();
      this.dispatchEvent(new CustomEvent("refused", { detail: error }));
      return true;
    } catch {
      return false;
    }
  }

  /** @param {string} key */
  forget(key) {
    this.waiting.delete(key);
    this.store.remove(key);
  }

  /** @param {State} state */
  become(state) {
    this.state = state;
    this.changed();
  }

  changed() {
    this.dispatchEvent(new Event("change"));
  }
}
