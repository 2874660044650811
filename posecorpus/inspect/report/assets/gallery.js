// The contact sheet and the enlarged sample. One state for both: which layer, joints or not, how opaque.
const LAYER_NAMES = { none: "Picture", parts: "Parts", instances: "People", depth: "Depth", normals: "Normals", flow: "Flow", sticks: "Sticks" };
const state = { layer: "none", joints: true, close: false, opacity: 0.75, open: -1, shown: [], stack: 0, side: "front" };
const tiles = [];
const cells = [];
let setLayer = () => {};

function skeletonSvg(sample) {
  const drawing = svg("svg", { viewBox: `0 0 ${sample.width} ${sample.height}`, class: "joints", "aria-hidden": "true" });
  for (const person of sample.people) {
    const shape = DATA.skeletons[person.skeleton];
    const labelled = shape.drawn.filter((j) => person.flags[j] > 0);
    if (!labelled.length) continue;
    const rows = labelled.map((j) => person.points[j][1]);
    const columns = labelled.map((j) => person.points[j][0]);
    const extent = Math.max(Math.max(...rows) - Math.min(...rows), Math.max(...columns) - Math.min(...columns));
    const radius = Math.min(Math.max(extent / 75, sample.width / 260), sample.width / 60);
    const completed = person.lift ? person.lift.completed : [];
    for (const [parent, child] of shape.bones) {
      if (!person.flags[parent] || !person.flags[child]) continue;
      const [[x1, y1], [x2, y2]] = [person.points[parent], person.points[child]];
      const hidden = person.flags[parent] === 1 || person.flags[child] === 1;
      const guessed = completed.includes(parent) || completed.includes(child);
      drawing.append(svg("line", { x1, y1, x2, y2, stroke: rgb(shape.colours[child]), "stroke-width": radius * (hidden ? 0.55 : 0.95), "stroke-opacity": hidden ? 0.75 : 1, "stroke-linecap": "round", "stroke-dasharray": guessed ? `${radius * 0.1} ${radius * 1.3}` : null }));
    }
    for (const j of labelled) {
      const [cx, cy] = person.points[j];
      if (completed.includes(j)) {
        const r = 1.35 * radius;
        drawing.append(svg("path", { d: `M${cx} ${cy - r}L${cx + r} ${cy}L${cx} ${cy + r}L${cx - r} ${cy}Z`, class: "completed", fill: "#111c", stroke: rgb(shape.colours[j]), "stroke-width": radius * 0.45 },
          svg("title", {}, `${shape.joints[j]} (completed${jointNote(person, j)})`)));
        continue;
      }
      const hidden = person.flags[j] === 1;
      drawing.append(svg("circle", { cx, cy, r: radius, fill: hidden ? "#111c" : rgb(shape.colours[j]), stroke: hidden ? rgb(shape.colours[j]) : "#0008", "stroke-width": radius * (hidden ? 0.5 : 0.2) },
        svg("title", {}, `${shape.joints[j]} (${hidden ? "hidden" : "visible"}${jointNote(person, j)})`)));
    }
  }
  return drawing;
}

// Numbers of predicted people above their highest joint, as in the 3D view.
function numbersSvg(sample) {
  if (!isPredicted(sample) || sample.people.length < 2) return null;
  const drawing = svg("svg", { viewBox: `0 0 ${sample.width} ${sample.height}`, class: "joints", "aria-hidden": "true" });
  const unit = Math.max(sample.width, sample.height) / (state.open >= 0 ? 90 : 40);
  sample.people.forEach((person, i) => {
    const points = person.points.filter((_, j) => person.flags[j] > 0);
    if (person.score === null || !points.length) return;
    const [x, y] = points.reduce((a, b) => (b[1] < a[1] ? b : a));
    const [cx, cy] = [Math.min(Math.max(x, unit), sample.width - unit), Math.min(Math.max(y - 1.5 * unit, unit), sample.height - unit)];
    drawing.append(svg("circle", { cx, cy, r: unit, fill: rgb(DATA.instanceColours[i % DATA.instanceColours.length]) }), svg("text", { x: cx, y: cy + 0.4 * unit, "text-anchor": "middle", "font-size": 1.2 * unit, "font-weight": 600, fill: "#111" }, String(i + 1)));
  });
  return drawing;
}

