/** The BS.1116 page: A is the reference, B and C are graded against it in tenths, by slider or by number. */

import { Fader } from "./fader.js";
import { ListeningPage, the } from "./page.js";

const IMPERCEPTIBLE = 5;
const panel = the(".impairment");

class ImpairmentPage extends ListeningPage {
  /** What was graded in an earlier visit was heard then. @param {number} index */
  heard(index) {
    return super.heard(index) || this.slots[index].answer !== null;
  }

  /** Whether one of the two was taken for the reference, where that is asked for. */
  get told() {
    return !("imperceptible" in panel.dataset) || [...this.answers.values()].includes(IMPERCEPTIBLE);
  }

  get complete() {
    return super.complete && this.told;
  }

  showSaved() {
    super.showSaved();
    if (this.journal.state === "saved" && this.answered && !this.told) {
      this.status.textContent = panel.dataset.imperceptible;
    }
  }
}

const gradedSlots = [...document.querySelectorAll(".slot")].filter((slot) => slot.querySelector("input"));
const labelOf = (/** @type {Element} */ slot) => the("[type=range]", slot).dataset.label;

const page = new ImpairmentPage(gradedSlots.map(labelOf));
const { player, slots } = page;

/** A grade as it is written, in tenths. @param {number} value */
const written = (value) => value.toFixed(1);

class Grade extends Fader {
  /** @param {Element} element */
  constructor(element) {
    const label = labelOf(element);
    const slot = slots.find((one) => one.label === label)?.token;
    const field = the("[type=number]", element);
    const parts = { input: the("[type=range]", element), number: field, hear: the(".hear", element) };
    super(
      parts,
      (value) => page.answer(label, value, { slot, value }),
      (value) => [written(value), panel.querySelector(`[data-grade="${value}"]`)?.textContent].filter(Boolean).join(", "),
    );
    this.label = label;
    this.field = field;
    field.addEventListener("change", () => this.type());
  }

  /** A number that is no grade is put back to what it was. */
  type() {
    const value = Math.round(this.field.valueAsNumber * 10) / 10;
    if (value >= Number(this.input.min) && value <= Number(this.input.max)) {
      this.moved = true;
      this.show(value);
      this.end();
    } else {
      this.field.value = this.rated ? written(this.input.valueAsNumber) : "";
    }
  }

  /** @param {number} value */
  show(value) {
    super.show(value);
    this.field.value = written(value);
  }

  /** @param {boolean} usable */
  enable(usable) {
    super.enable(usable);
    this.field.disabled = !usable;
  }
}

/** @type {Map<string, Grade>} */
const grades = new Map(gradedSlots.map((element) => [labelOf(element), new Grade(element)]));

for (const { slot, value } of page.unsent) {
  const label = slots.find((one) => one.token === slot)?.label;
  if (label) page.answers.set(label, value);
}
for (const [label, value] of page.answers) grades.get(label)?.show(value);

/** What was heard once, today or in an earlier visit, can be graded. */
function enable() {
  slots.forEach(({ label }, index) => {
    if (page.heard(index)) grades.get(label)?.enable(true);
  });
}
player.addEventListener("state", enable);
enable();

/** @type {Record<string, () => void>} */
const keys = { "[": () => page.loopFrom(), "]": () => page.loopTo() };
slots.forEach(({ label }, index) => {
  keys[label.toLowerCase()] = () => {
    page.hears[index].focus();
    grades.get(label)?.takeFocus();
    player.select(index);
  };
});
page.use(keys);
