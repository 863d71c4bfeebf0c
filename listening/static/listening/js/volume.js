/** The volume page: one sound, and the control that the rating pages start from. */

import { AnswerPage, the } from "./answers.js";

const page = new AnswerPage(["Reference"]);
const { player } = page;
const play = the("#play");
const volume = the("#volume");

for (const { volume_db } of page.unsent) page.answers.set("Reference", volume_db);
volume.value = page.answers.get("Reference") ?? volume.value;
say();

/** In dB, as a number that is read aloud. */
function say() {
  volume.ariaValueText = `${volume.value} dB`;
  the("#level").textContent = `${volume.value} dB`;
  player.setVolume(10 ** (volume.value / 20));
}

function settle() {
  const volume_db = volume.valueAsNumber;
  if (page.answers.get("Reference") !== volume_db) page.answer("Reference", volume_db, { volume_db });
}

volume.addEventListener("input", say);
volume.addEventListener("change", settle);
play.addEventListener("click", () => player.toggle());
player.addEventListener("state", () => {
  play.classList.toggle("playing", player.playing);
  the(".word", play).textContent = player.playing ? play.dataset.pause : play.dataset.play;
  // what was heard and left as it is was set, too
  if (player.sounding) settle();
});
page.start();
