/** The review room: one sound at a time, comments on the moment that plays, and back to a moment by a click. */

const sections = /** @type {HTMLElement[]} */ (Array.from(document.querySelectorAll("[data-heard]")));
const players = /** @type {HTMLAudioElement[]} */ (Array.from(document.querySelectorAll("main audio")));

for (const audio of players) {
  audio.addEventListener("play", () => {
    for (const other of players) if (other !== audio) other.pause();
  });
}

/** @param {HTMLElement} section */
function mainPlayer(section) {
  return /** @type {HTMLAudioElement | null} */ (section.querySelector("audio[data-main]"));
}

/** Write the playhead's second into the form, and go to the comment. @param {HTMLElement} section */
function takeMoment(section) {
  const at = /** @type {HTMLInputElement | null} */ (section.querySelector("input[name=at]"));
  const text = /** @type {HTMLInputElement | null} */ (section.querySelector("input[name=text]"));
  const audio = mainPlayer(section);
  if (!at || !text || !audio) return;
  at.value = audio.currentTime.toFixed(2);
  text.focus();
}

for (const section of sections) {
  const button = /** @type {HTMLButtonElement | null} */ (section.querySelector("[data-moment]"));
  if (button) {
    button.hidden = false;
    button.addEventListener("click", () => takeMoment(section));
  }
  section.addEventListener("click", (event) => {
    const jump = /** @type {HTMLElement} */ (event.target).closest("[data-jump]");
    const audio = mainPlayer(section);
    if (!(jump instanceof HTMLElement) || !audio) return;
    audio.currentTime = Number(jump.dataset.jump);
    audio.play().catch(() => undefined);
  });
  section.addEventListener("htmx:afterRequest", (event) => {
    const form = event.target;
    if (!(form instanceof HTMLFormElement)) return;
    const refused = section.querySelector("[id^=said-] .errorlist");
    const text = /** @type {HTMLInputElement | null} */ (form.querySelector("input[name=text]"));
    if (text && !refused) text.value = "";
  });
}

document.addEventListener("keydown", (event) => {
  const typing = event.target instanceof HTMLElement && event.target.matches("input:not([type=radio], [type=checkbox]), textarea, select");
  if (event.key.toLowerCase() !== "m" || typing || event.ctrlKey || event.metaKey || event.altKey) return;
  const playing = players.find((audio) => !audio.paused) ?? (document.activeElement instanceof HTMLAudioElement ? document.activeElement : undefined);
  const section = playing?.closest("[data-heard]");
  if (section instanceof HTMLElement) {
    event.preventDefault();
    takeMoment(section);
  }
});
