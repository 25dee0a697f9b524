// The switches that all drawings and tables of the page share. What they choose from was computed
// before (script.choices); here marks are moved and numbers written. The choice stands in the URL.
{
  const box = document.querySelector(".switches");
  const form = box.querySelector("form");
  const chips = [...box.querySelectorAll("[data-label]")];
  const unfold = box.querySelector(".unfold"); // of the chips
  const grids = [...document.querySelectorAll("script.choices")].map((s) => JSON.parse(s.textContent));
  const written = new Map(); // what an element said as the page was written
  const first = (element, name) => {
    const said = written.get(element) ?? {};
    if (!(name in said)) said[name] = name === "html" ? element.innerHTML : element.getAttribute(name);
    written.set(element, said);
    return said[name];
  };
  const value = (name) => form.elements[name]?.value ?? "";
  const ownMetric = value("metric");
  const off = new Set();
  const pins = new Set(); // rows that stay lit
  let byRate = ""; // what is drawn by rate where it is not the metric
  const unknown = new Set(); // what the address names and the page does not have
  const PINNABLE = ":is(.legend, .names, svg) [data-label]";
  const REACH = 15;
  const MANY = 7;

  const CHOICES = { metric: "metric", gallery: "gallery", rate: "rate", set: "data set" };

  // --- numbers and axes, as the page was written with (choices.py, charts/axis.py) ---
  function scoreOf(grid, line, column, metric, rate) {
    const gallery = value("gallery") || grid.own[column];
    return grid.numbers[gallery]?.[rate ? `${metric}@${rate}` : metric]?.[line]?.[column] ?? null;
  }
  function axisOf(scores, start, end) {
    const measured = scores.filter(Boolean);
    if (!measured.length) return null;
    const means = measured.map(([mean]) => mean);
    const [least, most] = [Math.min(...means) - REACH, Math.max(...means) + REACH];
    const ends = measured.flatMap(([mean, ...ends]) => ends.slice(0, 2).map((end) => Math.min(most, Math.max(least, end ?? mean))));
    const values = [...means, ...ends];
    let low = 5 * Math.floor((Math.min(...values) - 2) / 5);
    let high = 5 * Math.ceil((Math.max(...values) + 2) / 5);
    if (high - low < 10) [low, high] = [low - 5, high + 5];
    [low, high] = [Math.max(0, low), Math.min(100, high)];
    const step = [5, 10, 20, 25, 50].find((s) => (high - low) / s <= 4 || s === 50);
    const ticks = [];
    for (let at = step * Math.ceil(low / step); at <= high; at += step) ticks.push(at);
    const at = (number) => start + ((end - start) * (number - low)) / (high - low);
    return { low, high, ticks, at, inside: (number) => at(Math.min(high, Math.max(low, number))) };
  }
  const tenth = (number) => `${Math.round(10 * number) / 10}`;
  // As Python rounds a tie, of which it has but these and .75: to the even tenth.
  const percent = (number) => (number % 1 === 0.25 ? number - 0.05 : number).toFixed(1);
  const inWords = (label, [mean, low, high, spread]) => {
    const interval = low === null ? ", no interval" : ` [${percent(low)}, ${percent(high)}]`;
    return `${label}: ${percent(mean)}${spread === null ? ", one seed, no interval" : interval}`;
  };
  const svg = (name, attributes, text = "") => {
    const element = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const [key, said] of Object.entries(attributes)) element.setAttribute(key, said);
    element.textContent = text;
    return element;
  };

  // --- the drawings ---
  function drawDots(grid, panel, metric, rate) {
    const column = grid.columns.indexOf(panel.dataset.column);
    const drawing = panel.querySelector("svg");
    const rows = [...drawing.querySelectorAll("[data-line]")].filter((row) => !off.has(row.dataset.label));
    const scores = rows.map((row) => scoreOf(grid, row.dataset.line, column, metric, rate));
    const axis = axisOf(scores, 0, 100);
    const height = 24 * rows.length;
    drawing.setAttribute("height", height + 18);
    drawing.querySelector(".ticks").replaceChildren(...(axis?.ticks ?? []).flatMap((tick) => {
      const x = `${tenth(axis.at(tick))}%`;
      return [svg("line", { class: "grid", x1: x, x2: x, y1: 0, y2: height }), svg("text", { x, y: height + 13 }, tick)];
    }));
    rows.forEach((row, place) => {
      const score = scores[place];
      const label = row.dataset.label;
      const y = 24 * place + 12;
      const asWritten = isOwn() && first(row, "class").includes("best");
      row.classList.toggle("none", !score);
      row.classList.toggle("best", asWritten);
      row.classList.toggle("lone", score?.[3] === null);
      row.querySelector("title").textContent = score ? inWords(label, score) : `${label}: not run`;
      row.querySelector("rect").setAttribute("y", y - 12);
      row.querySelector(".value").setAttribute("y", y + 4.5);
      row.querySelector(".value").textContent = score ? percent(score[0]) : "–";
      const range = row.querySelector(".range");
      const spot = row.querySelector(".spot");
      [["y1", y], ["y2", y]].forEach(([name, at]) => range.setAttribute(name, at));
      spot.setAttribute("y", y);
      row.querySelectorAll(".cut").forEach((head) => head.remove());
      if (!score) return;
      const isCut = (edge) => score[1] !== null && (edge ? score[2] > axis.high : score[1] < axis.low);
      row.querySelector(".value").before(...[0, 100].filter(isCut).map((edge) => svg("use", { class: "cut", href: `#cut-${edge}`, x: `${edge}%`, y })));
      const ends = score[1] === null ? [0, 0] : [axis.inside(score[1]), axis.inside(score[2])];
      range.setAttribute("x1", `${tenth(ends[0])}%`);
      range.setAttribute("x2", `${tenth(ends[1])}%`);
      spot.setAttribute("x", `${tenth(axis.at(score[0]))}%`);
    });
    describe(drawing, metric, rows);
  }

  function drawRates(grid, figure, metric) {
    const column = grid.columns.indexOf(figure.dataset.column);
    const drawing = figure.querySelector("svg.rates");
    const rates = drawing.dataset.rates.split(" ").map(Number);
    const across = (rate) => 6 + (88 * (rate - rates[0])) / (rates.at(-1) - rates[0]);
    const spots = [...drawing.querySelectorAll("g[data-line]")];
    const shown = spots.filter((row) => !off.has(row.dataset.label));
    const scores = new Map(shown.map((row) => [row.dataset.line, rates.map((rate) => scoreOf(grid, row.dataset.line, column, metric, rate))]));
    const axis = axisOf([...scores.values()].flat(), 100, 0);
    drawing.querySelector(".y").replaceChildren(...(axis?.ticks ?? []).flatMap((tick) => {
      const y = `${tenth(axis.at(tick))}%`;
      return [svg("line", { class: "grid", x1: 0, x2: "100%", y1: y, y2: y }), svg("text", { x: -8, dy: 4, y }, tick)];
    }));
    for (const row of shown) {
      const line = scores.get(row.dataset.line).map((score, place) => score && [rates[place], score]).filter(Boolean);
      const point = (rate, number) => `${tenth(across(rate))},${tenth(axis.at(number))}`;
      const sure = line.filter(([, score]) => score[1] !== null);
      const band = [...sure.map(([rate, score]) => point(rate, score[2])), ...sure.toReversed().map(([rate, score]) => point(rate, score[1]))];
      drawing.querySelector(`polyline[data-line="${row.dataset.line}"]`).setAttribute("points", line.map(([rate, score]) => point(rate, score[0])).join(" "));
      drawing.querySelector(`polygon[data-line="${row.dataset.line}"]`).setAttribute("points", band.join(" "));
      row.replaceChildren(...line.map(([rate, score]) => {
        const circle = svg("circle", { cx: `${tenth(across(rate))}%`, cy: `${tenth(axis.at(score[0]))}%`, r: 4 });
        circle.append(svg("title", {}, `${inWords(row.dataset.label, score)} (rate ${rate})`));
        return circle;
      }));
    }
    describe(drawing, metric, shown);
  }

  function describe(drawing, metric, rows) {
    const end = first(drawing, "aria-label").match(/( on | by ).*?: /)[0];
    const texts = rows.flatMap((row) => [...row.querySelectorAll("title")].map((said) => said.textContent));
    drawing.setAttribute("aria-label", titleOf(metric) + end + texts.join("; "));
  }

  // --- the tables ---
  // A rule that is chosen and that every column has anyway changes nothing.
  const otherGallery = () => (grids.every(({ own }) => own.every((rule) => rule === value("gallery"))) ? "" : value("gallery"));
  const isOwnTable = () => !otherGallery() && !value("rate");
  function writeTable(grid, table, rate) {
    for (const cell of table.querySelectorAll("td.measured")) {
      cell.innerHTML = first(cell, "html"); // with links to records, which stay
      const title = first(cell, "title");
      const mark = first(cell, "class");
      cell.className = isOwnTable() ? mark : "num measured";
      cell.title = title;
      if (isOwnTable()) continue;
      const line = cell.closest("tr").dataset.line;
      const column = columnOf(grid, cell);
      writeScore(cell, scoreOf(grid, line, column, cell.dataset.metric, rate));
    }
    for (const counted of table.querySelectorAll(".of-queries")) {
      const all = first(counted, "html");
      const some = isOfRate(grid, columnOf(grid, counted), rate) ? "those" : "none known to be";
      counted.textContent = rate ? `${some} of rate ${rate} among ${all}` : all;
    }
    table.querySelectorAll(".of-seeds").forEach((counted) => countSeeds(grid, counted, rate));
  }
  const columnOf = (grid, part) => grid.columns.indexOf(part.closest("tbody").dataset.column);
  const isOfRate = (grid, column, rate) => Object.values(grid.numbers).some((named) =>
    Object.entries(named).some(([metric, rows]) => metric.endsWith(`@${rate}`) && Object.values(rows).some((scores) => scores[column])));
  // Says how many seeds stand behind the numbers of a row as they are chosen.
  function countSeeds(grid, counted, rate) {
    const own = first(counted, "html");
    counted.className = first(counted, "class");
    counted.textContent = own;
    if (isOwnTable()) return;
    const row = counted.closest("tr");
    const column = columnOf(grid, counted);
    const scores = [...row.querySelectorAll("td.measured")].map((cell) => scoreOf(grid, row.dataset.line, column, cell.dataset.metric, rate));
    const seeds = Math.max(...scores.map((score) => score?.[4].length ?? 0));
    const all = own.split(" of ").at(-1);
    if (seeds) counted.textContent = String(seeds) === all ? all : `${seeds} of ${all}`;
    else if (/\d/.test(own)) counted.textContent = "–";
    counted.classList.toggle("short", seeds > 0 && String(seeds) !== all);
  }
  function writeScore(cell, score) {
    const mean = cell.querySelector(":scope > a");
    if (!score || !mean) {
      cell.removeAttribute("title");
      return cell.replaceChildren(score ? percent(score[0]) : "–");
    }
    const bySeed = new Map(score[4].map(([seed, number]) => [String(seed), percent(number)]));
    cell.title = [...bySeed].map(([seed, number]) => `seed ${seed}: ${number}`).join(", ");
    mean.textContent = percent(score[0]);
    const spread = cell.querySelector(".std");
    if (spread) spread.textContent = score[3] === null ? "" : ` ± ${percent(score[3])}`;
    cell.querySelector("sup")?.remove();
    for (const link of cell.querySelectorAll(".seeds a")) {
      link.lastChild.textContent = ` ${bySeed.get(link.querySelector("small").textContent) ?? "–"}`;
    }
  }

  // --- what can be chosen with what ---
  const titles = new Map([...form.querySelectorAll("option")].map((option) => [option, option.textContent]));
  const titleOf = (metric) => titles.get(form.elements.metric?.querySelector(`[value="${metric}"]`)) ?? metric;
  const isKnown = ({ metric, gallery, rate }) => grids.some((grid) => {
    const name = metric || grid.metric.split("@")[0];
    const rules = gallery ? [gallery] : grid.own;
    return rules.some((rule) => (rate ? `${name}@${rate}` : name) in (grid.numbers[rule] ?? {}));
  });
  const chosen = () => ({ metric: value("metric"), gallery: value("gallery"), rate: value("rate") });
  function offer() {
    for (const [name, reason] of [["metric", value("rate") ? "not by rate" : "not known"], ["gallery", "not known"], ["rate", `not for ${titleOf(value("metric"))}`]]) {
      for (const option of form.elements[name]?.options ?? []) {
        const there = isKnown({ ...chosen(), [name]: option.value });
        option.disabled = !there && !option.selected;
        option.textContent = titles.get(option) + (there ? "" : ` – ${reason}`);
      }
    }
  }

  // --- what has nothing to show ---
  const isOff = (element) => element.classList.contains("off");
  // An article or a part of it says under its heading why it is empty; "" where it is not.
  function empty(part, reason) {
    const heading = part.querySelector("h1, h2");
    if (!heading) return;
    part.classList.toggle("empty", reason !== "");
    if (heading.nextElementSibling?.matches(".nothing")) heading.nextElementSibling.remove();
    if (!reason) return;
    const line = document.createElement("span");
    line.className = "nothing";
    line.textContent = ` ${reason}`; // beside the heading, where that is a summary
    heading.after(line);
  }
  function emptyParts(grid, article) {
    const nothing = `Nothing on ${titles.get(form.elements.set?.selectedOptions[0])} here.`;
    for (const part of article.querySelectorAll(":scope > section, :scope > details.more")) {
      const columns = [...part.querySelectorAll("[data-column]")];
      empty(part, columns.length && columns.every(isOff) ? nothing : "");
    }
    const isElsewhere = value("set") && !grid.columns.includes(value("set"));
    const isRowless = off.size < chips.length && Object.values(grid.labels).every((label) => off.has(label));
    empty(article, isElsewhere ? nothing : isRowless ? "All rows of this table are switched off." : "");
  }

  // --- all of it ---
  const isOwn = () => !otherGallery() && !value("rate") && value("metric") === ownMetric;

  function show() {
    const rate = value("rate");
    for (const element of document.querySelectorAll("[data-column]")) {
      element.classList.toggle("off", value("set") !== "" && element.dataset.column !== value("set"));
    }
    for (const element of document.querySelectorAll("[data-rate]")) {
      element.classList.toggle("off", rate !== "" && element.dataset.rate !== rate);
    }
    for (const element of document.querySelectorAll("main [data-label]")) {
      element.classList.toggle("off", off.has(element.dataset.label));
    }
    chips.forEach((chip) => chip.setAttribute("aria-pressed", !off.has(chip.dataset.label)));
    if (unfold) unfold.querySelector("span").textContent = off.size ? `${chips.length - off.size} of ${chips.length}` : `all ${chips.length}`;
    offer();
    byRate = "";
    for (const grid of grids) {
      const article = document.getElementById(grid.anchor);
      crowd(grid, article);
      emptyParts(grid, article);
      const known = (metric) => Object.values(grid.numbers).some((named) => metric in named);
      const metric = known(value("metric")) ? value("metric") : grid.metric.split("@")[0];
      for (const figure of article.querySelectorAll("figure.dots")) {
        figure.querySelector(".metric").textContent = titleOf(metric) + (rate ? ` at rate ${rate}` : "");
        figure.querySelectorAll(".panel").forEach((panel) => drawDots(grid, panel, metric, rate));
      }
      for (const section of article.querySelectorAll("section.rates")) {
        const named = section.dataset.metrics.split(" ");
        const drawn = named.includes(metric) ? metric : named[0];
        if (drawn !== metric) byRate = drawn;
        section.querySelector(".metric").textContent = titleOf(drawn);
        const shown = section.querySelectorAll(".legend [data-label]:not(.off)").length;
        section.classList.toggle("crowded", shown > Number(section.dataset.few));
        section.querySelectorAll("figure").forEach((figure) => drawRates(grid, figure, drawn));
      }
      article.querySelectorAll("table.results").forEach((table) => writeTable(grid, table, rate));
      for (const rule of article.querySelectorAll(".own-gallery")) {
        const own = first(rule, "html");
        rule.textContent = otherGallery() ? `${value("gallery")}, as chosen; the table's own: ${own}` : own;
      }
    }
    document.body.classList.toggle("other-cells", !isOwnTable());
    document.body.classList.toggle("otherwise", !isOwn());
    say();
    document.dispatchEvent(new Event("switched"));
  }
  // So many curves cannot be told apart by colour: ours keep theirs, another has its own when lit.
  const crowd = (grid, article) =>
    article.classList.toggle("many", Object.values(grid.labels).filter((label) => !off.has(label)).length > MANY);

  // Says what is shown, and why something is not.
  function say() {
    const { rate } = chosen();
    const title = titleOf(value("metric") || ownMetric);
    const parts = [title, otherGallery(), rate && `queries of rate ${rate}`].filter(Boolean);
    document.querySelector(".choice").textContent = [
      unknown.size > 0 && `Part of this address is not in this report: there is no ${[...unknown].join(", no ")}.`,
      !isOwn() && `Shown: ${parts.join(", ")}. Marks, differences, claims and all that is folded but distances and maps are of the table's own choice.`,
      !isKnown(chosen()) && `${title} is not known ${rate ? "by rate: choose another metric, or all queries" : "there: choose another metric or gallery"}.`,
      byRate && `By resolution shows ${titleOf(byRate)}, as ${title} is not known by rate.`,
      chips.length > 0 && off.size === chips.length && "All rows are switched off: a click on a name, or Reset, brings them back.",
    ].filter(Boolean).join(" ");
  }

  // Puts into the address what somebody has chosen, instead of what it named before.
  function remember() {
    const query = new URLSearchParams(location.search);
    for (const { name, options } of form.querySelectorAll("select")) {
      if (value(name) === options[0].value) query.delete(name);
      else query.set(name, value(name));
    }
    for (const [name, labels] of [["without", off], ["pinned", pins]]) {
      const rows = chips.filter((chip) => labels.has(chip.dataset.label)).map((chip) => chip.dataset.name);
      if (rows.length) query.set(name, rows.join("."));
      else query.delete(name);
    }
    const text = query.size ? `?${query}` : location.pathname;
    history.replaceState(null, "", text + location.hash);
    unknown.clear();
    say();
  }

  function recall() {
    const query = new URLSearchParams(location.search);
    for (const [name, title] of Object.entries(CHOICES)) {
      const asked = query.get(name);
      const select = form.elements[name];
      const isThere = select ? [...select.options].some((option) => option.value === asked) : isKnown({ [name]: asked });
      if (asked && !isThere) unknown.add(`${title} "${asked}"`);
      else if (asked && select) select.value = asked;
    }
    for (const [name, labels] of [["without", off], ["pinned", pins]]) {
      for (const asked of (query.get(name) ?? "").split(".").filter(Boolean)) {
        const chip = chips.find((one) => one.dataset.name === asked);
        if (chip) labels.add(chip.dataset.label);
        else unknown.add(`row "${asked}"`);
      }
    }
    return query.size > 0;
  }

  // Lights the rows that are pinned, and the one that is pointed at.
  function light(label) {
    const lit = new Set([...pins, ...(label === undefined ? [] : [label])].filter((row) => !off.has(row)));
    document.body.classList.toggle("lit", lit.size > 0);
    for (const element of document.querySelectorAll("[data-label]")) {
      element.classList.toggle("this", lit.has(element.dataset.label));
    }
  }

  function pin(label) {
    if (!pins.delete(label)) pins.add(label);
    showPins();
    remember();
  }

  function showPins() {
    for (const entry of document.querySelectorAll(".legend [data-label]")) {
      entry.setAttribute("aria-pressed", pins.has(entry.dataset.label));
    }
    light();
  }

  for (const entry of document.querySelectorAll(".legend [data-label]")) {
    for (const [name, said] of [["role", "button"], ["tabindex", "0"]]) entry.setAttribute(name, said);
  }
  document.addEventListener("click", (event) => {
    const row = event.target.closest(PINNABLE);
    if (row) pin(row.dataset.label);
  });
  document.addEventListener("keydown", (event) => {
    const entry = event.target.closest?.(".legend [data-label]");
    if (entry && (event.key === "Enter" || event.key === " ")) {
      event.preventDefault();
      pin(entry.dataset.label);
    } else if (event.key === "Escape" && pins.size) {
      pins.clear();
      showPins();
      remember();
    }
  });

  function switched() {
    show();
    remember();
  }

  form.addEventListener("change", switched);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", () => setTimeout(() => {
    off.clear();
    pins.clear();
    switched();
    showPins();
  }));
  for (const chip of chips) {
    chip.addEventListener("click", () => {
      if (!off.delete(chip.dataset.label)) off.add(chip.dataset.label);
      switched();
      light(undefined);
    });
  }
  for (const [begins, ends] of [["pointerover", "pointerout"], ["focusin", "focusout"]]) {
    document.addEventListener(begins, (event) => {
      const row = event.target.closest(`.rows [data-label], ${PINNABLE}`);
      if (row && !off.has(row.dataset.label)) light(row.dataset.label);
    });
    document.addEventListener(ends, () => light(undefined));
  }
  box.hidden = false;
  box.open = innerWidth > 640 && innerHeight > 500;
  // Chips are folded where they do not fit, or where the bar would take more than a sixth of the screen.
  if (unfold) {
    const rows = chips[0].parentElement;
    const showChips = (isShown) => {
      rows.hidden = !isShown;
      unfold.setAttribute("aria-expanded", isShown);
    };
    unfold.addEventListener("click", () => showChips(rows.hidden));
    showChips(box.open && rows.scrollHeight <= rows.clientHeight && bar.offsetHeight <= innerHeight / 6);
  }
  for (const grid of grids) crowd(grid, document.getElementById(grid.anchor));
  if (recall()) {
    show();
    reveal(); // what it has left out moved the rest
  }
  showPins();
}