// Where several people are lifted, a box around the one whose trust the picture is sorted by.
function subjectBox(sample, index) {
  const record = DATA.spaces[index];
  if (!record || lifts(sample).length < 2) return null;
  const [x0, y0, x1, y1] = sample.people[subjectOf(sample, record)].box;
  const [width, height] = [Math.max(0, x1 - x0), Math.max(0, y1 - y0)];
  const unit = Math.max(Math.max(width, height) / 160, state.close ? 0 : sample.width / 320);
  return svg("svg", { viewBox: `0 0 ${sample.width} ${sample.height}`, class: "joints subject", "aria-hidden": "true" },
    svg("rect", { x: x0, y: y0, width, height, rx: 3 * unit, "stroke-width": unit, "stroke-dasharray": `${4 * unit} ${3 * unit}` }));
}

// Skeleton maps of the chosen kind, each in its own window, which may stick out of the picture.
function stickImages(sample) {
  const kind = DATA.stacks[state.stack];
  return sample.maps.filter((map) => kind && map.kind[0] === kind[0] && map.kind[1] === kind[1]).map((map) =>
    el("img", { class: "layer", src: map[state.side], alt: "sticks", draggable: "false", style: { opacity: state.opacity, ...placed({ ...sample, window: map.window }) } }));
}

// Layers cover only the window of the picture that shows people.
function placed({ width, height, window: [x0, y0, x1, y1] }) {
  const percent = (part, whole) => `${100 * part / whole}%`;
  return { left: percent(x0, width), top: percent(y0, height), width: percent(x1 - x0, width), height: percent(y1 - y0, height) };
}

// Where the picture lies within its tile, in shares of the tile: whole, or so large that the people fill it. Where
// people are lifted, it is filled with the one whose trust the picture is sorted by.
function layOut(tile, index) {
  const { width, height, window: own, layers, people } = DATA.samples[index];
  const [ratio, shape] = [Number(tile.dataset.ratio), width / height];
  const fit = ratio > shape ? [shape / ratio, 1] : [1, ratio / shape];
  const boxes = [];
  if (state.close && tile.id !== "insettile") {
    const record = DATA.spaces[index];
    const only = record && people.some((person) => person.lift) ? subjectOf(DATA.samples[index], record) : -1;
    boxes.push(...people.filter((_, i) => only < 0 || i === only).map((person) => person.box).filter(([x0, y0, x1, y1]) => x1 > x0 && y1 > y0));
    if (Object.keys(layers).length && only < 0) boxes.push(own);
  }
  const edge = (k, pick, limit) => Math.min(1, Math.max(0, pick(...boxes.map((box) => box[k])) / limit));
  const ends = boxes.length ? [[edge(0, Math.min, width), edge(2, Math.max, width)], [edge(1, Math.min, height), edge(3, Math.max, height)]] : [[0, 1], [0, 1]];
  const scale = boxes.length ? Math.max(1, Math.min(12, 0.85 / Math.max(0.01, ...ends.map(([low, high], k) => (high - low) * fit[k])))) : 1;
  const [[left, wide], [top, tall]] = ends.map(([low, high], k) => {
    const size = scale * fit[k];
    return [size > 1 ? Math.min(0, Math.max(1 - size, 0.5 - size * (low + high) / 2)) : (1 - size) / 2, size];
  });
  return Object.fromEntries(Object.entries({ left, top, width: wide, height: tall }).map(([name, part]) => [name, `${100 * part}%`]));
}

const setRatio = (tile, ratio) => { tile.dataset.ratio = ratio; tile.style.aspectRatio = String(ratio); };

const ownRatio = ({ width, height }) => Math.min(Math.max(width / height, 0.6), 2.2);

// Beside its 3D, every picture has a tile of the same shape; a wide one where it is of interest as a whole.
function shapeTiles(paired) {
  tiles.forEach((tile, i) => setRatio(tile, paired ? (DATA.samples.some(isPredicted) ? 1.25 : 0.9) : ownRatio(DATA.samples[i])));
  tiles.forEach(paintTile);
}

