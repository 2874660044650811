// What the contact sheet adds where 3D was lifted: trust under each picture, orders, headings, small 3D views.
const MINI = { turn: 60, seen: new Set(), watch: null };
const HYPOTHESES = { shown: true };

const lifts = (sample) => sample.people.map((person) => person.lift).filter(Boolean);
const worst = (sample, name) => Math.max(...lifts(sample).map((lift) => lift[name] ?? -Infinity));
const anyLifted = () => DATA.samples.some((sample) => lifts(sample).length);
const isPredicted = (sample) => sample.people.some((person) => person.score !== null);
const scoreOf = ({ score }) => (score === null ? "" : `score ${number(score)}`);
const round = (value) => (value === null ? "unknown" : String(Math.round(value)));
const range = ([low, high]) => `${round(low)} to ${round(high)}`;
// The person a picture's trust is that of; the first with 3D where nobody is lifted.
function subjectOf(sample, record) {
  const shown = record.people.map(({ person }) => person);
  const lifted = shown.filter((i) => sample.people[i].lift);
  return lifted.length ? lifted.reduce((a, b) => (sample.people[b].lift.error > sample.people[a].lift.error ? b : a)) : shown[0];
}

// From green at 30 mm to red at 150 mm.
const trustColour = (error) => `hsl(${Math.round(130 * (1 - Math.min(1, Math.max(0, (error - 30) / 120))))} 70% 45%)`;

function trustLabel(sample) {
  const all = lifts(sample);
  if (!all.length) return Object.keys(sample.refused).length ? "not lifted" : "";
  const errors = all.map((lift) => lift.error).filter((error) => error !== null);
  if (!errors.length) return "no trust";
  const [low, high] = [Math.round(Math.min(...errors)), Math.round(Math.max(...errors))];
  const known = all.map((lift) => lift.measured).filter((error) => error !== null);
  const truth = known.length ? ` · true ${Math.round(Math.max(...known))}` : "";
  return el("span", { class: "trust" }, el("i", { style: { background: trustColour(high) } }), `${low === high ? high : `${low}–${high}`} mm${truth}`);
}

function liftFacts(person, why) {
  const { lift } = person;
  if (!lift) return why ? [["Not lifted", why]] : [];
  const names = DATA.skeletons[person.skeleton].joints;
  const drawn = DATA.skeletons[person.skeleton].drawn.filter((j) => lift.errors[j] !== null);
  const weakest = [...drawn].sort((a, b) => lift.errors[b] - lift.errors[a]).slice(0, 3).map((j) => `${plain(names[j])} ${lift.errors[j]}`);
  return [
    ["Predicted error", `${number(lift.error)} mm, 9 in 10: ${range(lift.interval)} mm`],
    ["Measured error", lift.measured === null ? null : `${number(lift.measured)} mm`],
    ["Weakest joints", weakest.length ? `${weakest.join(", ")} mm` : null],
    ["Match distance", number3(lift.distance)],
    ["Residual", `${number(lift.residual)} px` + (lift.residualTorso === null ? "" : ` (${number3(lift.residualTorso)} torso lengths)`)],
    ["Completed", lift.completed.map((j) => plain(names[j])).join(", ") || "none"],
    ["Method", `${lift.method}, ${lift.hypotheses} hypotheses`],
  ];
}

const number3 = (value) => (value === null ? null : value.toLocaleString("en", { maximumSignificantDigits: 3 }));

const jointNote = (person, joint) => {
  const { lift } = person;
  if (!lift || lift.errors[joint] === null) return "";
  return `, predicted error ${lift.errors[joint]} mm, 9 in 10: ${range(lift.intervals[joint])} mm`;
};

const by = (value, sign) => () => DATA.samples.map((_, i) => i).sort((a, b) => {
  const [x, y] = [value(DATA.samples[a]), value(DATA.samples[b])];
  if (!Number.isFinite(x) || !Number.isFinite(y)) return Number.isFinite(y) - Number.isFinite(x) || a - b; // no number: last
  return sign * (x - y) || a - b;
});
const underestimated = (sample) => Math.max(...lifts(sample).map((lift) => (lift.measured === null ? -Infinity : lift.measured - lift.error)));
const ORDERS = {
  groups: ["Groups by trust", () => DATA.samples.map((_, i) => i)],
  best: ["Most trusted first", by((s) => worst(s, "error"), 1)],
  worst: ["Least trusted first", by((s) => worst(s, "error"), -1)],
  right: ["Smallest measured error first", by((s) => worst(s, "measured"), 1)],
  wrong: ["Largest measured error first", by((s) => worst(s, "measured"), -1)],
  trap: ["Most underestimated first", by(underestimated, -1)],
  near: ["Nearest match first", by((s) => worst(s, "distance"), 1)],
  far: ["Farthest match first", by((s) => worst(s, "distance"), -1)],
  tight: ["Smallest residual first", by((s) => worst(s, "residualTorso"), 1)],
  loose: ["Largest residual first", by((s) => worst(s, "residualTorso"), -1)],
  corpus: ["Order of the corpus", () => DATA.rows.map((_, i) => i).sort((a, b) => DATA.rows[a] - DATA.rows[b])],
};
const NEEDS_TRUTH = ["right", "wrong", "trap"];

