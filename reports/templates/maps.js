// Maps of embeddings: says of the image that is pointed at who it shows, and lights this identity up
// in the maps of all rows of the data set.
for (const box of document.querySelectorAll("details.maps")) {
  const said = box.querySelector(".said");
  const near = 40; // in units of a map, which is 1,000 wide
  const known = new Map(); // map -> its images
  const bySeed = JSON.parse(box.dataset.images);
  const imagesOf = (map) => {
    if (!known.has(map)) {
      const { pids, cameras } = bySeed[map.closest("figure").dataset.seed];
      known.set(map, [...map.querySelectorAll("g:not(.t)")].flatMap((group) => [...group.children].flatMap((path, number) => {
        const { rate } = group.dataset;
        const cams = cameras[rate ?? "gallery"][number].split(" ");
        return [...path.getAttribute("d").matchAll(/M(\d+) (-?\d+)/g)].map(([, x, y], place) => (
          { x: Number(x), y: Number(y), path, rate, pid: pids[path.dataset.who], camera: cams[place] }));
      })));
    }
    return known.get(map);
  };
  const hint = "Point at an image to see whom it shows.";
  const point = (image) => {
    box.classList.toggle("pointed", Boolean(image));
    const who = image?.path.dataset.who;
    box.querySelectorAll("path[data-who]").forEach((path) => path.classList.toggle("who", path.dataset.who === who));
    if (!image) return void (said.textContent = hint);
    const { pid, rate } = image;
    const side = rate === undefined ? "gallery" : rate === "0" ? "query, natively LR" : `query, rate ${rate}`;
    said.textContent = `pid ${pid}, ${side}, camera ${image.camera === "-1" ? "unknown" : image.camera}`;
  };
  const look = (event) => {
    const map = event.target.closest("svg.map:not(.shape)");
    if (!map) return point(null);
    const at = new DOMPoint(event.clientX, event.clientY).matrixTransform(map.getScreenCTM().inverse());
    let best = { far: near };
    for (const image of imagesOf(map)) {
      const far = Math.hypot(image.x - at.x, image.y - at.y);
      if (far < best.far && !image.path.closest(".off")) best = { far, image };
    }
    point(best.image ?? null);
  };
  point(null);
  box.addEventListener("pointermove", look);
  box.addEventListener("pointerdown", look);
  box.addEventListener("pointerleave", () => point(null));
}
