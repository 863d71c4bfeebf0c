/** A trial of digits in noise: heard once, then typed. */

import { AnswerPage, the } from "./answers.js";

const page = new AnswerPage(["Sound"], { once: true });
const { player } = page;
const play = the("#play");
const triplet = the("#triplet");

for (const { answer } of page.unsent) page.answers.set("Sound", answer);
const given = page.answers.get("Sound");
if (given) {
  triplet.value = given;
  triplet.disabled = false;
}

page.loaded = () => (play.disabled = false);

play.addEventListener("click", () => {
  play.disabled = true;
  player.play();
});

player.addEventListener("state", () => {
  if (!player.over || !triplet.disabled) return;
  triplet.disabled = false;
  triplet.focus();
});

triplet.addEventListener("input", () => {
  triplet.value = triplet.value.replace(/[^0-9]/g, "");
  const answer = triplet.value;
  if (answer.length === 3) page.answer("Sound", answer, { answer });
});

triplet.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
  if (event.key === "Enter") the("#next").click();
});
page.start();