function arrange(name) {
  if (!cells.length) return;
  state.shown = ORDERS[name][1]();
  const sheet = byId("sheet");
  const headings = new Map();
  if (name === "groups") {
    let start = 0;
    for (const [title, note, size] of DATA.groups) {
      if (title) headings.set(start, el("h3", { class: "heading" }, title, el("small", {}, note)));
      start += size;
    }
  }
  sheet.replaceChildren(...state.shown.flatMap((index, place) => [headings.get(place), cells[index]].filter(Boolean)));
}

function startLifted() {
  const known = DATA.samples.some((sample) => lifts(sample).some((lift) => lift.measured !== null));
  byId("orderbar").hidden = !anyLifted();
  byId("order").replaceChildren(...Object.entries(ORDERS).filter(([name]) => known || !NEEDS_TRUTH.includes(name)).map(([value, [label]]) => el("option", { value }, label)));
  byId("order").onchange = (event) => arrange(event.target.value);
  startMinis();
  arrange("groups");
}

// One small view for each picture, turned together. Only those on the screen are drawn.
function startMinis() {
  const possible = DATA.spaces.some((record) => record && record.people.length);
  const [toggle, turn] = [byId("minis"), byId("turn")];
  toggle.hidden = !possible;
  const show = (on) => {
    toggle.setAttribute("aria-pressed", on);
    byId("turnbar").hidden = !on;
    byId("sheet").classList.toggle("paired", on);
    shapeTiles(on);
    drawMinis();
  };
  toggle.onclick = () => show(toggle.getAttribute("aria-pressed") !== "true");
  turn.oninput = () => { MINI.turn = Number(turn.value); drawMinis(); };
  MINI.watch = new IntersectionObserver((entries) => {
    for (const { target, isIntersecting } of entries) { if (isIntersecting) MINI.seen.add(target); else MINI.seen.delete(target); }
    drawMinis();
  }, { rootMargin: "200px" });
  for (const canvas of document.querySelectorAll("canvas.mini")) MINI.watch.observe(canvas);
  steerMini(byId("zoommini"));
  const predicted = DATA.samples.some(isPredicted);
  if (predicted) turn.value = String((MINI.turn = 30)); // little enough to know them again
  show(possible && (anyLifted() || predicted));
}

// The enlarged picture's own, beside it: dragging turns it, and all others with it.
function showZoomMini() {
  const canvas = byId("zoommini");
  const record = DATA.spaces[state.open];
  canvas.hidden = !record || !record.people.length;
  canvas.dataset.index = state.open;
  if (canvas.hidden) MINI.seen.delete(canvas); else MINI.seen.add(canvas);
  drawMinis();
}

function steerMini(canvas) {
  canvas.addEventListener("pointerdown", (event) => canvas.setPointerCapture(event.pointerId));
  canvas.addEventListener("pointermove", (event) => {
    if (!event.buttons) return;
    MINI.turn = ((MINI.turn - event.movementX * 0.6 + 540) % 360) - 180;
    byId("turn").value = String(MINI.turn);
    drawMinis();
  });
}

let minisPending = false;
function drawMinis() {
  if (minisPending) return;
  minisPending = true;
  requestAnimationFrame(() => { minisPending = false; MINI.seen.forEach(drawMini); });
}

function drawMini(canvas) {
  const index = Number(canvas.dataset.index);
  const [record, sample] = [DATA.spaces[index], DATA.samples[index]];
  const pixel = Math.min(devicePixelRatio || 1, 2);
  const [width, height] = [Math.round(canvas.clientWidth * pixel), Math.round(canvas.clientHeight * pixel)];
  if (!record || !record.people.length || !width || !height) return;
  Object.assign(canvas, { width, height });
  const who = isPredicted(sample) ? -1 : subjectOf(sample, record); // predictions: all people together
  const bounds = extent(record, who);
  const back = record.camera ? Math.atan2(-record.camera.axes[2][0], -record.camera.axes[2][2]) : 0;
  const view = projector(width, height, { yaw: back + MINI.turn * Math.PI / 180, pitch: 0.12, distance: 0.56 * bounds.size / Math.tan(0.3) * Math.max(1, height / width), target: bounds.centre, fov: 0.6 });
  const context = canvas.getContext("2d");
  context.lineCap = "round";
  drawHypotheses(context, view, record, sample.people, pixel, who);
  drawPeople(context, view, record, sample.people, pixel, who);
  drawNumbers(context, view, record, sample.people, 0.7 * pixel, who);
}
