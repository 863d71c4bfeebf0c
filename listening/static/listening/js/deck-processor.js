/** The deck as an AudioWorklet: parameters say what is wanted, messages seek and loop, reports say what is heard. */

import { Deck } from "./deck.js";

const REPORT_EVERY_S = 0.03;

class DeckProcessor extends AudioWorkletProcessor {
  static get parameterDescriptors() {
    return [
      { name: "stimulus", defaultValue: -1, minValue: -1, automationRate: "a-rate" },
      { name: "playing", defaultValue: 0, minValue: 0, maxValue: 1, automationRate: "a-rate" },
    ];
  }

  /** @param {{processorOptions: {stimuli: Float32Array[][], once: boolean}}} options */
  constructor({ processorOptions: { stimuli, once } }) {
    super();
    this.deck = new Deck(stimuli, sampleRate, { once });
    this.reported = "";
    this.reportedAt = 0;
    this.port.onmessage = ({ data }) => {
      if (data.seek !== undefined) this.deck.seek(data.seek);
      if (data.loop !== undefined) this.deck.loop(data.loop.start, data.loop.end);
      this.reported = "";
    };
  }

  /**
   * @param {Float32Array[][]} _inputs @param {Float32Array[][]} outputs
   * @param {Record<string, Float32Array>} parameters
   */
  process(_inputs, [output], { stimulus, playing }) {
    this.deck.render(output, stimulus, playing);
    this.report();
    return true;
  }

  /** Say what is heard when it changes, and where the playhead is while it moves. */
  report() {
    const { current, open, position, loopStart, loopEnd, over, heard, ended } = this.deck;
    const sounding = open > 0;
    const state = `${current} ${sounding} ${over}`;
    const due = sounding && currentTime - this.reportedAt >= REPORT_EVERY_S;
    if (state === this.reported && !due) return;
    this.reported = state;
    this.reportedAt = currentTime;
    this.port.postMessage({ current, sounding, position, loopStart, loopEnd, over, heard, ended });
  }
}

registerProcessor("deck", DeckProcessor);
