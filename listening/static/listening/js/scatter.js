/** The points of a scatter: each plays its sound, beside the reference, and leads to where it came from. */

const heard = /** @type {HTMLElement} */ (document.querySelector("#heard"));
const drawn = /** @type {SVGAElement[]} */ (Array.from(document.querySelectorAll("svg .heard-point")));
const points = /** @type {(SVGAElement | HTMLAnchorElement)[]} */ (
  Array.from(document.querySelectorAll(".heard-point"))
);

/** @param {string} label @param {string} source */
function player(label, source) {
  const audio = document.createElement("audio");
  audio.controls = true;
  audio.preload = "none";
  audio.src = source;
  audio.ariaLabel = label;
  // one at a time
  audio.addEventListener("play", () => {
    for (const other of heard.querySelectorAll("audio")) if (other !== audio) other.pause();
  });
  const named = document.createElement("div");
  named.append(label, audio);
  return { audio, named };
}

/** @param {string} text @param {string} address */
function link(text, address) {
  const to = document.createElement("a");
  to.href = address;
  to.textContent = text;
  return to;
}

/** @param {SVGAElement | HTMLAnchorElement} point */
function hear(point) {
  const { name, score, rating, reference, pair, version, versionName } = point.dataset;
  for (const audio of heard.querySelectorAll("audio")) audio.pause();
  const said = document.createElement("p");
  said.append(`${name}: score ${score}, rated ${rating}. `, link("Its scores", pair ?? ""));
  if (version) said.append(" · ", link(`Made by ${versionName}`, version));
  const sound = player("Sound", point.getAttribute("href") ?? "");
  const players = document.createElement("div");
  players.className = "players";
  players.append(sound.named);
  if (reference) players.append(player("Reference", reference).named);
  heard.replaceChildren(said, players);
  for (const other of drawn) {
    other.classList.toggle("chosen", other.getAttribute("href") === point.getAttribute("href"));
  }
  // a browser that lets nothing play by itself leaves the button
  sound.audio.play().catch(() => undefined);
}

/** One point is reached by Tab, the others by the arrow keys. @param {number} place */
function reach(place) {
  drawn.forEach((point, n) => point.setAttribute("tabindex", n === place ? "0" : "-1"));
}

for (const point of points) {
  point.addEventListener("click", (event) => {
    event.preventDefault();
    hear(point);
  });
}
drawn.forEach((point, place) => {
  point.addEventListener("focus", () => reach(place));
  point.addEventListener("keydown", (event) => {
    const ways = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1 };
    const way = ways[/** @type {keyof typeof ways} */ (event.key)];
    if (way) {
      event.preventDefault();
      drawn[(place + way + drawn.length) % drawn.length].focus();
    } else if (event.key === " ") {
      event.preventDefault();
      hear(point);
    }
  });
});
if (drawn.length) reach(0);
