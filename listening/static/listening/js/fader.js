/** A slider that rates: usable while its sound is heard, unrated until it is touched. */

/** keys that rate even when they move nothing, such as Home on a fader that is at 0 */
const RATING_KEYS = new Set(
  "Enter Home End PageUp PageDown ArrowUp ArrowDown ArrowLeft ArrowRight".split(" "),
);

/** One stimulus's rating. Untouched it is unrated, wherever its thumb is. */
export class Fader {
  /**
   * @param {{input: HTMLInputElement, number: HTMLElement, hear: HTMLElement}} parts the slider, where its value is
   *   shown, and the button that plays its sound
   * @param {(value: number) => void} onRated hears of every movement that has ended
   * @param {(value: number) => string} say the value in words, for those who cannot see it
   */
  constructor({ input, number, hear }, onRated, say = String) {
    this.onRated = onRated;
    this.say = say;
    this.input = input;
    this.number = number;
    this.hear = hear;
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
    this.rated = true;
    this.input.value = String(value);
    this.input.ariaValueText = this.say(value);
    this.input.classList.add("rated");
    this.number.textContent = String(value);
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
