// Sends a form with files and shows how much has gone; without this module the form is a plain one.

const form = /** @type {HTMLFormElement | null} */ (document.querySelector("form[data-upload]"));

/** @param {File} file */
const pathOf = (file) => file.webkitRelativePath || file.name;

/** @param {HTMLFormElement} form */
function enhance(form) {
  const files = /** @type {HTMLInputElement} */ (form.elements.namedItem("sounds"));
  const paths = /** @type {HTMLInputElement} */ (form.elements.namedItem("paths"));
  const folder = /** @type {HTMLInputElement} */ (form.querySelector("#whole-folder"));
  const shown = /** @type {HTMLElement} */ (form.querySelector("[data-progress]"));
  const bar = /** @type {HTMLProgressElement} */ (shown.querySelector("progress"));
  const said = /** @type {HTMLElement} */ (shown.querySelector("p"));
  const button = /** @type {HTMLButtonElement} */ (form.querySelector("button"));
  /** @type {HTMLElement} */ (form.querySelector("[data-folder]")).hidden = false;

  form.addEventListener("submit", (event) => {
    const chosen = [...(files.files ?? []), ...(folder.files ?? [])];
    const source = new FormData(form).get("source");
    if (source !== "files" || !chosen.length) return;
    event.preventDefault();
    paths.value = JSON.stringify(chosen.map(pathOf));
    const data = new FormData(form);
    data.delete("sounds");
    for (const file of chosen) data.append("sounds", file);
    const request = new XMLHttpRequest();
    request.upload.addEventListener("progress", ({ loaded, total }) => {
      bar.value = loaded / total;
      const megabytes = (loaded / 1e6).toFixed(1);
      said.textContent =
        loaded < total ? `${megabytes} of ${(total / 1e6).toFixed(1)} MB sent` : "All sent; every sound is being read.";
    });
    request.addEventListener("load", () => {
      if (request.status < 300 && request.responseURL !== location.href) {
        location.assign(request.responseURL);
      } else {
        show(request.responseText);
      }
    });
    request.addEventListener("error", () => {
      said.textContent = "The connection was lost. Nothing was kept; please send it again.";
      button.disabled = false;
    });
    shown.hidden = false;
    button.disabled = true;
    request.open("POST", form.action);
    request.send(data);
  });
}

/** Puts what a refused form says above this one, whose choices stay. @param {string} html */
function show(html) {
  const answer = new DOMParser().parseFromString(html, "text/html");
  const main = /** @type {HTMLElement} */ (document.querySelector("main"));
  for (const old of main.querySelectorAll(".errorlist")) old.remove();
  const reasons = [...answer.querySelectorAll("main .errorlist")];
  const alert = document.createElement("div");
  alert.setAttribute("role", "alert");
  alert.append(...(reasons.length ? reasons : [document.createTextNode("The server could not take this.")]));
  form?.before(alert);
  alert.scrollIntoView({ block: "center" });
  const button = form?.querySelector("button");
  if (button) button.disabled = false;
  const shown = /** @type {HTMLElement | null} */ (form?.querySelector("[data-progress]"));
  if (shown) shown.hidden = true;
}

if (form) enhance(form);
