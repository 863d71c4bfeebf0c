/** The ABX page: A, B and X to be heard, and one answer. */

import { ListeningPage, the } from "./page.js";

const page = new ListeningPage(["X"]);
const { player, slots } = page;
const verdict = the("#verdict");
const xIndex = slots.findIndex(({ label }) => label === "X");

for (const { answer } of page.unsent) page.answers.set("X", answer);
const given = page.answers.get("X");
if (given) {
  the(`[value="${given}"]`, verdict).checked = true;
  allowAnswer();
}

verdict.addEventListener("change", (/** @type {Event} */ event) => {
  const answer = /** @type {HTMLInputElement} */ (event.target).value;
  page.answer("X", answer, { answer });
});

/** An answer needs X to have been heard. */
player.addEventListener("state", () => {
  if (player.sounding && player.current === xIndex) allowAnswer();
});

function allowAnswer() {
  verdict.disabled = false;
  the("#hear-first").hidden = true;
}

/** @type {Record<string, () => void>} */
const keys = { "[": () => page.loopFrom(), "]": () => page.loopTo() };
slots.forEach(({ label }, index) => {
  keys[label.toLowerCase()] = () => {
    page.hears[index].focus();
    player.select(index);
  };
});
page.use(keys);
