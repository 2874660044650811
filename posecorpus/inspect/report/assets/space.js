// The 3D view: a point cloud drawn by a software z-buffer, bones and guides by the canvas. No WebGL, so it
// looks the same on every machine, remote desktops and virtual ones included.
const space = { index: -1, colouring: "rgb", yaw: 0.6, pitch: 0.25, distance: 5, target: [0, 1, 0], fov: 0.7, cloud: null, bones: true, focus: -1 };
let setColouring = () => {};

function decodeCloud(record) {
  if (!record || !record.cloud) return null;
  const bytes = Uint8Array.from(atob(record.cloud), (c) => c.charCodeAt(0));
  const view = new DataView(bytes.buffer);
  const count = bytes.length / 10;
  const cloud = { count, xyz: new Float32Array(3 * count), rgb: new Uint32Array(count), part: new Uint32Array(count), size: new Float32Array(count) };
  for (let i = 0; i < count; i++) {
    for (let k = 0; k < 3; k++) cloud.xyz[3 * i + k] = record.centre[k] + view.getInt16(10 * i + 2 * k, true) * record.unit;
    cloud.size[i] = record.spacing * Math.hypot(...record.camera.centre.map((v, k) => cloud.xyz[3 * i + k] - v));
    cloud.rgb[i] = pack(bytes[10 * i + 6], bytes[10 * i + 7], bytes[10 * i + 8]);
    const part = DATA.partColours[bytes[10 * i + 9]] || [255, 0, 255];
    cloud.part[i] = pack(...part);
  }
  return cloud;
}

const pack = (r, g, b) => ((255 << 24) | (b << 16) | (g << 8) | r) >>> 0;

// Of everyone, or of one person alone.
function extent(record, only = -1) {
  const points = record.people.filter(({ person }) => only < 0 || person === only).flatMap((person) => person.points.filter((_, j) => person.known[j]));
  if (!points.length) points.push([0, 0, 0]);
  if (record.centre && only < 0) points.push(record.centre);
  const low = [0, 1, 2].map((k) => Math.min(...points.map((p) => p[k])));
  const high = [0, 1, 2].map((k) => Math.max(...points.map((p) => p[k])));
  return { centre: low.map((v, k) => (v + high[k]) / 2), size: Math.max(0.5, Math.hypot(...high.map((v, k) => v - low[k]))), floor: low[1] };
}

function drawCloud(context, width, height, { frame, focal }) {
  const { cloud } = space;
  if (!cloud || space.colouring === "off") return;
  const colours = space.colouring === "part" ? cloud.part : cloud.rgb;
  const image = context.createImageData(width, height);
  const pixels = new Uint32Array(image.data.buffer);
  const nearest = new Float32Array(width * height).fill(Infinity);
  const { at, right, up, back } = frame;
  for (let i = 0; i < cloud.count; i++) {
    const x = cloud.xyz[3 * i] - at[0], y = cloud.xyz[3 * i + 1] - at[1], z = cloud.xyz[3 * i + 2] - at[2];
    const depth = -(x * back[0] + y * back[1] + z * back[2]);
    if (depth < 0.05) continue;
    const column = width / 2 + focal * (x * right[0] + y * right[1] + z * right[2]) / depth;
    const row = height / 2 - focal * (x * up[0] + y * up[1] + z * up[2]) / depth;
    const reach = Math.min(24, Math.max(0.6, 0.75 * cloud.size[i] * focal / depth));
    const c0 = Math.max(0, Math.round(column - reach)), c1 = Math.min(width, Math.round(column + reach));
    const r0 = Math.max(0, Math.round(row - reach)), r1 = Math.min(height, Math.round(row + reach));
    for (let r = r0; r < r1; r++) for (let c = c0; c < c1; c++) {
      const at1 = r * width + c;
      if (depth < nearest[at1]) { nearest[at1] = depth; pixels[at1] = colours[i]; }
    }
  }
  const layer = new OffscreenCanvas(width, height);
  layer.getContext("2d").putImageData(image, 0, 0);
  context.drawImage(layer, 0, 0);
}

