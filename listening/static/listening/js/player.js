/**
 * Plays a page's sounds through the deck: one context, one worklet, one volume.
 *
 * Events: "load" while loading (`share`), "state" whenever what is heard or where the playhead is changes.
 */

import { loadAll, SoundsLost } from "./loading.js";

const VOLUME_KEY = "earwitness:volume";
/** time constant of a change of volume: no click, no wait */
const VOLUME_S = 0.01;

export class Player extends EventTarget {
  /**
   * @param {string[]} urls @param {number} rate Hz, of all sounds
   * @param {{once?: boolean, openSound?: number}} options `once`: end at the end instead of repeating; `openSound`: index
   *   of the sound that hides nothing and may be drawn, −1 where there is none
   */
  constructor(urls, rate, { once = false, openSound = -1 } = {}) {
    super();
    this.once = once;
    this.openSound = openSound;
    /** the samples of that sound, by channel @type {Float32Array[] | null} */
    this.open = null;
    this.urls = urls;
    this.rate = rate;
    /** what is heard, from the deck's last report */
    this.current = -1;
    this.sounding = false;
    this.position = 0;
    this.frames = 0;
    this.loopStart = 0;
    this.loopEnd = 0;
    /** of each sound: frames heard, and whether its end was @type {number[]} */
    this.heard = urls.map(() => 0);
    /** @type {boolean[]} */
    this.ended = urls.map(() => false);
    /** the sounds that could not be loaded, also where another try could @type {Set<number>} */
    this.failed = new Set();
    /** Hz, of the output device; 0: not known yet */
    this.deviceRate = 0;
    /** whether what is played once has come to its end */
    this.over = false;
    /** what was last asked for */
    this.wanted = -1;
    this.playing = false;
    this.share = 0;
    /** @type {AudioContext | null} */
    this.context = null;
    /** @type {AudioWorkletNode | null} */
    this.deck = null;
    /** @type {GainNode | null} */
    this.gain = null;
  }

  get ready() {
    return this.deck !== null;
  }

  /** Load every sound and build the graph; the context waits, suspended, for the first gesture. */
  async load() {
    if (typeof AudioWorkletNode === "undefined") throw new Error("no AudioWorklet in this browser");
    const context = this.context ?? new AudioContext({ sampleRate: this.rate, latencyHint: "interactive" });
    this.context = context;
    this.deviceRate ||= await deviceRate();
    const module = context.audioWorklet.addModule(new URL("./deck-processor.js", import.meta.url));
    const stimuli = await loadAll(this.urls, context, (share) => {
      this.share = share;
      this.dispatchEvent(new Event("load"));
    }).catch((error) => {
      if (error instanceof SoundsLost) for (const index of error.failed) this.failed.add(index);
      throw error;
    });
    await module;
    this.frames = this.loopEnd = stimuli[0][0].length;
    this.open = stimuli[this.openSound] ?? null;
    this.gain = new GainNode(context, { gain: storedVolume() });
    this.deck = deckNode(context, stimuli, { once: this.once });
    this.deck.connect(this.gain).connect(context.destination);
    this.deck.port.onmessage = ({ data }) => {
      Object.assign(this, data);
      if (this.over) this.playing = false;
      this.changed();
    };
    this.changed();
  }

  /** Hear stimulus `index`, from where the playhead is. Call it in a gesture. @param {number} index */
  select(index) {
    this.wanted = index;
    this.parameter("stimulus", index);
    this.play();
  }

  /** Call it in a gesture. */
  play() {
    if (this.wanted < 0) return this.select(0);
    this.playing = true;
    this.parameter("playing", 1);
    this.context?.resume();
    this.changed();
  }

  pause() {
    this.playing = false;
    this.parameter("playing", 0);
    this.changed();
  }

  toggle() {
    if (this.playing) this.pause();
    else this.play();
  }

  /** Call it in a gesture. @param {number} frame */
  seek(frame) {
    this.tell({ seek: frame });
  }

  /** Call it in a gesture. @param {number} start @param {number} end in frames */
  loop(start, end) {
    this.tell({ loop: { start, end } });
  }

  /** @param {object} message */
  tell(message) {
    this.deck?.port.postMessage(message);
    // a deck that does not run, were it only in silence, does not report either
    this.context?.resume();
  }

  /** @param {number} index of a sound */
  secondsHeard(index) {
    return this.heard[index] / this.rate;
  }

  get volume() {
    return this.gain ? this.gain.gain.value : storedVolume();
  }

  /** @param {number} gain 0 … 1 */
  setVolume(gain) {
    this.gain?.gain.setTargetAtTime(gain, this.gain.context.currentTime, VOLUME_S);
    try {
      localStorage.setItem(VOLUME_KEY, String(gain));
    } catch {
      // without storage the next page starts at full volume, as the first did
    }
  }

  /** @param {"stimulus" | "playing"} name @param {number} value */
  parameter(name, value) {
    const parameter = this.deck?.parameters.get(name);
    if (parameter) parameter.value = value;
  }

  changed() {
    this.dispatchEvent(new Event("state"));
  }
}

/**
 * The deck in `context`, which must have its module.
 * @param {BaseAudioContext} context @param {Float32Array[][]} stimuli @param {{once?: boolean}} options
 */
export function deckNode(context, stimuli, { once = false } = {}) {
  return new AudioWorkletNode(context, "deck", {
    numberOfInputs: 0,
    outputChannelCount: [Math.max(...stimuli.map((channels) => channels.length))],
    processorOptions: { stimuli, once },
  });
}

/** The rate of a context that asks for none is the device's. */
async function deviceRate() {
  const context = new AudioContext();
  const { sampleRate } = context;
  await context.close();
  return sampleRate;
}

function storedVolume() {
  try {
    return Number(localStorage.getItem(VOLUME_KEY) ?? 1);
  } catch {
    return 1;
  }
}
