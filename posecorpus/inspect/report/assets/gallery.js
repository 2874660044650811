// The contact sheet and the enlarged sample. One state for both: which layer, joints or not, how opaque.
const LAYER_NAMES = { none: "Picture", parts: "Parts", instances: "People", depth: "Depth", normals: "Normals", flow: "Flow" };
const state = { layer: "none", joints: true, close: false, opacity: 0.75, open: -1 };
const tiles = [];
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
    for (const [parent, child] of shape.bones) {
      if (!person.flags[parent] || !person.flags[child]) continue;
      const [[x1, y1], [x2, y2]] = [person.points[parent], person.points[child]];
      const hidden = person.flags[parent] === 1 || person.flags[child] === 1;
      drawing.append(svg("line", { x1, y1, x2, y2, stroke: rgb(shape.colours[child]), "stroke-width": radius * (hidden ? 0.55 : 0.95), "stroke-opacity": hidden ? 0.75 : 1, "stroke-linecap": "round" }));
    }
    for (const j of labelled) {
      const [cx, cy] = person.points[j];
      const hidden = person.flags[j] === 1;
      drawing.append(svg("circle", { cx, cy, r: radius, fill: hidden ? "#111c" : rgb(shape.colours[j]), stroke: hidden ? rgb(shape.colours[j]) : "#0008", "stroke-width": radius * (hidden ? 0.5 : 0.2) },
        svg("title", {}, `${shape.joints[j]} (${hidden ? "hidden" : "visible"})`)));
    }
  }
  return drawing;
}

// Layers cover only the window of the picture that shows people.
function placed({ width, height, window: [x0, y0, x1, y1] }) {
  const percent = (part, whole) => `${100 * part / whole}%`;
  return { left: percent(x0, width), top: percent(y0, height), width: percent(x1 - x0, width), height: percent(y1 - y0, height) };
}

// A transform that fills the tile with the people: the window around labels and boxes, with a margin, kept inside.
function closeUp({ width, height, window: own, layers, people }) {
  const boxes = people.map((person) => person.box).filter(([x0, y0, x1, y1]) => x1 > x0 && y1 > y0);
  if (Object.keys(layers).length) boxes.push(own);
  if (!boxes.length) return "none";
  const edge = (k, pick, limit) => Math.min(limit, Math.max(0, pick(...boxes.map((box) => box[k]))));
  const [x0, y0, x1, y1] = [edge(0, Math.min, width), edge(1, Math.min, height), edge(2, Math.max, width), edge(3, Math.max, height)];
  const scale = Math.max(1, Math.min(12, 0.85 / Math.max((x1 - x0) / width, (y1 - y0) / height, 0.01)));
  const start = (low, high, whole) => Math.min(whole - whole / scale, Math.max(0, (low + high) / 2 - whole / scale / 2));
  return `translate(${-100 * scale * start(x0, x1, width) / width}%, ${-100 * scale * start(y0, y1, height) / height}%) scale(${scale})`;
}

function paintTile(tile, sample) {
  const base = sample.image ? el("img", { src: sample.image, alt: `picture of ${sample.key}`, draggable: "false" }) : el("div", { class: "empty" }, "no picture");
  const source = sample.layers[state.layer];
  const layer = source ? el("img", { class: "layer", src: source, alt: state.layer, draggable: "false", style: { opacity: state.opacity, ...placed(sample) } }) : null;
  const frame = el("div", { class: "frame", style: { transform: state.close ? closeUp(sample) : "none" } });
  frame.append(...[base, layer, state.joints ? skeletonSvg(sample) : null].filter(Boolean));
  tile.replaceChildren(frame);
}

function repaint() {
  tiles.forEach((tile, i) => paintTile(tile, DATA.samples[i]));
  if (state.open >= 0) paintTile(byId("zoomtile"), DATA.samples[state.open]);
  byId("legend").replaceChildren(...legend());
}

