// The table "All numbers": sorted by its heads, filtered by words and choices. It stays as it is
// printed here without this script, which therefore makes all of the controls visible itself.
// No library: those that come as packages of Python bring 600 kB of script or a notebook with them.
{
  const table = document.getElementById("all-numbers");
  const body = table.tBodies[0];
  const heads = [...table.tHead.rows[0].cells];
  const asWritten = [...body.rows];
  const find = document.getElementById("numbers-find");
  const count = document.getElementById("numbers-count");
  const choices = [...document.querySelectorAll("#numbers select")];
  const inWords = new Intl.Collator("en", { numeric: true });

  const valueOf = (line, place) => {
    const cell = line.cells[place];
    if ("text" in heads[place].dataset) return cell.textContent;
    return "value" in cell.dataset ? Number(cell.dataset.value) : null;
  };
  const ascending = (a, b) => (typeof a === "string" ? inWords.compare(a, b) : a - b);

  function sort(place, direction) {
    const sign = direction === "ascending" ? 1 : -1;
    const lines = [...body.rows].map((line) => [valueOf(line, place), line]);
    lines.sort(([a], [b]) => {
      if (a === null || b === null) return (a === null) - (b === null);
      return sign * ascending(a, b);
    });
    body.append(...lines.map(([, line]) => line));
    heads.forEach((head, at) => {
      if (at === place) head.setAttribute("aria-sort", direction);
      else head.removeAttribute("aria-sort");
    });
  }

  function filter() {
    const asked = find.value.toLocaleLowerCase("en").split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const line of asWritten) {
      const named = [...line.querySelectorAll(".row, .set")].map((c) => c.textContent).join(" ");
      const fits = asked.every((word) => named.toLocaleLowerCase("en").includes(word))
        && choices.every((one) => !one.value || line.getAttribute(`data-${one.dataset.facet}`) === one.value);
      line.hidden = !fits;
      shown += fits;
    }
    count.textContent = `${shown} of ${asWritten.length} lines`;
  }

  heads.forEach((head, place) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    // Names read from A to Z; of numbers the largest are looked for first.
    const first = "text" in head.dataset ? "ascending" : "descending";
    const other = first === "ascending" ? "descending" : "ascending";
    button.addEventListener("click", () => {
      sort(place, head.getAttribute("aria-sort") === first ? other : first);
    });
  });
  find.addEventListener("input", filter);
  choices.forEach((one) => one.addEventListener("change", filter));
  document.getElementById("numbers-reset").addEventListener("click", () => {
    find.value = "";
    choices.forEach((one) => { one.value = ""; });
    heads.forEach((head) => head.removeAttribute("aria-sort"));
    body.append(...asWritten);
    filter();
  });
  document.querySelectorAll("#numbers .controls").forEach((one) => { one.hidden = false; });
  filter();
}
