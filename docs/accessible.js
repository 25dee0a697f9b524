// What the theme of zensical leaves out for keyboards and screen readers. It wraps tables and adds
// buttons after the page has loaded, so every change of the page is gone through.
function complete() {
  for (const wide of document.querySelectorAll(".md-typeset__scrollwrap:not([tabindex])")) wide.tabIndex = 0;
  document.querySelectorAll(".md-code__nav").forEach((nav, place) => nav.setAttribute("aria-label", `Code ${place + 1}`));
  for (const head of document.querySelectorAll("th:empty:not([role])")) head.setAttribute("role", "cell");
}

complete();
new MutationObserver(complete).observe(document.body, { childList: true, subtree: true });