function drawGround(context, view, bounds, record, pixel) {
  const ink = getComputedStyle(document.documentElement).getPropertyValue("--muted");
  const floor = record.placed ? 0 : bounds.floor;
  const [x0, z0] = [Math.round(bounds.centre[0]), Math.round(bounds.centre[2])];
  const reach = 4;
  for (let i = -reach; i <= reach; i++) for (let j = -reach; j < reach; j++) {
    const fade = 1 - Math.hypot(i, j + 0.5) / (reach + 1.5);
    context.globalAlpha = Math.max(0, 0.6 * fade);
    line(context, view, [x0 + i, floor, z0 + j], [x0 + i, floor, z0 + j + 1], ink, pixel);
    line(context, view, [x0 + j, floor, z0 + i], [x0 + j + 1, floor, z0 + i], ink, pixel);
  }
  context.globalAlpha = 1;
  const corner = [x0, floor, z0];
  [["#e5484d", [0.5, 0, 0]], ["#46a846", [0, 0.5, 0]], ["#2b8be6", [0, 0, 0.5]]].forEach(([colour, axis]) => line(context, view, corner, add(corner, axis), colour, 2.5 * pixel));
}

function drawCamera(context, view, camera, pixel) {
  const ink = getComputedStyle(document.documentElement).getPropertyValue("--accent");
  const corners = camera.corners.map((corner) => add(camera.centre, add(corner, camera.centre, -1), 0.7));
  corners.forEach((corner, i) => {
    line(context, view, camera.centre, corner, ink, 1.5 * pixel);
    line(context, view, corner, corners[(i + 1) % 4], ink, 1.5 * pixel);
  });
  const reach = Math.hypot(...add(space.bounds.centre, camera.centre, -1));
  context.globalAlpha = 0.25;
  camera.corners.forEach((corner) => line(context, view, camera.centre, add(camera.centre, add(corner, camera.centre, -1), reach), ink, pixel));
  context.globalAlpha = 1;
  const top = add(corners[0], corners[1]).map((v) => v / 2);
  line(context, view, top, add(top, camera.axes[1], -0.12), ink, 3 * pixel); // a tick on the upper edge says which way is up
}

// Hypotheses as metres, decoded once: for each a point or null for each joint.
function posesOf(person) {
  const packed = person.hypotheses;
  if (!packed) return [];
  if (!packed.decoded) {
    const view = new DataView(Uint8Array.from(atob(packed.poses), (c) => c.charCodeAt(0)).buffer);
    const joints = person.points.length;
    packed.decoded = Array.from({ length: packed.count }, (_, h) => Array.from({ length: joints }, (_, j) => {
      const steps = [0, 1, 2].map((k) => view.getInt16(2 * (3 * (h * joints + j) + k), true));
      return steps[0] === -32768 ? null : steps.map((step, k) => packed.origin[k] + step * packed.unit);
    }));
  }
  return packed.decoded;
}

function drawHypotheses(context, view, record, people, pixel, only = -1) {
  if (!HYPOTHESES.shown) return;
  context.globalAlpha = 0.2;
  for (const person of record.people) {
    if (only >= 0 && person.person !== only) continue;
    const shape = DATA.skeletons[people[person.person].skeleton];
    for (const pose of posesOf(person)) for (const [parent, child] of shape.bones) {
      if (pose[parent] && pose[child]) line(context, view, pose[parent], pose[child], rgb(shape.colours[child]), 1.2 * pixel);
    }
  }
  context.globalAlpha = 1;
}

