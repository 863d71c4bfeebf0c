/** The picture beside the editor follows the part that is being edited. */

let part = "";

document.querySelector("#editor")?.addEventListener("focusin", (event) => {
  const panel = event.target instanceof Element ? event.target.closest("[data-part]") : null;
  const pages = document.querySelector("#live-page");
  if (!(panel instanceof HTMLElement) || !(pages instanceof HTMLSelectElement)) return;
  const wanted = panel.dataset.part ?? "";
  if (wanted === part) return;
  part = wanted;
  const first = [...pages.options].find((one) => one.dataset.part === wanted);
  if (!first || first.selected) return;
  pages.value = first.value;
  pages.dispatchEvent(new Event("change", { bubbles: true }));
});
