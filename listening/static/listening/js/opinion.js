/** Pages that ask for an opinion of single sounds, one after the other: ACR, DCR, P.835. */

import { ListeningPage, the } from "./page.js";

/** @type {NodeListOf<HTMLFieldSetElement>} */
const questions = document.querySelectorAll(".verdict");
const labelOf = (/** @type {HTMLElement} */ question) => question.dataset.label ?? "";

class OpinionPage extends ListeningPage {
  constructor() {
    super([...questions].map(labelOf), { once: true });
  }

  loaded() {
    super.loaded();
    this.offer();
  }

  /**
   * Whether the end of a sound was heard, today or in an earlier visit: it was where it or a later one was answered
   * then, whatever the last visit could tell of itself.
   * @param {number} index
   */
  ended(index) {
    return super.ended(index) || this.slots.slice(index).some(({ answer }) => answer !== null);
  }

  /** A sound may be heard once all before it were heard to their end and answered. */
  offer() {
    if (!this.player.ready) return;
    this.hears.forEach((hear, index) => {
      hear.disabled = !this.slots.slice(0, index).every(({ label }, before) => {
        return this.ended(before) && (!this.required.includes(label) || this.answers.has(label));
      });
    });
    for (const question of questions) {
      const index = this.slots.findIndex(({ label }) => label === labelOf(question));
      question.disabled = this.hears[index].disabled || !this.ended(index);
    }
  }

  /** From its beginning, unless it is paused. @param {number} index */
  hear(index) {
    const { player } = this;
    if (this.hears[index].disabled) return;
    if (player.playing && player.wanted === index) return player.pause();
    if (player.over || player.wanted !== index) player.seek(0);
    player.select(index);
  }

  /** The sound that was chosen last, or the first that was not heard to its end. */
  toggle() {
    const { player } = this;
    if (player.playing || (player.wanted >= 0 && !player.over)) return super.toggle();
    const next = this.slots.findIndex((_, index) => !this.ended(index) && !this.hears[index].disabled);
    this.hear(next < 0 ? Math.max(player.wanted, 0) : next);
  }
}

const page = new OpinionPage();
const { player, slots } = page;

for (const { slot, value } of page.unsent) {
  const label = slots.find((one) => one.token === slot)?.label;
  if (label) page.answers.set(label, value);
}

for (const question of questions) {
  const label = labelOf(question);
  const slot = slots.find((one) => one.label === label)?.token;
  const given = page.answers.get(label);
  if (given !== undefined) the(`[value="${given}"]`, question).checked = true;
  question.addEventListener("change", (event) => {
    const value = Number(/** @type {HTMLInputElement} */ (event.target).value);
    page.answer(label, value, { slot, value });
    page.offer();
  });
}

player.addEventListener("state", () => page.offer());

/** @type {Record<string, () => void>} */
const keys = {};
slots.forEach(({ label, open }, index) => {
  const act = () => {
    page.hears[index].focus();
    page.hear(index);
  };
  keys[open ? "r" : label[0].toLowerCase()] = act;
});

/** A digit answers the question that was reached last. @param {number} value */
function choose(value) {
  const open = [...questions].filter((question) => !question.disabled);
  const question = document.activeElement?.closest(".verdict") ?? open.at(-1);
  const choice = /** @type {HTMLInputElement | null | undefined} */ (question?.querySelector(`[value="${value}"]`));
  choice?.focus();
  choice?.click();
}
for (let value = 1; value <= 5; value++) keys[value] = () => choose(value);
page.use(keys);