function drawPeople(context, view, record, people, pixel, only = -1) {
  const strokes = [];
  for (const person of record.people) {
    if (only >= 0 && person.person !== only) continue;
    const shape = DATA.skeletons[people[person.person].skeleton];
    const { lift } = people[person.person];
    const completed = lift ? lift.completed : [];
    for (const [parent, child] of shape.bones) {
      if (!person.known[parent] || !person.known[child]) continue;
      const depth = (view.project(person.points[parent])[2] + view.project(person.points[child])[2]) / 2;
      strokes.push([depth, () => {
        const thick = Math.min(9, Math.max(1.5, 0.015 * view.focal / pixel / Math.max(depth, 0.1))) * pixel;
        const guessed = completed.includes(parent) || completed.includes(child);
        if (!guessed) line(context, view, person.points[parent], person.points[child], "#0009", thick + 1.6 * pixel);
        context.setLineDash(guessed ? [0.1, 1.7 * thick] : []);
        line(context, view, person.points[parent], person.points[child], rgb(shape.colours[child]), thick);
        context.setLineDash([]);
      }]);
    }
    for (const joint of shape.drawn) {
      if (!person.known[joint]) continue;
      const [x, y, z] = view.project(person.points[joint]);
      if (z < 0.05) continue;
      strokes.push([z - 0.02, () => {
        context.beginPath();
        context.arc(x, y, Math.min(9, Math.max(1.8, 0.014 * view.focal / pixel / z)) * pixel, 0, 7);
        context.fillStyle = completed.includes(joint) ? "#fff" : rgb(shape.colours[joint]);
        context.fill();
        context.strokeStyle = completed.includes(joint) ? rgb(shape.colours[joint]) : "#0009";
        context.lineWidth = (completed.includes(joint) ? 1.6 : 0.8) * pixel;
        context.stroke();
      }]);
    }
  }
  drawStrokes(strokes);
}

// Numbers above the heads of predicted people, as in the picture.
function drawNumbers(context, view, record, people, pixel, only = -1) {
  context.textAlign = "center";
  context.font = `600 ${11 * pixel}px system-ui, sans-serif`;
  for (const { person, points, known } of record.people) {
    if (people[person].score === null || (only >= 0 && person !== only) || record.people.length < 2) continue;
    const top = points.filter((_, j) => known[j]).reduce((a, b) => (b[1] > a[1] ? b : a), [0, -Infinity, 0]);
    const [x, y, z] = view.project(top);
    if (z > 0.05) tag(context, String(person + 1), x, y - 12 * pixel, rgb(DATA.instanceColours[person % DATA.instanceColours.length]), pixel);
  }
}

function tag(context, text, x, y, colour, pixel) {
  context.beginPath();
  context.arc(x, y, 8 * pixel, 0, 7);
  context.fillStyle = colour;
  context.fill();
  context.fillStyle = "#111";
  context.fillText(text, x, y + 4 * pixel);
}

function drawSpace() {
  const record = DATA.spaces[space.index];
  if (!record) return;
  const canvas = byId("view");
  const pixel = Math.min(devicePixelRatio || 1, 2);
  const [width, height] = [Math.round(canvas.clientWidth * pixel), Math.round(canvas.clientHeight * pixel)];
  if (!width || !height) return;
  if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
  const context = canvas.getContext("2d");
  context.clearRect(0, 0, width, height);
  context.lineCap = "round";
  const view = projector(width, height, space);
  drawGround(context, view, space.bounds, record, pixel);
  drawCloud(context, width, height, view);
  if (record.camera) drawCamera(context, view, record.camera, pixel);
  const { people } = DATA.samples[space.index];
  drawHypotheses(context, view, record, people, pixel, space.focus);
  if (space.bones) {
    drawPeople(context, view, record, people, pixel, space.focus);
    drawNumbers(context, view, record, people, pixel, space.focus);
  }
}

let pending = false;
function redraw() {
  if (pending) return;
  pending = true;
  requestAnimationFrame(() => { pending = false; drawSpace(); });
}

