/** The page of several scales: every sound has a fader on each, usable while that sound is heard. */

import { Fader } from "./fader.js";
import { ListeningPage, the } from "./page.js";

/** An answer is known by its sound and its scale. @param {string} label @param {string} scale */
const keyOf = (label, scale) => `${label} · ${scale}`;

const rows = [...document.querySelectorAll(".attribute .row")];
const about = (/** @type {Element} */ row) => the("input", row).dataset;

const page = new ListeningPage(rows.map((row) => keyOf(about(row).label, about(row).scale)));
const { player, slots } = page;

page.answers.clear();
for (const { label, answer } of slots) {
  for (const [scale, value] of Object.entries(answer ?? {})) page.answers.set(keyOf(label, scale), value);
}
for (const { slot, scale, value } of page.unsent) {
  const label = slots.find((one) => one.token === slot)?.label;
  if (label) page.answers.set(keyOf(label, String(scale)), value);
}

const faders = rows.map((row) => {
  const { label, scale } = about(row);
  const index = slots.findIndex((one) => one.label === label);
  const key = keyOf(label, scale);
  const parts = { input: the("input", row), number: the(".number", row), hear: page.hears[index] };
  const fader = new Fader(parts, (value) => page.answer(key, value, { slot: slots[index].token, scale, value }));
  const given = page.answers.get(key);
  if (given !== undefined) fader.show(given);
  return { fader, index, scale };
});

/** The scale that was rated last, so that the next sound is rated on it. */
let scale = faders[0].scale;
for (const one of faders) {
  one.fader.input.addEventListener("focus", () => {
    scale = one.scale;
  });
}

/** Hear a sound from the keyboard: its fader on the scale at hand gets the focus. @param {number} index */
function hear(index) {
  page.hears[index].focus();
  faders.find((one) => one.index === index && one.scale === scale)?.fader.takeFocus();
  player.select(index);
}

/** Only the faders of the sound being heard are usable, as in BS.1534-3. */
player.addEventListener("state", () => {
  for (const { fader, index } of faders) fader.enable(player.sounding && player.current === index);
  for (const row of rows) {
    const heard = player.sounding && slots[player.current]?.label === about(row).label;
    row.classList.toggle("heard", heard);
  }
});

/** @type {Record<string, () => void>} */
const keys = { a: () => page.loopFrom(), b: () => page.loopTo() };
slots.forEach(({ label }, index) => {
  keys[label] = () => hear(index);
});
if (slots[0].open) keys.r = keys["0"] = () => hear(0);
page.use(keys);
