/**
 * The sound of a page: all stimuli of equal length under one playhead, so that whatever is heard is heard in step.
 *
 * Every switch, pause, jump and loop fades out and then in with a raised cosine of 5 ms, never across (ITU-R
 * BS.1534-3). The playhead runs on while fading: a switch costs no time and a loop has no gap.
 *
 * Pure: no Web Audio in here, so that any host can run it (the worklet does).
 */

export const FADE_S = 0.005;
export const MIN_LOOP_S = 0.5;

export class Deck {
  /**
   * @param {Float32Array[][]} stimuli by stimulus, then channel; all of one length
   * @param {number} rate frames per second
   * @param {{once?: boolean}} options `once`: fall silent at the end instead of repeating
   */
  constructor(stimuli, rate, { once = false } = {}) {
    this.once = once;
    /** whether what is played once has come to its end */
    this.over = false;
    this.stimuli = stimuli;
    this.frames = stimuli[0][0].length;
    this.fade = Math.round(FADE_S * rate);
    this.minLoop = Math.round(MIN_LOOP_S * rate);
    /** gain after k of `fade` frames of fading in: ½(1 − cos πk/N) */
    this.curve = Float32Array.from(
      { length: this.fade + 1 },
      (_, k) => (1 - Math.cos((Math.PI * k) / this.fade)) / 2,
    );
    /** how many frames of each stimulus were heard, and whether its end was */
    this.heard = stimuli.map(() => 0);
    this.ended = stimuli.map(() => false);
    /** which stimulus is heard, or fading; −1: none yet */
    this.current = -1;
    /** the next frame to be heard */
    this.position = 0;
    /** how far the current stimulus is faded in: 0 … fade */
    this.open = 0;
    /** where to go as soon as it is silent @type {number | null} */
    this.jump = null;
    this.loopStart = 0;
    this.loopEnd = this.frames;
  }

  /** Go to `frame`, within the loop; what was over begins anew. @param {number} frame */
  seek(frame) {
    this.over = false;
    this.jump = Math.min(Math.max(Math.round(frame), this.loopStart), this.loopEnd - 1);
  }

  /**
   * Repeat from `start` up to `end`; a region shorter than the least allowed grows at its end, or else its start.
   * @param {number} start @param {number} end
   */
  loop(start, end) {
    const first = Math.min(Math.max(Math.round(start), 0), Math.max(this.frames - this.minLoop, 0));
    this.loopStart = first;
    this.loopEnd = Math.min(Math.max(Math.round(end), first + this.minLoop), this.frames);
    if (this.position < this.loopStart || this.position >= this.loopEnd) this.seek(this.loopStart);
  }

  /**
   * Fill `output` (by channel) with the next frames. `wanted` is the stimulus to be heard and `playing` > 0.5 while
   * anything is, each one value for all frames or one for every frame.
   * @param {Float32Array[]} output @param {Float32Array} wanted @param {Float32Array} playing
   */
  render(output, wanted, playing) {
    const length = output[0].length;
    for (let i = 0; i < length; i++) {
      const want = Math.round(wanted.length > 1 ? wanted[i] : wanted[0]);
      const on = (playing.length > 1 ? playing[i] : playing[0]) > 0.5 && want >= 0 && !this.over;
      const stay = on && want === this.current && this.jump === null;
      if (!stay && this.open > 0) this.open -= 1;
      else if (stay && this.open < this.fade) this.open += 1;
      if (this.open === 0) {
        if (on) this.current = want;
        if (this.jump !== null) this.position = this.jump;
        this.jump = null;
        if (!on) {
          for (const channel of output) channel[i] = 0;
          continue;
        }
      }
      const fromStart = this.position - this.loopStart + 1;
      const toEnd = this.loopEnd - this.position;
      const gain = this.curve[Math.max(0, Math.min(this.open, fromStart, toEnd))];
      const stimulus = this.stimuli[this.current];
      for (let c = 0; c < output.length; c++) {
        output[c][i] = gain * stimulus[Math.min(c, stimulus.length - 1)][this.position];
      }
      this.heard[this.current] += 1;
      this.position += 1;
      if (this.position === this.frames) this.ended[this.current] = true;
      if (this.position < this.loopEnd) continue;
      this.position = this.loopStart;
      if (this.once) {
        // it has faded out
        this.over = true;
        this.open = 0;
      }
    }
  }
}
