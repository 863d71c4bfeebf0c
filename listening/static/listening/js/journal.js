/**
 * Answers on their way: each is kept in this browser from the moment it is given until the server has confirmed it.
 *
 * Answers are sent one at a time and in order, so that the last word stays the last. Events: "change" (read `state`, `count`),
 * "refused" (`detail`: the server's sentence), when an answer can never be accepted.
 */

const FIRST_WAIT_MS = 1000;
const LONGEST_WAIT_MS = 15000;
const TIMEOUT_MS = 15000;
/** answers of the server to which sending the same again would get the same */
const FINAL = new Set([400, 409, 410, 413, 422]);

/**
 * @typedef {{id: string, page: number} & Record<string, unknown>} Answer
 * @typedef {"saved" | "saving" | "offline"} State
 */

export class Journal extends EventTarget {
  /**
   * @param {string} url where answers go
   * @param {string} session whose answers these are
   * @param {() => string} csrfToken
   */
  constructor(url, session, csrfToken) {
    super();
    this.url = url;
    this.prefix = `earwitness:${session}:`;
    this.csrfToken = csrfToken;
    /** the answers not yet confirmed, oldest first, by their key in storage @type {Map<string, Answer>} */
    this.waiting = this.stored();
    /** @type {State} */
    this.state = this.waiting.size ? "saving" : "saved";
    /** whether unconfirmed answers outlive this page */
    this.durable = true;
    this.sending = false;
    this.wait = FIRST_WAIT_MS;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.timer = undefined;
    addEventListener("online", () => this.send());
  }

  get count() {
    return this.waiting.size;
  }

  /** Keep an answer, and send it. @param {Record<string, unknown> & {page: number}} answer */
  add(answer) {
    const entry = { id: crypto.randomUUID(), ...answer };
    const last = [...this.waiting.keys()].at(-1) ?? `${this.prefix}0`;
    const number = Number(last.slice(this.prefix.length).split(":")[0]) + 1;
    const key = `${this.prefix}${String(number).padStart(9, "0")}:${entry.id}`;
    this.waiting.set(key, entry);
    try {
      localStorage.setItem(key, JSON.stringify(entry));
    } catch {
      this.durable = false;
    }
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
        headers: { "Content-Type": "application/json", "X-CSRFToken": this.csrfToken() },
        body: JSON.stringify(entry),
        // what is under way arrives even when the page is closed
        keepalive: true,
        signal: AbortSignal.timeout(TIMEOUT_MS),
      });
      if (response.ok) return true;
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
    try {
      localStorage.removeItem(key);
    } catch {
      // it was never stored
    }
  }

  /** @returns {Map<string, Answer>} what an earlier page of this session left unconfirmed */
  stored() {
    try {
      const keys = Object.keys(localStorage).filter((key) => key.startsWith(this.prefix));
      return new Map(keys.sort().map((key) => [key, JSON.parse(localStorage.getItem(key) ?? "")]));
    } catch {
      return new Map();
    }
  }

  /** @param {State} state */
  become(state) {
    this.state = state;
    this.dispatchEvent(new Event("change"));
  }
}