function legend() {
  const sides = state.joints ? [chip("var(--right)", "person's right", "disc"), chip("var(--left)", "person's left", "disc"), chip("var(--middle)", "middle", "disc"), chip("var(--muted)", "hidden joint", "ring")] : [];
  const ramp = (css, from, to) => [el("span", {}, from), el("i", { class: "ramp", style: { background: css } }), el("span", {}, to)];
  const own = {
    parts: () => DATA.parts.filter((part) => part.name !== "background").map((part) => chip(rgb(part.colour), plain(part.name))),
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
  ]);
  byId("zoompeople").replaceChildren(...sample.people.map((person, i) => {
    const list = el("dl");
    const seen = person.flags.filter((flag) => flag === 2).length;
    facts(list, [
      ["Motion", person.motion === null ? null : person.motion + (person.motionFrame === null ? "" : `, frame ${person.motionFrame}`)],
      ["Body", [person.body, person.gender].filter(Boolean).join(", ")],
      ["Box", `${Math.round(person.box[2] - person.box[0])} × ${Math.round(person.box[3] - person.box[1])} px`],
      ["Joints", `${seen} of ${person.flags.length} visible (${person.skeleton})`],
    ]);
    return el("div", { class: "person", style: { borderColor: rgb(DATA.instanceColours[i % DATA.instanceColours.length]) } }, el("h3", {}, `Person ${i + 1}`), list);
  }));
  byId("tospace").hidden = !DATA.spaces[state.open];
  fitZoom();
  paintTile(byId("zoomtile"), sample);
}

function fitZoom() {
  if (state.open < 0) return;
  const { width, height } = DATA.samples[state.open];
  const narrow = innerWidth <= 720;
  const scale = Math.min((innerWidth - (narrow ? 0 : 370)) / width, (innerHeight * (narrow ? 0.6 : 1) - (narrow ? 0 : 32)) / height);
  Object.assign(byId("zoomtile").style, { width: `${width * scale}px`, height: `${height * scale}px` });
}

function startGallery() {
  const sheet = byId("sheet");
  DATA.samples.forEach((sample, i) => {
    const ratio = Math.min(Math.max(sample.width / sample.height, 0.6), 2.2);
    const tile = el("div", { class: "tile", style: { aspectRatio: String(ratio) } });
    tiles.push(tile);
    const who = sample.people.length === 1 ? sample.people[0].motion : `${sample.people.length} people`;
    sheet.append(el("button", { class: "cell", type: "button", "data-index": i, onclick: () => openSample(i) }, tile, el("span", {}, el("b", {}, sample.key), el("em", {}, who || ""))));
  });
  if (!DATA.samples.length) sheet.append(el("p", { class: "muted" }, "The corpus has no samples yet."));
  const present = Object.keys(LAYER_NAMES).filter((layer) => layer === "none" || DATA.samples.some((s) => s.layers[layer]));
  const change = segments(byId("layers"), present.map((value, i) => ({ value, label: LAYER_NAMES[value], key: String(i) })), "none", (value) => { state.layer = value; repaint(); });
  setLayer = (key) => { if (present[key]) change(present[key]); };
  byId("layers").hidden = present.length < 2;
  const toggle = byId("joints");
  toggle.onclick = () => { state.joints = !state.joints; toggle.setAttribute("aria-pressed", state.joints); repaint(); };
  const near = byId("closeup");
  near.onclick = () => { state.close = !state.close; near.setAttribute("aria-pressed", state.close); repaint(); };
  byId("opacity").oninput = (event) => { state.opacity = event.target.value / 100; document.querySelectorAll(".layer").forEach((node) => { node.style.opacity = state.opacity; }); };
  const dialog = byId("zoom");
  dialog.addEventListener("close", () => { state.open = -1; });
  dialog.addEventListener("click", (event) => { if (event.target.matches("#zoom,.zoom,.picture")) dialog.close(); });
  byId("close").onclick = () => dialog.close();
  byId("previous").onclick = () => openSample(state.open - 1);
  byId("next").onclick = () => openSample(state.open + 1);
  byId("tospace").onclick = () => { const index = state.open; dialog.close(); byId("space").scrollIntoView(); showSpace(index); };
  addEventListener("resize", fitZoom);
  repaint();
}
