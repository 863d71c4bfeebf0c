// Sends a form with files and shows how much has gone; without this module the form is a plain one.
//
// The files go before the form, piece by piece (listening/parcels.py): a lost connection costs one piece, and the same
// files chosen again, after a reload or tomorrow, go on where they stopped.

const form = /** @type {HTMLFormElement | null} */ (document.querySelector("form[data-upload]"));
// files on their way at once: enough that many small ones do not wait for each other's answers
const LANES = 3;
const LONGEST_WAIT_S = 30;

/** @param {File} file */
const pathOf = (file) => file.webkitRelativePath || file.name;
/** @param {number} bytes */
const megabytes = (bytes) => (bytes / 1e6).toFixed(1);

/** What the server will not take; the message is its sentence. */
class Refused extends Error {}
/** Somebody pressed the button. */
class Stopped extends Error {}

/** @param {HTMLFormElement} form */
function enhance(form) {
  const files = /** @type {HTMLInputElement} */ (form.elements.namedItem("sounds"));
  const parcel = /** @type {HTMLInputElement} */ (form.elements.namedItem("parcel"));
  const folder = /** @type {HTMLInputElement | null} */ (form.querySelector("#whole-folder"));
  const shown = /** @type {HTMLElement} */ (form.querySelector("[data-progress]"));
  const bar = /** @type {HTMLProgressElement} */ (shown.querySelector("progress"));
  const said = /** @type {HTMLElement} */ (shown.querySelector("p"));
  const stop = /** @type {HTMLButtonElement} */ (shown.querySelector("[data-stop]"));
  const button = /** @type {HTMLButtonElement} */ (form.querySelector("button:not([type])"));
  const field = /** @type {HTMLElement | null} */ (form.querySelector("[data-folder]"));
  if (field) field.hidden = false;

  form.addEventListener("submit", async (event) => {
    const chosen = [...(files.files ?? []), ...(folder?.files ?? [])];
    const source = new FormData(form).get("source");
    if (source !== "files" || !chosen.length) return;
    event.preventDefault();
    shown.hidden = false;
    stop.hidden = false;
    button.disabled = true;
    const sending = new Sending(form, (held, total, waiting) => {
      bar.value = held / total;
      const sent = `${megabytes(held)} of ${megabytes(total)} MB sent`;
      said.textContent = waiting ? `${sent}. The connection is lost; trying again in ${waiting} s.` : sent;
    });
    stop.onclick = () => sending.stop();
    try {
      parcel.value = await sending.all(chosen);
      stop.hidden = true;
      said.textContent = "All sent; it is being read.";
      const data = new FormData(form);
      data.delete("sounds");
      const response = await fetch(form.action, { method: "POST", body: data, headers: { "X-Sending": "1" } });
      const onward = response.headers.get("X-Onward");
      if (onward) location.assign(onward);
      else if (response.ok && response.url !== location.href) location.assign(response.url);
      else show(await response.text());
    } catch (error) {
      button.disabled = false;
      stop.hidden = true;
      if (error instanceof Refused) show("", error.message);
      else if (error instanceof Stopped) said.textContent = "Stopped. What was sent is kept for a day: choose the same files to go on.";
      else said.textContent = "The connection was lost. What was sent is kept for a day: send the same files again to go on.";
    }
  });
}

/** All pieces of all files, each sent again until it is there. */
class Sending {
  /**
   * @param {HTMLFormElement} form
   * @param {(held: number, total: number, waiting: number) => void} tell
   */
  constructor(form, tell) {
    this.address = /** @type {string} */ (form.dataset.parcels);
    const token = /** @type {HTMLInputElement} */ (form.elements.namedItem("csrfmiddlewaretoken"));
    this.headers = { "X-CSRFToken": token.value };
    this.tell = tell;
    this.stopping = new AbortController();
    /** @type {(waiting?: number) => void} */
    this.told = () => {};
  }

  stop() {
    this.stopping.abort();
  }

  /** @param {File[]} files @returns {Promise<string>} the parcel's key */
  async all(files) {
    const total = files.reduce((sum, file) => sum + file.size, 0);
    const list = JSON.stringify(files.map((file) => [pathOf(file), file.size]));
    const headers = { "Content-Type": "application/json" };
    const { key, held, piece } = await this.ask(this.address, { method: "POST", body: list, headers });
    const here = () => held.reduce((/** @type {number} */ sum, /** @type {number} */ one) => sum + one, 0);
    this.told = (waiting = 0) => this.tell(here(), total, waiting);
    let next = 0;
    const lane = async () => {
      while (next < files.length) {
        const number = next++;
        const file = files[number];
        while (held[number] < file.size) {
          const offset = held[number];
          const address = `${this.address}${key}/${number}/?offset=${offset}`;
          const answer = await this.ask(address, { method: "PUT", body: file.slice(offset, offset + piece) });
          held[number] = answer.held;
          this.told();
        }
      }
    };
    this.told();
    await Promise.all(Array.from({ length: LANES }, lane));
    return key;
  }

  /** One request, again until it is answered. @param {string} address @param {RequestInit} request */
  async ask(address, request) {
    for (let wait = 1; ; wait = Math.min(2 * wait, LONGEST_WAIT_S)) {
      if (this.stopping.signal.aborted) throw new Stopped();
      let answer = null;
      try {
        const headers = { ...this.headers, .../** @type {Record<string, string>} */ (request.headers ?? {}) };
        answer = await fetch(address, { ...request, headers, redirect: "manual", signal: this.stopping.signal });
      } catch {
        // no answer at all: the network, or the button
      }
      if (answer && (answer.ok || answer.status === 409)) return answer.json();
      if (answer && answer.status < 500) throw new Refused(await sentenceOf(answer));
      if (answer && answer.status === 507) throw new Refused(await sentenceOf(answer));
      if (!this.stopping.signal.aborted) await this.pause(wait);
    }
  }

  /** @param {number} seconds */
  pause(seconds) {
    this.told(seconds);
    return new Promise((done) => {
      const timer = setTimeout(done, 1000 * seconds);
      this.stopping.signal.addEventListener("abort", () => (clearTimeout(timer), done(null)), { once: true });
    });
  }
}

/** @param {Response} answer */
async function sentenceOf(answer) {
  try {
    return (await answer.json()).sentence;
  } catch {
    return "The server asks who you are. Sign in again in another tab, and send the same files again: what was sent is kept for a day.";
  }
}

/** Puts what a refused form says, or a sentence, above this one, whose choices stay. @param {string} html @param {string} [sentence] */
function show(html, sentence = "The server could not take this.") {
  const answer = new DOMParser().parseFromString(html, "text/html");
  const main = /** @type {HTMLElement} */ (document.querySelector("main"));
  for (const old of main.querySelectorAll(".errorlist")) old.remove();
  const reasons = [...answer.querySelectorAll("main .errorlist")];
  const alert = document.createElement("div");
  alert.setAttribute("role", "alert");
  alert.append(...(reasons.length ? reasons : [paragraph(sentence)]));
  form?.before(alert);
  alert.scrollIntoView({ block: "center" });
  const button = /** @type {HTMLButtonElement | null | undefined} */ (form?.querySelector("button:not([type])"));
  if (button) button.disabled = false;
  const shown = /** @type {HTMLElement | null} */ (form?.querySelector("[data-progress]"));
  if (shown) shown.hidden = true;
}

/** @param {string} sentence */
function paragraph(sentence) {
  const made = document.createElement("p");
  made.className = "errorlist";
  made.textContent = sentence;
  return made;
}

if (form) enhance(form);
