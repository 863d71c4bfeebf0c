/** What every page with sounds shares: loading, the state of the answers, and the way to the next page. */

import { Journal } from "./journal.js";
import { fetchAhead } from "./loading.js";
import { Player } from "./player.js";
import { Store } from "./store.js";
import { Telemetry } from "./telemetry.js";

const PATIENCE_MS = 400;
const TIMEOUT_MS = 20_000;

/**
 * @typedef {{token: string, label: string, url: string, open: boolean, answer: unknown, heard: boolean,
 *   ended: boolean}} SlotData
 * @typedef {{rate: boolean, listen: boolean, hear_end: boolean}} Gates
 * @typedef {{session: string, page: number, practice: boolean, told: string, rate: number, level: number | null, gates: Gates,
 *   responses: string, visit: string, finish: string, ahead: string[], slots: SlotData[]}} PageData
 */

/**
 * The element `selector` names, which must be there.
 * @param {string} selector @param {ParentNode} within @returns {any}
 */
export function the(selector, within = document) {
  const found = within.querySelector(selector);
  if (!found) throw new Error(`expected ${selector} on the page, found none`);
  return found;
}

/** @type {PageData} */
const data = JSON.parse(the("#for-player").textContent);
// before anything is shown, what an earlier visit could not send
const store = await Store.open(data.session);

/** What takes longer has failed, and may be tried again. */
function soon() {
  return AbortSignal.timeout(TIMEOUT_MS);
}

export class AnswerPage {
  /**
   * @param {string[]} required labels of the slots that need an answer
   * @param {{once?: boolean}} options `once`: what is played ends at its end instead of repeating
   */
  constructor(required, { once = false } = {}) {
    this.data = data;
    this.slots = this.data.slots;
    this.required = required;
    this.player = new Player(this.slots.map((slot) => slot.url), this.data.rate, {
      once,
      openSound: this.slots.findIndex(({ open }) => open),
    });
    this.journal = new Journal(this.data.responses, this.data.session, store);
    this.telemetry = new Telemetry(this.player, this.slots.map((slot) => slot.label));
    /** the answers given, by slot label @type {Map<string, any>} */
    this.answers = new Map();
    for (const { label, answer } of this.slots) if (answer !== null) this.answers.set(label, answer);
    this.status = the("#saved");
    this.leaving = false;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.patience = undefined;
    this.recall();
  }

  /** Answers of this page that an earlier visit could not send, oldest first. */
  get unsent() {
    return [...this.journal.waiting.values()].filter((entry) => entry.page === this.data.page);
  }

  /** Load the sounds, and take answers. */
  start() {
    the("#retry").addEventListener("click", () => this.load());
    this.player.addEventListener("load", () => (the("#loaded").value = this.player.share));
    this.wireAnswers();
    this.load();
    addEventListener("pagehide", () => {
      navigator.sendBeacon(this.data.visit, this.visit);
      this.remember();
    });
    let passed = this.passed;
    this.player.addEventListener("state", () => {
      if (passed !== this.passed) this.showAnswers();
      passed = this.passed;
    });
  }

  get heardKey() {
    return `earwitness-heard:${this.data.session}:${this.data.page}`;
  }

  /** Keep what was heard for a reload, which asks for the page before the visit is told. */
  remember() {
    try {
      const heard = this.slots.map((_, index) => [this.heard(index), this.ended(index)]);
      sessionStorage.setItem(this.heardKey, JSON.stringify(heard));
    } catch {
      // without storage it is to be heard once more
    }
  }

  recall() {
    try {
      const kept = JSON.parse(sessionStorage.getItem(this.heardKey) ?? "[]");
      this.slots.forEach((slot, index) => {
        slot.heard ||= Boolean(kept[index]?.[0]);
        slot.ended ||= Boolean(kept[index]?.[1]);
      });
    } catch {
      // as above
    }
  }

  /** What this visit was like, and the answers that are still here. */
  get visit() {
    const form = new FormData();
    form.set("id", this.telemetry.id);
    form.set("body", JSON.stringify(this.telemetry.body));
    form.set("answers", JSON.stringify(this.unsent));
    return form;
  }

