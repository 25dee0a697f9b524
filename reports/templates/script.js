"use strict";
// Without this script everything is still there: it opens what a link points into, and copies.

// How much the bar covers, above what is jumped to and what else stays in view, depends on the rows.
const bar = document.querySelector(".bar");
const cover = () => document.documentElement.style.setProperty("--covered", `${bar.offsetHeight}px`);
cover();
new ResizeObserver(cover).observe(bar);

// Without scripts there is no query browser to lead to.
for (const link of document.querySelectorAll(".bar nav a[hidden]")) link.hidden = false;

function reveal() {
  const target = document.getElementById(location.hash.slice(1)); // names of parts need no escapes
  if (!target) return;
  for (let box = target.closest("details"); box; box = box.parentElement.closest("details")) {
    box.open = true;
  }
  (target.checkVisibility() ? target : target.closest("article"))?.scrollIntoView(); // not all is of the chosen data set
}
addEventListener("hashchange", reveal);
reveal();

// On paper nothing can be unfolded; but the records alone would fill hundreds of sheets.
let opened = [];
addEventListener("beforeprint", () => {
  opened = [...document.querySelectorAll("details:not([open], .cells)")];
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