function paintTile(tile, index) {
  const sample = DATA.samples[index];
  const base = sample.image ? el("img", { src: sample.image, alt: `picture of ${sample.key}`, draggable: "false" }) : el("div", { class: "empty" }, "no picture");
  const source = sample.layers[state.layer];
  const layer = source ? el("img", { class: "layer", src: source, alt: state.layer, draggable: "false", style: { opacity: state.opacity, ...placed(sample) } }) : null;
  const frame = el("div", { class: "frame", style: layOut(tile, index) });
  const sticks = state.layer === "sticks" ? stickImages(sample) : [];
  frame.append(...[base, layer, ...sticks, state.joints ? subjectBox(sample, index) : null, state.joints ? skeletonSvg(sample) : null, state.joints ? numbersSvg(sample) : null].filter(Boolean));
  tile.replaceChildren(frame);
}

function repaint() {
  tiles.forEach(paintTile);
  if (state.open >= 0) paintTile(byId("zoomtile"), state.open);
  if (space.index >= 0) paintTile(byId("insettile"), space.index);
  byId("stackbar").hidden = state.layer !== "sticks";
  byId("legend").replaceChildren(...legend());
}

function legend() {
  const sides = state.joints ? [chip("var(--right)", "person's right", "disc"), chip("var(--left)", "person's left", "disc"), chip("var(--middle)", "middle", "disc"), chip("var(--muted)", "hidden joint", "ring"), ...(anyLifted() ? [chip("var(--muted)", "completed by lifting", "diamond")] : [])] : [];
  const ramp = (css, from, to) => [el("span", {}, from), el("i", { class: "ramp", style: { background: css } }), el("span", {}, to)];
  const own = {
    parts: () => DATA.parts.filter((part) => part.name !== "background").map((part) => chip(rgb(part.colour), plain(part.name))),
    sticks: () => DATA.sticks.map((stick) => chip(rgb(stick.colour), plain(stick.name))),
    instances: () => DATA.instanceColours.slice(0, 6).map((colour, i) => chip(rgb(colour), `person ${i + 1}`)),
    depth: () => ramp(`linear-gradient(90deg,${DATA.depthRamp.map(rgb).join(",")})`, "nearest surface of the picture", "farthest"),
    normals: () => [chip("rgb(255 128 128)", "faces right"), chip("rgb(128 255 128)", "faces up"), chip("rgb(128 128 255)", "faces the camera")],
    flow: () => [el("i", { class: "wheel", style: { background: "radial-gradient(closest-side,#fff,#fff0),conic-gradient(from 90deg,#f00,#ff0,#0f0,#0ff,#00f,#f0f,#f00)" } }), el("span", {}, "direction of motion to the next frame; the fuller the colour, the faster")],
  }[state.layer];
  return [...sides, ...(own ? own() : [])];
}

function openSample(index) {
  state.open = (index + DATA.samples.length) % DATA.samples.length;
  const sample = DATA.samples[state.open];
  const dialog = byId("zoom");
  if (!dialog.open) dialog.showModal();
  byId("zoomkey").textContent = sample.key;
  facts(byId("zoomfacts"), [
    ["Size", `${sample.width} × ${sample.height} px` + (sample.scale < 1 ? ` (shown at ${Math.round(sample.scale * 100)} %)` : "")],
    ["Clip", sample.clip === null ? null : `${sample.clip}` + (sample.frame === null ? "" : `, frame ${sample.frame}`)],
    ["Depth", sample.depthRange && sample.depthRange[1] ? `${number(sample.depthRange[0])} to ${number(sample.depthRange[1])} m` : null],
    ["Fast flow", sample.flowLimit ? `${number(sample.flowLimit)} px a frame` : null],
    ...sample.facts,
  ]);
  byId("zoompeople").replaceChildren(...sample.people.map((person, i) => {
    const list = el("dl");
    const seen = person.flags.filter((flag) => flag === 2).length;
    facts(list, [
      ...liftFacts(person, sample.refused[i]),
      ["Score", person.score === null ? null : number(person.score)],
      [person.lift ? "Matched" : "Motion", person.motion === null ? null : person.motion + (person.motionFrame === null ? "" : `, frame ${person.motionFrame}`)],
      ["Body", [person.body, person.gender].filter(Boolean).join(", ")],
      ["Box", `${Math.round(person.box[2] - person.box[0])} × ${Math.round(person.box[3] - person.box[1])} px`],
      ["Joints", `${seen} of ${person.flags.length} visible (${person.skeleton})`],
    ]);
    const title = el("h3", {}, `Person ${i + 1}`, person.lift ? el("i", { class: "dot", style: { background: trustColour(person.lift.error) } }) : null);
    return el("div", { class: "person", style: { borderColor: rgb(DATA.instanceColours[i % DATA.instanceColours.length]) } }, title, list);
  }));
  byId("tospace").hidden = !DATA.spaces[state.open];
  fitZoom();
  paintTile(byId("zoomtile"), state.open);
  showZoomMini();
}