const VIEWS = {
  camera: ({ camera }) => {
    const back = camera.axes[2].map((v) => -v);
    const reach = Math.max(0.5, -dot(add(space.bounds.centre, camera.centre, -1), back));
    Object.assign(space, { yaw: Math.atan2(back[0], back[2]), pitch: Math.asin(Math.max(-1, Math.min(1, back[1]))), distance: reach, target: add(camera.centre, back, -reach), fov: camera.fovY });
  },
  front: () => orbit(0.0, 0.12), side: () => orbit(Math.PI / 2, 0.12), top: () => orbit(0, UP_LIMIT), free: () => orbit(0.6, 0.25),
  scene: ({ camera }) => { // people and camera together, from the side
    orbit(1.0, 0.3);
    space.target = add(space.bounds.centre, camera.centre).map((v) => v / 2);
    space.distance = 1.2 * Math.hypot(...add(space.bounds.centre, camera.centre, -1)) + space.bounds.size;
  },
};

// Angles are relative to the camera's side of the scene: "front" is what the camera sees, level.
function orbit(yaw, pitch) {
  const { camera } = DATA.spaces[space.index];
  const base = camera ? Math.atan2(-camera.axes[2][0], -camera.axes[2][2]) : 0;
  Object.assign(space, { yaw: base + yaw, pitch, target: space.bounds.centre, distance: Math.max(1.2, 1.15 * space.bounds.size / 2 / Math.tan(0.35)), fov: 0.7 });
}

function showSpace(index, focus = -1) {
  const record = DATA.spaces[index];
  if (!record) return;
  Object.assign(space, { index, focus, cloud: decodeCloud(record), bounds: extent(record, focus) });
  showFocus(record, index, focus);
  byId("pick").value = String(index);
  const options = [{ value: "rgb", label: "Colours" }, { value: "part", label: "Parts" }, { value: "off", label: "Bones only" }];
  const offered = options.filter(({ value }) => value === "off" || (space.cloud && (value === "rgb" || record.cloudHasParts)));
  if (!offered.some(({ value }) => value === space.colouring)) space.colouring = offered[0].value;
  segments(byId("colouring"), offered, space.colouring, (value) => { space.colouring = value; redraw(); });
  const views = ["free", "scene", "camera", "front", "side", "top"].filter((name) => record.camera || !["scene", "camera"].includes(name));
  byId("views").replaceChildren(...views.map((name) => el("button", { type: "button", "data-view": name, onclick: () => { VIEWS[name](record); redraw(); } }, { free: "Reset", scene: "Scene", camera: "Camera", front: "Front", side: "Side", top: "Top" }[name])));
  const points = space.cloud ? `${number(space.cloud.count)} surface points from the depth map` : "no depth map";
  byId("readout").textContent = `${DATA.samples[index].key} · ${record.people.length} ${record.people.length === 1 ? "person" : "people"} · ${points}` + (record.placed ? "" : record.camera || !isPredicted(DATA.samples[index]) ? " · camera frame, its pose is unknown" : " · camera unknown: distances are true but for one factor") + trustLine(DATA.samples[index], focus);
  VIEWS.free(record);
  redraw();
}

function trustLine(sample, focus) {
  const shown = sample.people.filter((person, i) => person.lift && (focus < 0 || i === focus));
  if (!shown.length) return "";
  const [first] = shown.sort((a, b) => b.lift.error - a.lift.error);
  const matched = first.motion === null ? "" : `, matched ${first.motion}`;
  return ` · ${shown.length > 1 ? "least trusted: " : ""}predicted error ${round(first.lift.error)} mm (${range(first.lift.interval)})` + (first.lift.measured === null ? "" : `, true ${Math.round(first.lift.measured)} mm`) + matched;
}

const remark = (person) => (person.lift ? `, ${round(person.lift.error)} mm` : person.score === null ? "" : `, ${scoreOf(person)}`);

// The picture beside its 3D, and a choice of one person where there are several.
function showFocus(record, index, focus) {
  const sample = DATA.samples[index];
  const chooser = byId("focus");
  chooser.hidden = record.people.length < 2;
  chooser.replaceChildren(el("option", { value: -1 }, "Everyone"), ...record.people.map(({ person }) =>
    el("option", { value: person }, `Person ${person + 1}${remark(sample.people[person])}`)));
  chooser.value = String(focus);
  byId("hypotheses").hidden = !record.people.some((person) => person.hypotheses);
  const tile = byId("insettile");
  setRatio(tile, sample.width / sample.height);
  paintTile(tile, index);
}

