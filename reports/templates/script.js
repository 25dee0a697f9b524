"use strict";
// Without this script everything is still there: it opens what a link points into, and copies.
function reveal() {
  const target = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (!target) return;
  for (let box = target.closest("details"); box; box = box.parentElement.closest("details")) {
    box.open = true;
  }
  target.scrollIntoView();
}
addEventListener("hashchange", reveal);
reveal();

let opened = [];
addEventListener("beforeprint", () => {
  opened = [...document.querySelectorAll(":is(details.how, details.more):not([open])")];
  opened.forEach((box) => { box.open = true; });
});
addEventListener("afterprint", () => opened.forEach((box) => { box.open = false; }));

document.addEventListener("click", async (event) => {
  const button = event.target.closest("button[data-full]");
  if (!button) return;
  const shown = button.textContent;
  try {
    await navigator.clipboard.writeText(button.dataset.full);
    button.textContent = "copied";
    setTimeout(() => { button.textContent = shown; }, 1200);
  } catch {
    button.textContent = button.dataset.full;
  }
});