  async load() {
    const text = the("#loading-text");
    the("#retry").hidden = true;
    text.textContent = text.dataset.loading;
    try {
      await this.player.load();
    } catch (error) {
      console.error(error);
      text.textContent = globalThis.AudioWorkletNode ? text.dataset.failed : text.dataset.unsupported;
      the("#retry").hidden = !globalThis.AudioWorkletNode;
      // told at once: whoever is stuck here may leave the page open for good
      navigator.sendBeacon(this.data.visit, this.visit);
      return;
    }
    the("#loading").hidden = true;
    the("#transport").hidden = false;
    this.loaded();
    fetchAhead(this.data.ahead);
  }

  /** The sounds are there: what plays them may be used. */
  loaded() {}

  wireAnswers() {
    const { journal } = this;
    journal.addEventListener("change", () => this.showAnswers());
    journal.addEventListener("refused", (event) => {
      this.alert(`${this.status.dataset.refused} ${/** @type {CustomEvent} */ (event).detail}`);
    });
    the("#next").addEventListener("click", () => this.next());
    the("#keeps-nothing").hidden = journal.durable;
    this.showAnswers();
    if (journal.count) journal.send();
  }

  /** Keep an answer to the slot `label`, and send it. @param {string} label @param {unknown} value @param {object} body */
  answer(label, value, body) {
    this.answers.set(label, value);
    this.journal.add({ page: this.data.page, ...body });
  }

  get answered() {
    return this.required.every((label) => this.answers.has(label));
  }

  /** Whether everything was heard that must be, today or in an earlier visit. */
  get passed() {
    const { gates } = this.data;
    return this.slots.every((_, index) => {
      if (gates.hear_end && !this.ended(index)) return false;
      return !gates.listen || this.heard(index);
    });
  }

  /** Whether a sound was heard, today or in an earlier visit. @param {number} index */
  heard(index) {
    return this.slots[index].heard || this.player.heard[index] > 0;
  }

  /** Whether its end was. @param {number} index */
  ended(index) {
    return this.slots[index].ended || this.player.ended[index];
  }

  get complete() {
    return this.passed && (this.answered || !this.data.gates.rate);
  }

  showAnswers() {
    const { journal } = this;
    the("#next").disabled = this.leaving || !this.complete || journal.count > 0;
    this.status.dataset.state = journal.state;
    clearTimeout(this.patience);
    if (journal.state === "saving" || this.leaving) {
      // most answers are saved, and most pages opened, before there is anything to say
      this.patience = setTimeout(() => this.showSaved(), PATIENCE_MS);
    } else {
      this.showSaved();
    }
  }

  showSaved() {
    const { journal, status } = this;
    const words = status.dataset;
    if (journal.state === "offline") {
      status.textContent = `${journal.durable ? words.offline : words.fragile} ${journal.count}`;
    } else if (journal.state === "saving") {
      status.textContent = words.saving;
    } else if (this.leaving) {
      status.textContent = words.leaving;
    } else if (this.complete && this.answered) {
      status.textContent = words.saved;
    } else if (this.answered) {
      status.textContent = this.data.gates.hear_end ? words.unended : words.unheard;
    } else {
      const count = `${this.answers.size} / ${this.required.length}`;
      status.textContent = this.answers.size ? `${words.some} ${count}` : words.none;
    }
  }

  async next() {
    this.leaving = true;
    this.showAnswers();
    try {
      const told = await fetch(this.data.visit, { method: "POST", body: this.visit, signal: soon() });
      if (!told.ok) throw new Error(`${told.status} for the visit`);
      const response = await fetch(this.data.finish, { method: "POST", signal: soon() });
      const { next, error } = await response.json();
      if (next) return location.assign(next);
      this.alert(error);
    } catch {
      this.alert(this.status.dataset.stuck);
    }
    this.leaving = false;
    this.showAnswers();
  }

  /** @param {string} sentence */
  alert(sentence) {
    const box = the("#alert");
    box.textContent = sentence;
    box.hidden = false;
  }
}