function startSpace() {
  const shown = DATA.samples.map((_, i) => i).filter((i) => DATA.spaces[i]);
  if (!shown.length) {
    byId("space").replaceChildren(el("h2", {}, "In three dimensions"), el("p", { class: "muted" }, "No pictured sample has joints in 3D or a depth map."));
    return;
  }
  byId("pick").replaceChildren(...shown.map((i) => el("option", { value: i }, `${DATA.samples[i].key}  (${DATA.samples[i].people.length})`)));
  byId("pick").onchange = (event) => showSpace(Number(event.target.value));
  byId("focus").onchange = (event) => showSpace(space.index, Number(event.target.value));
  const toggle = byId("hypotheses");
  toggle.onclick = () => { HYPOTHESES.shown = !HYPOTHESES.shown; toggle.setAttribute("aria-pressed", HYPOTHESES.shown); redraw(); drawMinis(); };
  steer(byId("view"));
  new ResizeObserver(redraw).observe(byId("view"));
  showSpace(shown[0]);
}

function steer(canvas) {
  const touches = new Map();
  const spread = () => { const [a, b] = [...touches.values()]; return Math.hypot(a[0] - b[0], a[1] - b[1]); };
  const pan = (dx, dy) => {
    const frame = eye(space);
    const metres = 2 * space.distance * Math.tan(space.fov / 2) / canvas.clientHeight;
    space.target = add(add(space.target, frame.right, -dx * metres), frame.up, dy * metres);
  };
  const zoom = (factor) => { space.distance = Math.min(60, Math.max(0.3, space.distance * factor)); };
  canvas.addEventListener("pointerdown", (event) => { canvas.setPointerCapture(event.pointerId); touches.set(event.pointerId, [event.clientX, event.clientY]); });
  canvas.addEventListener("pointermove", (event) => {
    const before = touches.get(event.pointerId);
    if (!before) return;
    const [dx, dy] = [event.clientX - before[0], event.clientY - before[1]];
    const apart = touches.size === 2 ? spread() : 0;
    touches.set(event.pointerId, [event.clientX, event.clientY]);
    if (apart) { zoom(apart / Math.max(spread(), 1)); pan(dx / 2, dy / 2); }
    else if (event.shiftKey || event.buttons === 2 || event.buttons === 4) pan(dx, dy);
    else { space.yaw -= dx * 0.008; space.pitch = Math.min(UP_LIMIT, Math.max(-UP_LIMIT, space.pitch + dy * 0.008)); }
    redraw();
  });
  for (const name of ["pointerup", "pointercancel"]) canvas.addEventListener(name, (event) => touches.delete(event.pointerId));
  canvas.addEventListener("wheel", (event) => {
    if (document.activeElement !== canvas && !event.ctrlKey) return; // a wheel that passes by scrolls the page
    event.preventDefault();
    zoom(Math.exp(Math.max(-60, Math.min(60, event.deltaY)) * 0.002));
    redraw();
  }, { passive: false });
  canvas.addEventListener("contextmenu", (event) => event.preventDefault());
  canvas.addEventListener("dblclick", () => { VIEWS.free(DATA.spaces[space.index]); redraw(); });
  canvas.addEventListener("keydown", (event) => {
    const turn = { ArrowLeft: [-0.1, 0], ArrowRight: [0.1, 0], ArrowUp: [0, 0.08], ArrowDown: [0, -0.08] }[event.key];
    if (!turn) return;
    event.preventDefault();
    space.yaw += turn[0];
    space.pitch = Math.min(UP_LIMIT, Math.max(-UP_LIMIT, space.pitch + turn[1]));
    redraw();
  });
}
