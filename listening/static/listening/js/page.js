/** What every rating page shares beside its answers: transport, loop, volume and keys. */

import { AnswerPage, the } from "./answers.js";
import { Timeline } from "./timeline.js";

export { the };

/** BS.1534-3, 8.2: how far a listener may turn from the level the test started at */
const LEVEL_DB = 4;
const LOWEST_DB = -40;

/** Whether Space presses the focused control itself. @param {EventTarget | null} target */
function pressedBySpace(target) {
  return target instanceof Element && target.matches("button, summary, [type=radio]");
}

export class ListeningPage extends AnswerPage {
  /** the buttons that play, in the order of the slots @type {HTMLButtonElement[]} */
  hears = Array.from(document.querySelectorAll("button.hear"));
  timeline = new Timeline(this.player, the("#timeline"));

  /** Show the page to be used. @param {Record<string, () => void>} keys what `KeyboardEvent.key`, in lower case, does */
  use(keys) {
    this.wireTransport();
    this.wireKeys({ " ": () => this.toggle(), ...keys });
    this.start();
  }

  loaded() {
    this.timeline.draw(this.player.open);
    for (const hear of this.hears) hear.disabled = false;
  }

  /** What the button of a sound does. @param {number} index */
  hear(index) {
    const { player } = this;
    if (player.playing && player.wanted === index) player.pause();
    else player.select(index);
  }

  toggle() {
    this.player.toggle();
  }

  /** The level the ratings started at, in dB; null before the first. @returns {number | null} */
  get level() {
    if (this.data.level !== null) return this.data.level;
    try {
      const kept = localStorage.getItem(this.levelKey);
      return kept === null ? null : Number(kept);
    } catch {
      return null;
    }
  }

  get levelKey() {
    return `earwitness-level:${this.data.session}`;
  }

  /** @param {string} label @param {unknown} value @param {object} body */
  answer(label, value, body) {
    super.answer(label, value, body);
    if (this.data.practice || this.level !== null) return;
    try {
      localStorage.setItem(this.levelKey, the("#volume").value);
    } catch {
      // without storage the range stays open; what was done with it is told all the same
    }
    this.boundVolume();
  }

  /** Once rating has started, the volume moves within ±4 dB of where it was. */
  boundVolume() {
    const volume = the("#volume");
    const { level } = this;
    if (level === null) return;
    if (Math.abs(volume.valueAsNumber - level) > LEVEL_DB) volume.value = level;
    volume.min = Math.max(level - LEVEL_DB, LOWEST_DB);
    volume.max = Math.min(level + LEVEL_DB, 0);
    this.turn(volume.valueAsNumber);
  }

  /** @param {number} db */
  turn(db) {
    const volume = the("#volume");
    volume.ariaValueText = `${db} dB`;
    this.player.setVolume(10 ** (db / 20));
  }

  wireTransport() {
    const { player } = this;
    const play = the("#play");
    const position = the("#position");
    const volume = the("#volume");
    play.addEventListener("click", () => this.toggle());
    the("#loop-start").addEventListener("click", () => this.loopFrom());
    the("#loop-end").addEventListener("click", () => this.loopTo());
    the("#loop-all").addEventListener("click", () => player.loop(0, player.frames));
    position.addEventListener("input", () => player.seek(position.value * this.data.rate));
    volume.value = Math.round(20 * Math.log10(Math.max(player.volume, 0.01)));
    volume.addEventListener("input", () => this.turn(volume.valueAsNumber));
    volume.addEventListener("change", () => this.telemetry.volumeChanged(volume.valueAsNumber));
    this.boundVolume();
    this.hears.forEach((hear, index) => hear.addEventListener("click", () => this.hear(index)));
    player.addEventListener("state", () => this.showPlayback());
  }

  showPlayback() {
    const { player } = this;
    const { rate } = this.data;
    const duration = player.frames / rate;
    const seconds = player.position / rate;
    const play = the("#play");
    play.classList.toggle("playing", player.playing);
    the(".word", play).textContent = player.playing ? play.dataset.pause : play.dataset.play;
    const position = the("#position");
    position.max = duration;
    if (!position.matches(":active")) position.value = seconds;
    position.ariaValueText = `${seconds.toFixed(1)} s`;
    this.timeline.show();
    the("#time").textContent = `${seconds.toFixed(1)} / ${duration.toFixed(1)} s`;
    the("#loop-all").disabled = player.loopStart === 0 && player.loopEnd === player.frames;
    this.hears.forEach((hear, index) => {
      hear.ariaPressed = String(player.wanted === index);
      hear.classList.toggle("sounding", player.sounding && player.current === index);
    });
  }

  loopFrom() {
    this.player.loop(this.player.position, this.player.loopEnd);
  }

  loopTo() {
    this.player.loop(this.player.loopStart, this.player.position);
  }

  /** @param {Record<string, () => void>} keys by `KeyboardEvent.key`, lower case */
  wireKeys(keys) {
    addEventListener("keydown", (event) => {
      const act = keys[event.key.toLowerCase()];
      if (!act || !this.player.ready) return;
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      if (event.key === " " && pressedBySpace(event.target)) return;
      event.preventDefault();
      if (!event.repeat) act();
    });
  }
}
