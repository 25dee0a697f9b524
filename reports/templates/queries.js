// The query browser. Its data lie in files beside the page, each a call of `crossresQueries`, as a
// page that was opened from a disk may load a script but fetch nothing; or in the page itself.
// Where rows are pairs (two folders compared), one pair is shown: its first row is A, its second B.
{
  const byId = (name) => document.getElementById(`queries-${name}`);
  const index = JSON.parse(byId("index").textContent);
  const section = document.getElementById("queries");
  const controls = Object.fromEntries(["set", "seed", "row", "rate", "cam", "pid", "a", "b", "show", "order"]
    .map((name) => [name, byId(name)]).filter(([, control]) => control));
  const sides = controls.row ? ["row"] : ["a", "b"]; // what A and B are chosen by
  const SHOWN = 6; // images of a row: the five nearest, and the first true match
  const inWords = new Intl.Collator("en", { numeric: true });
  const titleOf = (set) => `${set.table} · ${set.column}`;
  const several = new Set(index.sets.map((set) => set.table)).size > 1;

  // --- loading ---

  const loads = new Map();
  const waiting = new Map();
  globalThis.crossresQueries = (name, content) => waiting.get(name)?.(content);

  function load(name) {
    if (!loads.has(name)) {
      loads.set(name, new Promise((resolve, reject) => {
        const embedded = byId(`data-${name}`);
        if (embedded) return resolve(JSON.parse(embedded.textContent));
        const script = document.createElement("script");
        waiting.set(name, resolve);
        script.src = `${index.folder}/${name}.js`;
        script.addEventListener("error", () => reject(new Error(script.src)));
        document.head.append(script);
      }));
    }
    return loads.get(name);
  }

  // --- what is shown: a set, its data, the queries that fit, and which of them ---

  let set = index.sets.reduce((most, one) => (one.rows > most.rows ? one : most)); // there is most to see
  let data = null;
  let rows = []; // those that are shown
  let fitting = [];
  let at = 0;

  const make = (tag, attributes = {}, ...children) => {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    element.append(...children);
    return element;
  };
  const percent = (value) => (value === null ? "–" : (100 * value).toFixed(1));
  const camera = (camid) => (camid < 0 ? "unknown" : String(camid));
  const isCrowded = () => rows.length > 9;
  const isRight = (row, query) => row.ranks[query] === 1;
  const counted = (row, query) => row.ap[query] !== null;
  function chosen() {
    const first = controls.row && 2 * data.pairs.indexOf(controls.row.value);
    const numbers = controls.row ? [first, first + 1] : [controls.a.value, controls.b.value];
    return numbers.map((number) => data.rows[number]);
  }

  // Those that the page's switches have left on.
  function shownRows() {
    if (controls.row) return chosen();
    const off = new Set([...document.querySelectorAll(".switches [aria-pressed='false']")].map((chip) => chip.dataset.label));
    return data.rows.filter((row) => !off.has(row.label));
  }
  const gain = ([a, b], query) => (b.ap[query] ?? 0) - (a.ap[query] ?? 0);

  function outcome([a, b], query) {
    if (!counted(a, query) || !counted(b, query)) return "";
    if (isRight(a, query)) return isRight(b, query) ? "always" : "broken";
    return isRight(b, query) ? "rescued" : "never";
  }

  const FACTS = { rate: "rates", cam: "cams", pid: "pids" }; // what filters other than "Show" look at
  const asks = (name) => controls[name].value.trim();
  const isOf = (query, names) => names.every((name) => !asks(name) || String(data[FACTS[name]][query]) === asks(name));
  const allOf = (...names) => data.names.map((_, query) => query).filter((query) => isOf(query, names));

  function fits(query) {
    const { show } = controls;
    if (!isOf(query, Object.keys(FACTS))) return false;
    if (show.value === "hard") return rows.length > 0 && rows.every((row) => counted(row, query) && !isRight(row, query));
    return !show.value || outcome(chosen(), query) === show.value;
  }

  function order() {
    const pair = chosen();
    const mean = (query) => rows.reduce((sum, row) => sum + (row.ap[query] ?? 2), 0);
    const value = {
      "": mean,
      a: (query) => pair[0].ap[query] ?? 2,
      b: (query) => pair[1].ap[query] ?? 2,
      gain: (query) => -gain(pair, query),
      loss: (query) => gain(pair, query),
      name: () => 0,
    }[controls.order.value];
    // In whole steps, as sums of the same numbers in another order differ in their last digits.
    const values = new Map(fitting.map((query) => [query, Math.round(1e6 * value(query))]));
    fitting.sort((p, q) => values.get(p) - values.get(q) || inWords.compare(data.names[p], data.names[q]));
  }

  // --- pictures ---

  const fileOf = (image) => `${set.name}-${Math.floor(image / index.most)}`;

  function picture(image, text, wanted) {
    const missing = make("span", { class: "no-image", role: "img", "aria-label": text }, "no image");
    if (image < 0) return missing;
    const shown = make("img", { alt: text, title: text, width: 32, height: 64 });
    wanted.push(load(fileOf(image)).then((uris) => {
      const uri = uris[image % index.most];
      if (uri) shown.src = uri;
      else shown.replaceWith(missing);
    }));
    return shown;
  }

  function answer(row, query, place, wanted) {
    const pid = place === SHOWN - 1 ? data.pids[query] : row.pids[query * (SHOWN - 1) + place];
    const spot = query * SHOWN + place;
    const image = row.images[spot];
    const rank = place === SHOWN - 1 ? row.ranks[query] : place + 1;
    if (image < 0) return make("figure", {}, picture(-1, "no image", wanted), make("figcaption", {}, "–"));
    const right = pid === data.pids[query];
    const name = data.imageNames[image];
    const distance = row.distances[spot];
    const text = `rank ${rank}, identity ${pid}, camera ${camera(row.cams[spot])}, distance ${distance}, `
      + `${right ? "correct" : "wrong"}${name ? `, ${name}` : ""}`;
    const frame = make("div", { class: `retrieved ${right ? "ok" : "wrong"}` }, picture(image, text, wanted));
    const short = distance === null ? "–" : distance.toPrecision(isCrowded() ? 2 : 3).replace("-", "−");
    const label = place === SHOWN - 1 ? make("b", {}, `rank ${rank}`) : String(rank);
    return make("figure", {}, frame, make("figcaption", {}, label, make("br"), short));
  }

  function ranked(row, query, wanted) {
    const tags = data.rows.length < 2 ? [] : ["A", "B"].filter((_, side) => chosen()[side] === row);
    const tag = tags.length ? [make("span", { class: "tag" }, `(${tags.join(", ")})`)] : [];
    const key = row.look ? [make("i", { class: `key ${row.look}` })] : [];
    const head = make("h2", {}, ...key, make("span", { title: row.label }, row.label), ...tag);
    const scores = counted(row, query)
      ? `AP ${percent(row.ap[query])} · rank-1 ${percent(row.rank1[query])}`
      : "not counted: no true match in the gallery";
    const images = Array.from({ length: SHOWN }, (_, place) => make("li", {}, answer(row, query, place, wanted)));
    const record = document.getElementById(`r-${row.key}`) ? [" · ", make("a", { href: `#r-${row.key}` }, "record")] : [];
    return make("li", { "data-label": row.label }, head, make("p", {}, scores, ...record), make("ol", { "aria-label": `Nearest images, then the first true match, of ${row.label}` }, ...images));
  }

  function asked(query, wanted) {
    const facts = { query: data.names[query], identity: data.pids[query], camera: camera(data.cams[query]), rate: data.rateWords[data.rates[query]] };
    const list = Object.entries(facts).flatMap(([name, value]) => [make("dt", {}, name), make("dd", {}, String(value))]);
    return make("div", { class: "asked" }, picture(data.images[query], `query ${data.names[query]}`, wanted), make("dl", {}, ...list));
  }

  // --- what the switches of the page (switches.js) have chosen, as its address keeps it ---

  let lastSwitched = { set: "", rate: "", without: "" };

  // Returns what of it has changed since it was last asked for.
  function newlySwitched() {
    const query = new URLSearchParams(controls.row ? "" : location.search);
    const now = Object.fromEntries(Object.keys(lastSwitched).map((name) => [name, query.get(name) ?? ""]));
    const changed = Object.entries(now).filter(([name, value]) => value !== lastSwitched[name]);
    lastSwitched = now;
    return Object.fromEntries(changed);
  }

  // A row alone can be compared with none.
  function offerPairs() {
    const isAlone = data.rows.length < 2;
    for (const name of sides) controls[name].disabled = isAlone;
    for (const option of section.querySelectorAll(".of-two")) {
      if (isAlone && option.selected) option.closest("select").value = "";
      option.disabled = isAlone;
    }
    byId("versus").hidden = isAlone;
  }

  // A and B are rows that are on: the first and the last one, where others were not chosen.
  function turnToShown() {
    if (controls.row) return;
    const on = shownRows().length ? shownRows() : data.rows;
    for (const [name, row] of [["a", on[0]], ["b", on.at(-1)]]) {
      if (!on.includes(data.rows[controls[name].value])) controls[name].value = String(data.rows.indexOf(row));
    }
  }

  async function turnToSwitched() {
    const changed = newlySwitched();
    const before = set;
    const fit = index.sets.filter((one) => changed.set && one.choice === changed.set);
    const alike = fit.filter((one) => one.table === set.table);
    set = alike.find((one) => one.seed === set.seed) ?? alike[0] ?? fit[0] ?? set;
    const isOther = !data || set !== before;
    if (isOther && !await open()) return;
    const { rate } = lastSwitched;
    const hasRate = [...controls.rate.options].some((option) => option.value === rate);
    if ("rate" in changed || (isOther && rate)) controls.rate.value = hasRate ? rate : "";
    if ("without" in changed) turnToShown();
    choose(isOther ? -1 : fitting[at], false);
    if (changed.set && !fit.length) warn("The data set that is chosen above has no queries here; another one is shown.");
    else if (!hasRate && ("rate" in changed || isOther)) warn("No query here is of the rate that is chosen above; those of all rates are shown.");
  }

  // --- the address: #queries?set=…&seed=…&q=… ---

  function address(query) {
    const parts = new URLSearchParams({ set: titleOf(set), seed: set.seed, q: data.names[query] });
    for (const name of ["rate", "cam", "pid", ...sides, "show", "order"].filter((name) => !controls[name].disabled)) {
      const value = name === "a" || name === "b" ? data.rows[controls[name].value].label : controls[name].value;
      if (value) parts.set(name, value);
    }
    return `#queries?${parts}`;
  }

  // A key that is held down changes it thirty times a second, which browsers refuse after a while.
  let noting = 0;
  function note(text) {
    clearTimeout(noting);
    noting = setTimeout(() => history.replaceState(null, "", text), 200);
  }

  const FILTERS = { rate: "rate", cam: "camera", show: "filter", order: "order" };

  // Sets the filters as a link asks; returns what of it this set of queries does not have.
  function setFilters(parts) {
    const unknown = [];
    controls.pid.value = parts.get("pid") ?? "";
    for (const name of ["rate", "cam", "show", "order", ...sides]) {
      const isSide = sides.includes(name);
      const asked = parts.get(name) ?? "";
      const option = [...controls[name].options].find((one) => !one.disabled && (isSide ? one.text : one.value) === asked);
      if (option || !isSide) controls[name].value = option?.value ?? "";
      if (asked && !option) unknown.push(`${isSide ? "row" : FILTERS[name]} "${asked}"`);
    }
    return unknown;
  }

  // Below the bar as it is now: what the page has noted of its height is of a frame ago.
  function toSection() {
    const covered = document.querySelector(".bar")?.offsetHeight ?? 0;
    scrollBy({ top: section.getBoundingClientRect().top - covered, behavior: "instant" });
  }

  async function follow() {
    clearTimeout(noting);
    if (!location.hash.startsWith("#queries?")) return;
    const parts = new URLSearchParams(location.hash.slice("#queries?".length));
    newlySwitched(); // what the link says counts, until the switches are used again
    const switched = index.sets.find((one) => one.choice === lastSwitched.set) ?? set;
    const title = parts.get("set") || titleOf(switched);
    if (!parts.get("set") && lastSwitched.rate) parts.set("rate", parts.get("rate") ?? lastSwitched.rate);
    const fit = index.sets.filter((one) => titleOf(one) === title);
    const exact = fit.find((one) => String(one.seed) === parts.get("seed"));
    const missing = []; // what keeps the query of the link from being shown
    if (!fit.length) missing.push(`data set "${title}"`);
    else if (parts.get("seed") && !exact) missing.push(`seed "${parts.get("seed")}"`);
    set = exact ?? fit[0] ?? set;
    toSection();
    if (!await open()) return;
    const asking = data.names.indexOf(parts.get("q"));
    if (parts.get("q") && asking < 0) missing.push(`query "${parts.get("q")}"`);
    const unknown = [...missing, ...setFilters(parts)];
    toSection(); // what has been filled in moved it
    choose(asking, !unknown.length); // the address stays what cannot be shown
    if (fitting[at] !== asking && asking >= 0) { // the filters of the link leave its query out
      for (const name of ["rate", "cam", "pid", "show"]) controls[name].value = "";
      choose(asking, !unknown.length);
    }
    if (missing.length) warn(`This query is not in this report: there is no ${missing.join(", no ")}. Another query is shown.`);
    else if (unknown.length) warn(`Part of this link is not in this report: there is no ${unknown.join(", no ")}.`);
  }

  // --- drawing ---

  function say(text, name = "note") {
    byId(name).textContent = text;
    byId(name).hidden = !text;
  }
  const warn = (text) => say(text, "missing");

  function notes() {
    const lines = [data.gallery];
    if (data.names.length < data.total) lines.push(`Here are ${data.names.length} of ${data.total} queries, drawn by hash.`);
    if (data.turned) lines.push("Images that are natively wider than high are turned 90° clockwise.");
    if (data.imageNames.every((name) => !name)) lines.push("The results folder holds no images of this data set.");
    return lines.join(" ");
  }

  const missingFolder = () => say(`The images and rankings lie in the folder "${index.folder}" beside this page, which is not there: copy it along, or write the page with crossres report --single-file.`);

  // The address names the query once somebody has chosen something, not for having scrolled by.
  async function show(noted = true) {
    const query = fitting[at];
    byId("previous").disabled = byId("next").disabled = fitting.length < 2;
    byId("count").textContent = fitting.length ? `${at + 1} of ${fitting.length}` : "no query is like this";
    byId("link").hidden = !fitting.length;
    if (!fitting.length) return byId("shown").replaceChildren();
    const wanted = [];
    const answers = rows.map((row) => ranked(row, query, wanted));
    byId("shown").replaceChildren(asked(query, wanted), make("ul", { class: isCrowded() ? "answers many" : "answers" }, ...answers));
    byId("link").href = address(query);
    if (noted) note(address(query));
    mark();
    const next = fitting[(at + 1) % fitting.length];
    wanted.push(load(fileOf(data.images[next])));
    try {
      await Promise.all(wanted);
    } catch {
      missingFolder();
    }
  }

  function choose(query = -1, noted = true) {
    if (!data) return; // another set is being loaded
    rows = shownRows();
    warn("");
    fitting = data.names.map((_, k) => k).filter(fits);
    order();
    at = Math.max(0, fitting.indexOf(query));
    compare();
    return show(noted);
  }

  function step(by) {
    if (!data || !fitting.length) return;
    at = (at + by + fitting.length) % fitting.length;
    warn("");
    show();
  }

  const fill = (control, options, value) => {
    control.replaceChildren(...options.map(([key, text]) => make("option", { value: key }, text)));
    control.value = options.some(([key]) => key === value) ? value : options[0][0];
  };
  const uniquely = (values) => [...new Set(values)].sort((a, b) => a - b);

  async function open() {
    const titles = [...new Set(index.sets.map(titleOf))];
    fill(controls.set, titles.map((title) => [title, several ? title : title.slice(title.indexOf(" · ") + 3)]), titleOf(set));
    fill(controls.seed, index.sets.filter((one) => titleOf(one) === titleOf(set)).map((one) => [String(one.seed), String(one.seed)]), String(set.seed));
    try {
      const opened = set;
      data = null; // nothing of the set before is shown as if it were of this one
      const content = await load(set.name);
      if (opened !== set) return false; // another one was chosen meanwhile
      data = content;
    } catch {
      data = null;
      missingFolder();
      return false;
    }
    say(notes());
    fill(controls.rate, [["", "all"], ...uniquely(data.rates).map((rate) => [String(rate), data.rateWords[rate]])], controls.rate.value);
    fill(controls.cam, [["", "all"], ...uniquely(data.cams).map((cam) => [String(cam), camera(cam)])], controls.cam.value);
    if (controls.row) {
      fill(controls.row, data.pairs.map((title) => [title, title]), controls.row.value);
    } else {
      const before = sides.map((name) => !controls[name].disabled && controls[name].selectedOptions[0]?.text);
      const labels = data.rows.map((row, number) => [String(number), row.label]);
      sides.forEach((name, side) => {
        fill(controls[name], labels);
        controls[name].value = String(data.rows.findIndex((row) => row.label === before[side]));
      });
      turnToShown();
    }
    offerPairs();
    return true;
  }

  // --- A against B ---

  const OUTCOMES = { rescued: "rescued by B", broken: "broken by B", never: "never right", always: "always right" };

  function counts(pair) {
    const queries = allOf("cam", "pid"); // the rates are its lines
    const rates = uniquely(data.rates);
    const groups = rates.map((rate) => [String(rate), data.rateWords[rate], queries.filter((q) => data.rates[q] === rate)]);
    if (groups.length > 1) groups.push(["", "all", queries]);
    const head = make("tr", {}, ...["rate", ...Object.values(OUTCOMES)].map((text) => make("th", { scope: "col" }, text)));
    const lines = groups.map(([rate, text, of]) => make("tr", rate && rate === controls.rate.value ? { "aria-current": "true" } : {}, make("th", { scope: "row" }, text), ...Object.entries(OUTCOMES).map(([name, title]) => {
      const count = of.filter((query) => outcome(pair, query) === name).length;
      const button = make("button", { type: "button", "aria-label": `Show ${count} queries, ${text}: ${title}` }, String(count));
      button.addEventListener("click", () => {
        controls.show.value = name;
        controls.rate.value = rate;
        choose();
        byId("previous").scrollIntoView({ block: "start" });
      });
      return make("td", {}, button);
    })));
    return make("div", {}, make("h2", {}, "Counts, in the multi-shot gallery"), make("table", {}, make("thead", {}, head), make("tbody", {}, ...lines)));
  }

  const SIDE = 300;
  const LEFT = 46;
  const draw = (tag, attributes, ...children) => {
    const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    element.append(...children);
    return element;
  };
  const place = (pair, query) => ({ cx: LEFT + SIDE * pair[0].ap[query], cy: 8 + SIDE * (1 - pair[1].ap[query]) });

  function scatter(pair) {
    const ticks = [0, 50, 100].flatMap((value) => [
      draw("text", { class: "mid", x: LEFT + SIDE * value / 100, y: SIDE + 25 }, String(value)),
      draw("text", { class: "end", x: LEFT - 7, y: 12 + SIDE * (1 - value / 100) }, String(value)),
    ]);
    const points = allOf("rate", "cam", "pid").filter((query) => counted(pair[0], query) && counted(pair[1], query)).map((query) => {
      const point = draw("circle", { ...place(pair, query), r: 4, "data-query": query });
      point.append(draw("title", {}, `${data.names[query]}: ${percent(pair[0].ap[query])} → ${percent(pair[1].ap[query])}`));
      return point;
    });
    const drawing = draw("svg", { viewBox: `0 0 ${LEFT + SIDE + 12} ${SIDE + 48}`, role: "img", "aria-label": `AP of each query in the multi-shot gallery: ${pair[0].label} across, ${pair[1].label} upwards; above the diagonal B is better` },
      draw("path", { class: "axis", d: `M${LEFT} 8V${8 + SIDE}H${LEFT + SIDE}V8ZM${LEFT} ${8 + SIDE}L${LEFT + SIDE} 8` }), ...ticks, ...points,
      draw("circle", { class: "now", r: 7, id: "queries-now", cx: -20, cy: -20 }),
      draw("text", { class: "mid", x: LEFT + SIDE / 2, y: SIDE + 44 }, "AP of A in the multi-shot gallery, per cent"),
      draw("text", { class: "mid", transform: `translate(12 ${8 + SIDE / 2}) rotate(-90)` }, "AP of B in the multi-shot gallery, per cent"));
    drawing.addEventListener("click", (event) => {
      const query = event.target.closest("[data-query]")?.dataset.query;
      if (query) goTo(Number(query));
    });
    return make("div", {}, make("h2", {}, "AP of each query"), drawing);
  }

  function mark() {
    const ring = byId("now");
    const pair = chosen();
    const query = fitting[at];
    if (!ring || query === undefined || !counted(pair[0], query) || !counted(pair[1], query)) return;
    for (const [name, value] of Object.entries(place(pair, query))) ring.setAttribute(name, value);
  }

  function goTo(query) {
    if (!fitting.includes(query)) controls.show.value = ""; // as its rate, camera and identity fit
    choose(query);
    byId("previous").scrollIntoView({ block: "start" });
  }

  function largest(pair, title, sign) {
    const queries = allOf("rate", "cam", "pid").filter((query) => sign * gain(pair, query) > 0);
    queries.sort((p, q) => sign * (gain(pair, q) - gain(pair, p)) || inWords.compare(data.names[p], data.names[q]));
    const wanted = [];
    const links = queries.slice(0, 5).map((query) => {
      const text = `${data.names[query]}: AP ${percent(pair[0].ap[query])} → ${percent(pair[1].ap[query])}, rank ${pair[0].ranks[query]} → ${pair[1].ranks[query]}`;
      const link = make("a", { href: address(query) }, picture(data.images[query], "", wanted), make("span", {}, text));
      link.addEventListener("click", (event) => {
        event.preventDefault();
        goTo(query);
      });
      return make("li", {}, link);
    });
    Promise.all(wanted).catch(missingFolder);
    return [make("h2", {}, title), links.length ? make("ul", {}, ...links) : make("p", { class: "none" }, "none")];
  }

  // Says of what the comparison is, as it is of less than the tables are.
  function scope() {
    const chosen = [asks("rate") && data.rateWords[asks("rate")], asks("cam") && `camera ${camera(Number(asks("cam")))}`, asks("pid") && `identity ${asks("pid")}`].filter(Boolean);
    const number = allOf("rate", "cam", "pid").length;
    return `Of one data set and one seed: ${controls.set.selectedOptions[0].text}, seed ${set.seed}, `
      + (chosen.length ? `${number} of the ${data.names.length} queries shown here (${chosen.join(", ")}).` : `the ${number} queries shown here.`);
  }

  function compare() {
    const box = byId("versus");
    if (!box.open || !data) return;
    const pair = chosen();
    const names = make("p", { class: "sub" }, `A: ${pair[0].label}. B: ${pair[1].label}. ${scope()} Right is a row whose nearest image in the multi-shot gallery is a true match.`);
    byId("compared").replaceChildren(names, make("div", { class: "versus" }, counts(pair), scatter(pair), make("div", {}, ...largest(pair, "Largest gains of B", 1), ...largest(pair, "Largest losses of B", -1))));
    mark();
  }

  // --- what people do ---

  async function begin() {
    if (!data) await turnToSwitched();
  }
  const openAgain = async () => { if (await open()) choose(); };
  controls.set.addEventListener("change", () => {
    const fit = index.sets.filter((one) => titleOf(one) === controls.set.value);
    set = fit.find((one) => one.seed === set.seed) ?? fit[0];
    openAgain();
  });
  controls.seed.addEventListener("change", () => {
    set = index.sets.find((one) => titleOf(one) === titleOf(set) && String(one.seed) === controls.seed.value);
    openAgain();
  });
  for (const name of ["rate", "cam", "show", "order"]) {
    controls[name].addEventListener("change", () => choose());
  }
  for (const name of sides) controls[name].addEventListener("change", () => choose(fitting[at]));
  document.addEventListener("switched", () => queueMicrotask(() => data && turnToSwitched())); // the address is written after it
  controls.pid.addEventListener("input", () => choose());
  byId("previous").addEventListener("click", () => step(-1));
  byId("next").addEventListener("click", () => step(1));
  byId("versus").addEventListener("toggle", compare);
  addEventListener("keydown", (event) => {
    const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!by || event.ctrlKey || event.altKey || event.metaKey || event.shiftKey) return;
    const { top, bottom } = section.getBoundingClientRect();
    const here = event.target === document.body ? top < innerHeight && bottom > 0 : section.contains(event.target);
    if (!here || event.target.matches("select, input") || !data) return;
    event.preventDefault();
    step(by);
  });

  section.hidden = false;
  addEventListener("hashchange", follow);
  if (location.hash === "#queries") toSection(); // nobody could before it was shown
  if (location.hash.startsWith("#queries?")) follow();
  // Nothing is loaded before somebody comes near.
  new IntersectionObserver((entries, observer) => {
    if (!entries.some((entry) => entry.isIntersecting)) return;
    observer.disconnect();
    if (!location.hash.startsWith("#queries?")) begin();
  }, { rootMargin: "300px" }).observe(section);
}
