/** What every listening page shares: loading, transport, keys, the state of the answers, and the way to the next page. */

import { Journal } from "./journal.js";
import { Player } from "./player.js";

const PATIENCE_MS = 400;

/**
 * @typedef {{token: string, label: string, url: string, answer: unknown}} SlotData
 * @typedef {{session: string, page: number, rate: number, responses: string, finish: string, slots: SlotData[]}} PageData
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

function csrfToken() {
  // the cookie and not the page: it may be renewed while the page is open
  return /(?:^|; )csrftoken=([^;]+)/.exec(document.cookie)?.[1] ?? "";
}

/** Whether Space presses the focused control itself. @param {EventTarget | null} target */
function pressedBySpace(target) {
  return target instanceof Element && target.matches("button, summary, [type=radio]");
}

export class ListeningPage {
  /** @param {string[]} required labels of the slots that need an answer */
  constructor(required) {
    /** @type {PageData} */
    this.data = JSON.parse(the("#for-player").textContent);
    this.slots = this.data.slots;
    this.required = required;
    this.player = new Player(this.slots.map((slot) => slot.url), this.data.rate);
    this.journal = new Journal(this.data.responses, this.data.session, csrfToken);
    /** the answers given, by slot label @type {Map<string, any>} */
    this.answers = new Map();
    for (const { label, answer } of this.slots) if (answer !== null) this.answers.set(label, answer);
    /** the buttons that play, in the order of the slots @type {HTMLButtonElement[]} */
    this.hears = Array.from(document.querySelectorAll("button.hear"));
    this.status = the("#saved");
    this.leaving = false;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.patience = undefined;
  }

  /** Answers of this page that an earlier visit could not send, oldest first. */
  get unsent() {
    return [...this.journal.waiting.values()].filter((entry) => entry.page === this.data.page);
  }

  /** Show the page to be used. @param {Record<string, () => void>} keys what `KeyboardEvent.key`, in lower case, does */
  start(keys) {
    this.wireTransport();
    this.wireKeys({ " ": () => this.player.toggle(), ...keys });
    this.wireAnswers();
    this.load();
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
      return;
    }
    the("#loading").hidden = true;
    the("#transport").hidden = false;
    for (const hear of this.hears) hear.disabled = false;
  }

  wireTransport() {
    const { player } = this;
    const play = the("#play");
    const position = the("#position");
    const volume = the("#volume");
    play.addEventListener("click", () => player.toggle());
    the("#retry").addEventListener("click", () => this.load());
    the("#loop-start").addEventListener("click", () => this.loopFrom());
    the("#loop-end").addEventListener("click", () => this.loopTo());
    the("#loop-all").addEventListener("click", () => player.loop(0, player.frames));
    position.addEventListener("input", () => player.seek(position.value * this.data.rate));
    volume.value = Math.round(20 * Math.log10(Math.max(player.volume, 0.01)));
    volume.addEventListener("input", () => player.setVolume(10 ** (volume.value / 20)));
    volume.addEventListener("input", () => (volume.ariaValueText = `${volume.value} dB`));
    this.hears.forEach((hear, index) =>
      hear.addEventListener("click", () => {
        if (player.playing && player.wanted === index) player.pause();
        else player.select(index);
      }),
    );
    player.addEventListener("load", () => (the("#loaded").value = player.share));
    player.addEventListener("state", () => this.showPlayback());
  }

  showPlayback() {
    const { player } = this;
    const { rate } = this.data;
    const duration = player.frames / rate;
    const seconds = player.position / rate;
    const play = the("#play");
    play.classList.toggle("playing", player.playing);
    the(".word", play).textContent = player.playing ? play.dataset.pause : play.dataset.play;
    const position = the("#position");
    position.max = duration;
    if (!position.matches(":active")) position.value = seconds;
    position.ariaValueText = `${seconds.toFixed(1)} s`;
    position.style.setProperty("--from", player.loopStart / player.frames);
    position.style.setProperty("--to", player.loopEnd / player.frames);
    the("#time").textContent = `${seconds.toFixed(1)} / ${duration.toFixed(1)} s`;
    the("#loop-all").disabled = player.loopStart === 0 && player.loopEnd === player.frames;
    this.hears.forEach((hear, index) => {
      hear.ariaPressed = String(player.wanted === index);
      hear.classList.toggle("sounding", player.sounding && player.current === index);
    });
  }

  loopFrom() {
    this.player.loop(this.player.position, this.player.loopEnd);
  }

  loopTo() {
    this.player.loop(this.player.loopStart, this.player.position);
  }

  /** @param {Record<string, () => void>} keys by `KeyboardEvent.key`, lower case */
  wireKeys(keys) {
    addEventListener("keydown", (event) => {
      const act = keys[event.key.toLowerCase()];
      if (!act || !this.player.ready) return;
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      if (event.key === " " && pressedBySpace(event.target)) return;
      event.preventDefault();
      if (!event.repeat) act();
    });
  }

  wireAnswers() {
    const { journal } = this;
    journal.addEventListener("change", () => this.showAnswers());
    journal.addEventListener("refused", (event) => {
      this.alert(`${this.status.dataset.refused} ${/** @type {CustomEvent} */ (event).detail}`);
    });
    the("#next").addEventListener("click", () => this.next());
    this.showAnswers();
    if (journal.count) journal.send();
  }

  /** Keep an answer to the slot `label`, and send it. @param {string} label @param {unknown} value @param {object} body */
  answer(label, value, body) {
    this.answers.set(label, value);
    this.journal.add({ page: this.data.page, ...body });
  }

  get complete() {
    return this.required.every((label) => this.answers.has(label));
  }

  showAnswers() {
    const { journal } = this;
    the("#next").disabled = this.leaving || !this.complete || journal.count > 0;
    this.status.dataset.state = journal.state;
    clearTimeout(this.patience);
    if (journal.state === "saving") {
      // most answers are saved before there is anything to say
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
    } else if (this.complete) {
      status.textContent = words.saved;
    } else {
      const count = `${this.answers.size} / ${this.required.length}`;
      status.textContent = this.answers.size ? `${words.some} ${count}` : words.none;
    }
  }

  async next() {
    this.leaving = true;
    this.showAnswers();
    try {
      const headers = { "X-CSRFToken": csrfToken() };
      const response = await fetch(this.data.finish, { method: "POST", headers });
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
