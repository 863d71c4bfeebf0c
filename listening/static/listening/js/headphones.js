/** A trial of the headphone check: heard once from beginning to end, then answered. */

import { AnswerPage, the } from "./answers.js";

const INTERVAL_S = 1;
const STEP_S = 1.5;

const page = new AnswerPage(["Sound"], { once: true });
const { player } = page;
const play = the("#play");
const verdict = the("#verdict");
const lamps = [...document.querySelectorAll(".lamp")];

for (const { answer } of page.unsent) page.answers.set("Sound", answer);
const given = page.answers.get("Sound");
if (given) {
  the(`[value="${given}"]`, verdict).checked = true;
  verdict.disabled = false;
}

page.loaded = () => (play.disabled = false);

play.addEventListener("click", () => {
  play.disabled = true;
  player.play();
});

player.addEventListener("state", () => {
  const second = player.position / page.data.rate;
  lamps.forEach((lamp, place) => {
    const since = second - place * STEP_S;
    lamp.classList.toggle("lit", player.sounding && since >= 0 && since < INTERVAL_S);
  });
  if (!player.over || !verdict.disabled) return;
  verdict.disabled = false;
  the("input", verdict).focus();
});

verdict.addEventListener("change", (/** @type {Event} */ event) => {
  const answer = /** @type {HTMLInputElement} */ (event.target).value;
  page.answer("Sound", answer, { answer });
});
page.start();
