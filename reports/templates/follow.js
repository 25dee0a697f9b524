"use strict";
// A page that is served is loaded again when the server has another one: what its reader has
// unfolded or folded stays so, and in view stays what was in view. Kept for this tab alone.
{
  const { every, state } = document.currentScript.dataset; // seconds; "" of a page to wait at
  const KEY = `view ${location.pathname}`;
  // Records that have come change counts: a part is called after its words before the first number,
  // and what it lies in.
  function parts() {
    const named = new Map();
    for (const box of document.querySelectorAll("details")) {
      const said = box.querySelector(":scope > summary")?.textContent ?? "";
      const name = `${box.closest("[id]")?.id ?? ""} ${said.replace(/\s+/g, " ").split(/\d/)[0].trim()}`;
      let free = name;
      for (let n = 2; named.has(free); n += 1) free = `${name} ${n}`;
      named.set(free, box);
    }
    return named;
  }
  let kept = null;
  try {
    kept = JSON.parse(sessionStorage.getItem(KEY));
  } catch { /* a browser that keeps nothing */ }
  if (kept) {
    const isSame = kept.address === location.href; // else a link has led here: its target stays open
    const target = document.getElementById(location.hash.slice(1));
    for (const [name, box] of parts()) {
      if (name in kept.folds && (isSame || !target || !box.contains(target))) box.open = kept.folds[name];
    }
    if (isSame) scrollTo({ top: kept.top, behavior: "instant" });
  }
  async function ask() {
    try {
      const now = await (await fetch("state", { cache: "no-store" })).text();
      if (now && now !== state) return location.reload();
    } catch { /* the server has ended; another one may follow it */ }
    setTimeout(ask, 1000 * every);
  }
  setTimeout(ask, 1000 * every);
  addEventListener("pagehide", () => {
    if (!state) return; // of a page with nothing to keep
    const folds = Object.fromEntries([...parts()].map(([name, box]) => [name, box.open]));
    try {
      sessionStorage.setItem(KEY, JSON.stringify({ address: location.href, top: scrollY, folds }));
    } catch { /* likewise */ }
  });
}
