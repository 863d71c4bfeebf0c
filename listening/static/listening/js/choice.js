/** Pages with one answer to several sounds: ABX, odd one out, AB preference, CCR. */

import { ListeningPage, the } from "./page.js";

const verdict = the("#verdict");
const told = the("#told");

class ChoicePage extends ListeningPage {
  constructor() {
    // the answer is kept under the last sound's label, whichever sound it speaks of
    super([JSON.parse(the("#for-player").textContent).slots.at(-1).label], { once: "inTurn" in verdict.dataset });
    this.label = this.required[0];
    /** labels of the sounds that an answer needs to have been heard: those named, or all */
    this.needed = verdict.dataset.needs?.split(" ") ?? this.slots.map(({ label }) => label);
  }

  loaded() {
    super.loaded();
    this.offer();
  }

  /** One sound after the other: none before those ahead of it were heard to their end. */
  offer() {
    if (!this.player.once || !this.player.ready) return;
    this.hears.forEach((hear, index) => {
      hear.disabled = !this.slots.slice(0, index).every((_, ahead) => this.ended(ahead));
    });
  }

  /** @param {number} index */
  hear(index) {
    const { player } = this;
    if (this.hears[index].disabled) return;
    if (!player.once) return super.hear(index);
    if (player.playing && player.wanted === index) return player.pause();
    if (player.over || player.wanted !== index) player.seek(0);
    player.select(index);
  }

  toggle() {
    const { player } = this;
    if (player.once && player.over) this.hear(player.wanted);
    else super.toggle();
  }

  /** Whether what an answer needs was heard, today or in an earlier visit: to its end, where the page asks for that. */
  get mayAnswer() {
    return this.slots.every(({ label }, index) => {
      if (!this.needed.includes(label)) return true;
      return this.data.gates.hear_end ? this.ended(index) : this.heard(index);
    });
  }

  /** @param {string | number} answer */
  choose(answer) {
    told.hidden = true;
    this.answer(this.label, answer, { answer });
  }
}

const page = new ChoicePage();
const { player, journal, slots } = page;

for (const { answer } of page.unsent) page.answers.set(page.label, answer);
const given = page.answers.get(page.label);
if (given !== undefined) {
  the(`[value="${given}"]`, verdict).checked = true;
  allowAnswer();
}
tell(page.data.told);

verdict.addEventListener("change", (/** @type {Event} */ event) => {
  const { value } = /** @type {HTMLInputElement} */ (event.target);
  page.choose("numbers" in verdict.dataset ? Number(value) : value);
});

player.addEventListener("state", () => {
  page.offer();
  if (page.mayAnswer) allowAnswer();
});

function allowAnswer() {
  verdict.disabled = false;
  the("#hear-first").hidden = true;
}

// practice may say at once whether an answer was right
journal.addEventListener("told", (event) => tell(/** @type {CustomEvent} */ (event).detail));

/** @param {string} word "right", "wrong" or nothing */
function tell(word) {
  if (!word || journal.count > 1) return;
  told.textContent = told.dataset[word] ?? "";
  told.className = `told ${word}`;
  told.hidden = false;
}

/** @type {Record<string, () => void>} */
const keys = player.once ? {} : { "[": () => page.loopFrom(), "]": () => page.loopTo() };
slots.forEach(({ label }, index) => {
  const act = () => {
    page.hears[index].focus();
    page.hear(index);
  };
  keys[page.hears[index].dataset.key ?? label.toLowerCase()] = act;
});
if (slots[0].label === "Reference") keys["0"] = keys.r;
page.use(keys);
