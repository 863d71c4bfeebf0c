/** What this visit to the page was like, told to the server when the page is left. */

const CLOCK_EVERY_MS = 1000;
/** the sound clock this far behind since the last look: a gap was heard */
const LAG_S = 0.1;
const MAX_CHANGES = 50;

const seconds = (/** @type {number} */ ms) => Math.round(ms) / 1000;

export class Telemetry {
  /** @param {import("./player.js").Player} player @param {string[]} labels of the sounds, in the player's order */
  constructor(player, labels) {
    this.player = player;
    this.labels = labels;
    this.id = crypto.randomUUID();
    this.opened = performance.now();
    this.hidden = 0;
    /** @type {number | null} */
    this.hiddenSince = document.hidden ? this.opened : null;
    this.dropOuts = 0;
    /** @type {[number, number][]} */
    this.volume = [];
    /** @type {{sound: number, wall: number} | null} */
    this.clock = null;
    document.addEventListener("visibilitychange", () => this.look());
    setInterval(() => this.compareClocks(), CLOCK_EVERY_MS);
  }

  look() {
    const now = performance.now();
    if (document.hidden) this.hiddenSince ??= now;
    else if (this.hiddenSince !== null) {
      this.hidden += now - this.hiddenSince;
      this.hiddenSince = null;
    }
  }

  /** While it runs, the clock of the sound keeps up with the wall's, or sound was missing. */
  compareClocks() {
    const { context } = this.player;
    if (context?.state !== "running") {
      this.clock = null;
      return;
    }
    const now = { sound: context.currentTime, wall: performance.now() / 1000 };
    if (this.clock && now.wall - this.clock.wall - (now.sound - this.clock.sound) > LAG_S) this.dropOuts += 1;
    this.clock = now;
  }

  /** @param {number} db */
  volumeChanged(db) {
    if (this.volume.length === MAX_CHANGES) this.volume.shift();
    this.volume.push([seconds(performance.now() - this.opened), db]);
  }

  get body() {
    const { player, labels } = this;
    const now = performance.now();
    const hidden = this.hidden + (this.hiddenSince === null ? 0 : now - this.hiddenSince);
    return {
      open_s: seconds(now - this.opened),
      hidden_s: seconds(hidden),
      device_rate: player.deviceRate,
      latency_s: player.context?.outputLatency ?? 0,
      drop_outs: this.dropOuts,
      heard: Object.fromEntries(labels.map((label, index) => [label, seconds(1000 * player.secondsHeard(index))])),
      ended: labels.filter((_, index) => player.ended[index]),
      volume: this.volume,
      ...(player.failed.size ? { failed: labels.filter((_, index) => player.failed.has(index)) } : {}),
    };
  }
}
