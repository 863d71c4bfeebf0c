/**
 * The time line of a page: its picture, where the playhead is, and the region that repeats, which is set by dragging.
 *
 * The picture is that of the open reference, or a plain line where a page has none, and stays the same whatever is heard:
 * a picture of what is being judged would tell the listener what it is.
 */

import { MIN_LOOP_S } from "./deck.js";

const BINS = 400;
const HALF = 50;
/** a pointer that moved by less was not dragged, in CSS pixels */
const DRAG_PX = 5;
const SVG = "http://www.w3.org/2000/svg";

/**
 * The largest magnitude, over all channels, in each of `bins` equal stretches of a sound.
 * @param {Float32Array[]} channels @param {number} bins
 */
export function envelope(channels, bins) {
  const frames = channels[0].length;
  return Float32Array.from({ length: bins }, (_, bin) => {
    const first = Math.floor((bin * frames) / bins);
    const end = Math.max(Math.floor(((bin + 1) * frames) / bins), first + 1);
    let peak = 0;
    for (const samples of channels) {
      for (let n = first; n < end; n++) peak = Math.max(peak, Math.abs(samples[n]));
    }
    return peak;
  });
}

/** The outline of an envelope, the loudest as high as the picture; a line where there is none. @param {Float32Array | null} peaks */
function outline(peaks) {
  const loudest = peaks ? Math.max(...peaks) : 0;
  if (!peaks || loudest === 0) return `M0,${HALF}H${BINS}`;
  const upper = Array.from(peaks, (peak, bin) => `${bin},${(HALF - (HALF * peak) / loudest).toFixed(1)}`);
  const lower = Array.from(peaks, (peak, bin) => `${bin},${(HALF + (HALF * peak) / loudest).toFixed(1)}`);
  return `M${[...upper, ...lower.reverse()].join("L")}Z`;
}

export class Timeline {
  /** @param {import("./player.js").Player} player @param {HTMLElement} element */
  constructor(player, element) {
    this.player = player;
    this.element = element;
    /** where a drag began, in frames @type {number | null} */
    this.from = null;
    this.pressedAt = 0;
    this.dragged = false;
    element.addEventListener("pointerdown", (event) => this.press(event));
    element.addEventListener("pointermove", (event) => this.drag(event));
    element.addEventListener("pointerup", (event) => this.release(event));
    element.addEventListener("pointercancel", () => {
      this.leave();
      this.show();
    });
  }

  /** Draw the open sound, if there is one. @param {Float32Array[] | null} channels */
  draw(channels) {
    const picture = document.createElementNS(SVG, "svg");
    picture.setAttribute("viewBox", `0 0 ${BINS} ${2 * HALF}`);
    picture.setAttribute("preserveAspectRatio", "none");
    picture.setAttribute("aria-hidden", "true");
    const path = document.createElementNS(SVG, "path");
    path.setAttribute("d", outline(channels && envelope(channels, BINS)));
    picture.append(path);
    this.element.prepend(picture);
  }

  /** Show the playhead, and the region unless one is being drawn. */
  show() {
    const { player } = this;
    this.element.style.setProperty("--at", String(player.position / player.frames));
    if (!this.dragged) this.mark(player.loopStart, player.loopEnd);
  }

  /** @param {number} start @param {number} end */
  mark(start, end) {
    const { element, player } = this;
    element.parentElement?.style.setProperty("--from", String(start / player.frames));
    element.parentElement?.style.setProperty("--to", String(end / player.frames));
    element.classList.toggle("whole", start === 0 && end === player.frames);
  }

  /** @param {PointerEvent} event */
  frameAt(event) {
    const { left, width } = this.element.getBoundingClientRect();
    const share = Math.min(Math.max((event.clientX - left) / width, 0), 1);
    return Math.round(share * this.player.frames);
  }

  /** @param {PointerEvent} event */
  press(event) {
    if (!this.player.ready || !event.isPrimary || event.button !== 0) return;
    this.element.setPointerCapture(event.pointerId);
    this.from = this.frameAt(event);
    this.pressedAt = event.clientX;
  }

  /** @param {PointerEvent} event */
  drag(event) {
    if (this.from === null) return;
    this.dragged ||= Math.abs(event.clientX - this.pressedAt) >= DRAG_PX;
    if (this.dragged) this.mark(...this.region(event));
  }

  /** @param {PointerEvent} event */
  release(event) {
    if (this.from === null) return;
    if (this.dragged) this.player.loop(...this.region(event));
    else this.player.seek(this.from);
    this.leave();
  }

  leave() {
    this.from = null;
    this.dragged = false;
  }

  /** The region dragged so far, as long as the least that may be repeated. @param {PointerEvent} event @returns {[number, number]} */
  region(event) {
    const { frames, rate } = this.player;
    const [start, end] = [this.from ?? 0, this.frameAt(event)].sort((one, other) => one - other);
    const least = Math.min(MIN_LOOP_S * rate, frames);
    const first = Math.min(start, frames - least);
    return [first, Math.max(end, first + least)];
  }
}
