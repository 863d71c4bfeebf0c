/** Fetch a page's sounds, with progress and patience, and decode them. */

const ATTEMPTS = 4;
const FIRST_WAIT_MS = 500;

/** Some sounds could not be fetched or decoded; `failed` are their places. */
export class SoundsLost extends Error {
  /** @param {number[]} failed @param {unknown} cause */
  constructor(failed, cause) {
    super(`sounds that could not be loaded: ${failed.join(", ")}`, { cause });
    this.failed = failed;
  }
}

/**
 * Fetch and decode all of `urls`; `onProgress` hears the share loaded, 0 … 1. Throws `SoundsLost`.
 * @param {string[]} urls
 * @param {BaseAudioContext} context decodes, at its own rate
 * @param {(share: number) => void} onProgress
 * @returns {Promise<Float32Array[][]>} by stimulus, then channel
 */
export async function loadAll(urls, context, onProgress) {
  const shares = urls.map(() => 0);
  const settled = await Promise.allSettled(
    urls.map(async (url, index) => {
      const bytes = await patiently(() =>
        fetchBytes(url, (share) => {
          shares[index] = share;
          onProgress(shares.reduce((sum, one) => sum + one, 0) / shares.length);
        }),
      );
      const buffer = await context.decodeAudioData(bytes);
      return Array.from({ length: buffer.numberOfChannels }, (_, c) => buffer.getChannelData(c));
    }),
  );
  const lost = settled.flatMap((one, index) => (one.status === "rejected" ? [index] : []));
  if (lost.length) throw new SoundsLost(lost, /** @type {PromiseRejectedResult} */ (settled[lost[0]]).reason);
  const sounds = settled.map((one) => /** @type {PromiseFulfilledResult<Float32Array[]>} */ (one).value);
  const lengths = new Set(sounds.map((channels) => channels[0].length));
  if (lengths.size > 1) throw new Error(`sounds of different lengths: ${[...lengths].join(", ")}`);
  return sounds;
}

/**
 * Fetch sounds that will be wanted next, one after the other and behind everything else, for the browser to keep.
 * @param {string[]} urls
 */
export async function fetchAhead(urls) {
  for (const url of urls) {
    try {
      const response = await fetch(url, /** @type {RequestInit} */ ({ priority: "low" }));
      await response.arrayBuffer();
    } catch {
      // the page that wants it will ask again
      return;
    }
  }
}

/**
 * Try again after a while when it fails, a few times.
 * @template T @param {() => Promise<T>} attempt @returns {Promise<T>}
 */
async function patiently(attempt) {
  for (let tried = 1; ; tried++) {
    try {
      return await attempt();
    } catch (error) {
      if (tried === ATTEMPTS) throw error;
      await new Promise((resolve) => setTimeout(resolve, FIRST_WAIT_MS * 2 ** (tried - 1)));
    }
  }
}

/** @param {string} url @param {(share: number) => void} onShare @returns {Promise<ArrayBuffer>} */
async function fetchBytes(url, onShare) {
  const response = await fetch(url);
  if (!response.ok || !response.body) throw new Error(`${response.status} for a sound`);
  const total = Number(response.headers.get("Content-Length"));
  if (!total) return response.arrayBuffer();
  const bytes = new Uint8Array(total);
  const reader = response.body.getReader();
  let received = 0;
  for (let piece = await reader.read(); !piece.done; piece = await reader.read()) {
    bytes.set(piece.value, received);
    received += piece.value.length;
    onShare(received / total);
  }
  if (received !== total) throw new Error(`expected ${total} bytes of a sound, found ${received}`);
  return bytes.buffer;
}
