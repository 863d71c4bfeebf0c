/** The MUSHRA page: one fader for each sound, usable while that sound is heard. With a reference or without. */

import { Fader } from "./fader.js";
import { ListeningPage, the } from "./page.js";

const words = [...document.querySelectorAll(".words li")].map((one) => one.textContent ?? "").reverse();

/** The interval of the scale that a value is in. @param {number} value */
function wordFor(value) {
  return words[Math.min(Math.floor((value * words.length) / 100), words.length - 1)];
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
    const parts = { input: the("input", element), number: the(".number", element), hear: the(".hear", element) };
    const rate = (/** @type {number} */ value) => page.answer(label, value, { slot, value });
    const say = (/** @type {number} */ value) => {
      const word = wordFor(value);
      the(".given .word", element).textContent = word;
      return `${value}, ${word}`;
    };
    return [label, new Fader(parts, rate, say)];
  }),
);

for (const { slot, value } of page.unsent) {
  const label = slots.find((one) => one.token === slot)?.label;
  if (label) page.answers.set(label, value);
}
for (const [label, value] of page.answers) faders.get(label)?.show(value);

/** Hear a sound from the keyboard: its fader gets the focus, ready for the arrow keys. @param {number} index */
function hear(index) {
  if (!slots[index]) return;
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
const keys = { a: () => page.loopFrom(), b: () => page.loopTo() };
slots.forEach(({ label }, index) => {
  keys[label] = () => hear(index);
});
if (slots[0].open) keys.r = keys["0"] = () => hear(0);
page.use(keys);