// To the picture that comes before or after in the order shown.
function step(by) {
  const place = state.shown.indexOf(state.open);
  openSample(state.shown[(place + by + state.shown.length) % state.shown.length]);
}

function fitZoom() {
  if (state.open < 0) return;
  const { width, height } = DATA.samples[state.open];
  const narrow = innerWidth <= 720;
  const scale = Math.min((innerWidth - (narrow ? 0 : 370)) / width, (innerHeight * (narrow ? 0.6 : 1) - (narrow ? 0 : 32)) / height);
  byId("zoomtile").dataset.ratio = width / height;
  Object.assign(byId("zoomtile").style, { width: `${width * scale}px`, height: `${height * scale}px` });
}

function startGallery() {
  DATA.samples.forEach((sample, i) => {
    const tile = el("div", { class: "tile" });
    setRatio(tile, ownRatio(sample));
    tiles.push(tile);
    const who = sample.people.length === 1 ? sample.people[0].motion || scoreOf(sample.people[0]) : `${sample.people.length} people`;
    const trust = trustLabel(sample);
    const mini = DATA.spaces[i] && DATA.spaces[i].people.length ? el("canvas", { class: "mini", "data-index": i }) : null;
    cells.push(el("button", { class: "cell", type: "button", "data-index": i, onclick: () => openSample(i) }, el("div", { class: "pair" }, tile, mini), el("span", {}, el("b", {}, sample.key), trust || el("em", {}, who || ""))));
  });
  byId("sheet").append(...cells);
  if (!DATA.samples.length) byId("sheet").append(el("p", { class: "muted" }, "The corpus has no samples yet."));
  const present = Object.keys(LAYER_NAMES).filter((layer) => layer === "none" || DATA.samples.some((s) => s.layers[layer] || (layer === "sticks" && s.maps.length)));
  const change = segments(byId("layers"), present.map((value, i) => ({ value, label: LAYER_NAMES[value], key: String(i) })), "none", (value) => { state.layer = value; repaint(); });
  setLayer = (key) => { if (present[key]) change(present[key]); };
  byId("layers").hidden = present.length < 2;
  startStacks();
  const toggle = byId("joints");
  toggle.onclick = () => { state.joints = !state.joints; toggle.setAttribute("aria-pressed", state.joints); repaint(); };
  const near = byId("closeup");
  state.close = anyLifted();
  near.setAttribute("aria-pressed", state.close);
  near.onclick = () => { state.close = !state.close; near.setAttribute("aria-pressed", state.close); repaint(); };
  byId("opacity").oninput = (event) => { state.opacity = event.target.value / 100; document.querySelectorAll(".layer").forEach((node) => { node.style.opacity = state.opacity; }); };
  const dialog = byId("zoom");
  dialog.addEventListener("close", () => { state.open = -1; });
  dialog.addEventListener("click", (event) => { if (event.target.matches("#zoom,.zoom,.picture")) dialog.close(); });
  byId("close").onclick = () => dialog.close();
  byId("previous").onclick = () => step(-1);
  byId("next").onclick = () => step(1);
  byId("tospace").onclick = () => { const index = state.open; dialog.close(); byId("space").scrollIntoView(); showSpace(index); };
  byId("inset").onclick = () => openSample(space.index);
  addEventListener("resize", fitZoom);
  repaint();
}

// Which of the skeleton maps: how wide a stick, in which window, and which side of a crossing.
function startStacks() {
  const windows = Math.max(0, ...DATA.stacks.map(([, rank]) => rank));
  const label = ([width, rank]) => `${number(width)} px wide${windows ? `, window ${rank + 1} of ${windows + 1}` : ""}`;
  byId("stack").replaceChildren(...DATA.stacks.map((kind, i) => el("option", { value: i }, label(kind))));
  byId("stack").onchange = (event) => { state.stack = Number(event.target.value); repaint(); };
  segments(byId("side"), [{ value: "front", label: "Nearer on top" }, { value: "back", label: "Farther on top" }], "front", (value) => { state.side = value; repaint(); });
}
