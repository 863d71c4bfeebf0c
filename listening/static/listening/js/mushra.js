/** The MUSHRA page: one fader for each sound, usable while that sound is heard. */

import { ListeningPage, the } from "./page.js";

const BANDS = 5;
/** keys that rate even when they move nothing, such as Home on a fader that is at 0 */
const RATING_KEYS = new Set(
  "Enter Home End PageUp PageDown ArrowUp ArrowDown ArrowLeft ArrowRight".split(" "),
);

/** One stimulus's rating. Untouched it is unrated, wherever its thumb is. */
class Fader {
  /**
   * @param {Element} slot
   * @param {(value: number) => void} onRated hears of every movement that has ended
   */
  constructor(slot, onRated) {
    this.onRated = onRated;
    this.hear = the(".hear", slot);
    this.input = the("input", slot);
    this.number = the(".given .number", slot);
    this.word = the(".given .word", slot);
    this.moved = false;
    this.keyDown = false;
    this.rated = false;
    this.returns = false;
    this.input.addEventListener("input", () => this.move());
    this.input.addEventListener("change", () => this.keyDown || this.end());
    this.input.addEventListener("blur", () => {
      this.keyDown = false;
      this.end();
    });
    // a click where the thumb already rests moves nothing, but is a rating
    this.input.addEventListener("click", () => this.touch());
    this.input.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
      this.keyDown = true;
      if (RATING_KEYS.has(event.key) && !this.rated) this.move();
    });
    this.input.addEventListener("keyup", () => {
      this.keyDown = false;
      this.end();
    });
    addEventListener("pagehide", () => this.end());
  }

  touch() {
    if (!this.rated) this.move();
    this.end();
  }

  move() {
    this.moved = true;
    this.show(this.input.valueAsNumber);
  }

  /** The movement is over: what it left is the rating. */
  end() {
    if (!this.moved) return;
    this.moved = false;
    this.onRated(this.input.valueAsNumber);
  }

  /** @param {number} value */
  show(value) {
    const words = [...document.querySelectorAll(".words li")].reverse();
    const word = words[Math.min(Math.floor((value * BANDS) / 100), BANDS - 1)].textContent;
    this.rated = true;
    this.input.value = value;
    this.input.ariaValueText = `${value}, ${word}`;
    this.input.classList.add("rated");
    this.number.textContent = value;
    this.word.textContent = word;
  }

  /** Take the focus from the button beside, now or as soon as the fader is usable. */
  takeFocus() {
    this.returns = true;
    if (!this.input.disabled) this.input.focus();
  }

  /** @param {boolean} usable */
  enable(usable) {
    if (usable === !this.input.disabled) return;
    if (!usable) {
      this.keyDown = false;
      this.end();
      // a disabled control drops the focus: it waits on the button beside
      this.returns = document.activeElement === this.input;
      if (this.returns) this.hear.focus();
    }
    this.input.disabled = !usable;
    if (usable && this.returns && document.activeElement === this.hear) this.input.focus();
  }
}

const faderSlots = [...document.querySelectorAll(".slot")].filter((slot) => slot.querySelector("input"));
const labelOf = (/** @type {Element} */ slot) => the("input", slot).dataset.label;

const page = new ListeningPage(faderSlots.map(labelOf));
const { player, slots } = page;

/** @type {Map<string, Fader>} */
const faders = new Map(
  faderSlots.map((element) => {
    const label = labelOf(element);
    const slot = slots.find((one) => one.label === label)?.token;
    return [label, new Fader(element, (value) => page.answer(label, value, { slot, value }))];
  }),
);

for (const { slot, value } of page.unsent) {
  const label = slots.find((one) => one.token === slot)?.label;
  if (label) page.answers.set(label, value);
}
for (const [label, value] of page.answers) faders.get(label)?.show(value);

/** Hear a sound from the keyboard: its fader gets the focus, ready for the arrow keys. @param {number} index */
function hear(index) {
  if (index >= slots.length) return;
  page.hears[index].focus();
  faders.get(slots[index].label)?.takeFocus();
  player.select(index);
}

/** Only the fader of the sound being heard is usable (BS.1534-3, attachment 2). */
player.addEventListener("state", () => {
  slots.forEach(({ label }, index) => {
    faders.get(label)?.enable(player.sounding && player.current === index);
  });
});

/** @type {Record<string, () => void>} */
const keys = { r: () => hear(0), a: () => page.loopFrom(), b: () => page.loopTo() };
for (let digit = 0; digit <= 9; digit++) keys[digit] = () => hear(digit);
page.use(keys);
