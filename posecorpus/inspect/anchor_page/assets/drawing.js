// Stick figures on canvases: flat ones in their boxes, and solid ones that turn.
const HEAD = at("nose") < 0 ? at("head") : -1; // a ball for a head would hide a face
const BASE_VIEW = { pitch: 0.14, fov: 0.5 };
const FRAMES = BANK.number.map((_, place) => frameOf(points3d("poses3d", place)));
const COMMON_REACH = quantile(FRAMES.map((frame) => frame.reach), 0.95);
let INK = {};

function readColours() {
  const style = getComputedStyle(document.documentElement);
  INK = Object.fromEntries(["ink", "muted", "line", "card", "accent"].map((name) => [name, style.getPropertyValue(`--${name}`)]));
}

function quantile(values, share) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(share * (sorted.length - 1))];
}

// Where a pose's middle is and how far it reaches from it, whichever way it is turned.
function frameOf(points) {
  const low = [0, 1, 2].map((k) => Math.min(...points.map((p) => p[k])));
  const high = [0, 1, 2].map((k) => Math.max(...points.map((p) => p[k])));
  const centre = [0, (low[1] + high[1]) / 2, 0];
  const reach = Math.max(...points.map((p) => Math.max(Math.abs(p[1] - centre[1]), 0.9 * Math.hypot(p[0], p[2]))));
  return { centre, reach: Math.min(Math.max(reach, 0.4), 5), floor: Math.max(low[1], -5) };
}

// What a canvas measures in CSS pixels. Reading it makes the browser lay the page out: once for all of one size.
const sizeOf = (canvas) => [canvas.clientWidth, canvas.clientHeight];

// The canvas in device pixels, emptied; null where it has no size.
function ready(canvas, [across, down]) {
  const pixel = Math.min(devicePixelRatio || 1, 2);
  const [width, height] = [Math.round(across * pixel), Math.round(down * pixel)];
  if (!width || !height) return null;
  if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
  const context = canvas.getContext("2d");
  context.clearRect(0, 0, width, height);
  context.lineCap = context.lineJoin = "round";
  return { context, width, height, pixel };
}

function drawSolid(canvas, size, place, yaw, { near, far, pitch = BASE_VIEW.pitch, zoom = 1 }) {
  const surface = ready(canvas, size);
  if (!surface) return;
  const { context, width, height, pixel } = surface;
  const frame = FRAMES[place];
  const reach = Math.max(COMMON_REACH, frame.reach) + 0.16;
  const distance = zoom * reach / Math.tan(BASE_VIEW.fov / 2) * Math.max(1, height / width);
  const view = projector(width, height, { yaw, pitch, distance, target: frame.centre, fov: BASE_VIEW.fov });
  drawFloor(context, view, frame.floor - 0.04, pixel);
  if (far) drawGhost(context, view, points3d("far", place), pixel, [5, 4]);
  if (near) drawGhost(context, view, points3d("near", place), pixel, []);
  drawPose(context, view, points3d("poses3d", place), pixel);
}

// A disc below, level for the camera; the tick on it points at the camera.
function drawFloor(context, view, level, pixel) {
  const ring = Array.from({ length: 40 }, (_, i) => view.project([0.5 * Math.sin(i * Math.PI / 20), level, 0.5 * Math.cos(i * Math.PI / 20)]));
  context.globalAlpha = 0.13;
  context.fillStyle = INK.muted;
  context.beginPath();
  ring.forEach(([x, y]) => context.lineTo(x, y));
  context.fill();
  context.globalAlpha = 0.7;
  line(context, view, [0, level, 0.42], [0, level, 0.58], INK.muted, 2 * pixel);
  context.globalAlpha = 1;
}

function drawGhost(context, view, points, pixel, dash) {
  const thick = Math.min(3 * pixel, Math.max(1.4 * pixel, 0.011 * view.focal / meanOf(points.map(view.project), SHAPE.drawn)[2]));
  context.setLineDash(dash.map((length) => length * thick / 1.5));
  context.globalAlpha = dash.length ? 0.85 : 0.6;
  for (const { ends: [a, b], colour } of BONES) line(context, view, meanOf(points, a), meanOf(points, b), rgb(colour), thick);
  context.setLineDash([]);
  if (HEAD >= 0) ring(context, view.project(points[HEAD]), 0.085 * view.focal, INK.muted, pixel);
  context.globalAlpha = 1;
}

function ring(context, [x, y, z], size, colour, thickness) {
  if (z < 0.05) return;
  context.beginPath();
  context.arc(x, y, size / z, 0, 7);
  context.strokeStyle = colour;
  context.lineWidth = thickness;
  context.stroke();
}

function drawPose(context, view, points, pixel) {
  const seen = points.map(view.project);
  const thick = Math.min(11 * pixel, Math.max(2.4 * pixel, 0.045 * view.focal / meanOf(seen, SHAPE.drawn)[2]));
  const strokes = BONES.map(({ ends: [a, b], colour }) => {
    const [p, q] = [meanOf(points, a), meanOf(points, b)];
    return [(view.project(p)[2] + view.project(q)[2]) / 2, () => {
      line(context, view, p, q, "#0007", thick + 1.4 * pixel);
      line(context, view, p, q, rgb(colour), thick);
      line(context, view, p, q, "#fff4", 0.34 * thick);
    }];
  });
  if (!TORSO.includes(-1)) strokes.push([meanOf(seen, TORSO)[2] + 0.02, () => filled(context, TORSO.map((j) => seen[j]), "#7f8ea355")]);
  for (const joint of SHAPE.drawn) strokes.push([seen[joint][2] - 0.03, () => {
    if (joint === HEAD) return ball(context, seen[joint], Math.max(1.25 * thick, 0.085 * view.focal / seen[joint][2]), SHAPE.colours[joint], 0.7 * pixel);
    return disc(context, seen[joint], 0.62 * thick, rgb(SHAPE.colours[joint]), 0.7 * pixel);
  }]);
  drawStrokes(strokes);
}

function filled(context, corners, colour) {
  context.beginPath();
  corners.forEach(([x, y]) => context.lineTo(x, y));
  context.fillStyle = colour;
  context.fill();
}

// A disc lit from the upper left.
function ball(context, [x, y], radius, colour, edge) {
  const light = context.createRadialGradient(x - 0.35 * radius, y - 0.4 * radius, 0.1 * radius, x, y, radius);
  light.addColorStop(0, rgb(colour.map((v) => Math.round(v + 0.45 * (255 - v)))));
  light.addColorStop(1, rgb(colour.map((v) => Math.round(0.86 * v))));
  disc(context, [x, y], radius, light, edge);
}

function disc(context, [x, y], radius, colour, edge) {
  context.beginPath();
  context.arc(x, y, radius, 0, 7);
  context.fillStyle = colour;
  context.fill();
  context.strokeStyle = "#0009";
  context.lineWidth = edge;
  context.stroke();
}

// The 2D anchors: of the full body and, beside it, of the upper body.
function drawFlat(canvas, size, place, square) {
  const surface = ready(canvas, size);
  if (!surface) return;
  const { context, width, height, pixel } = surface;
  const names = ARRAYS.upper2d ? ["full2d", "upper2d"] : ["full2d"];
  names.forEach((name, i) => {
    const ratio = square ? 1 : (name === "full2d" ? BANK.ratios : BANK.upperRatios)[place];
    drawBoxed(context, points2d(name, place), ratio, [i * width / names.length, 0, width / names.length, height], pixel);
  });
}

// One pose in its box; what lies outside of the box is paler.
function drawBoxed(context, points, ratio, [left, top, width, height], pixel) {
  const xs = [0, 1, ...points.map((p) => p[0])], ys = [0, 1, ...points.map((p) => p[1])];
  const [x0, x1, y0, y1] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)];
  const room = 7 * pixel;
  const unit = Math.min((width - 2 * room) / (ratio * (x1 - x0)), (height - 2 * room) / (y1 - y0));
  const place = ([x, y]) => [left + width / 2 + unit * ratio * (x - (x0 + x1) / 2), top + height / 2 + unit * (y - (y0 + y1) / 2)];
  const [corner, opposite] = [place([0, 0]), place([1, 1])];
  const box = [...corner, opposite[0] - corner[0], opposite[1] - corner[1]];
  context.save();
  context.globalAlpha = 0.35;
  drawSticks(context, points, place, pixel);
  context.beginPath();
  context.rect(...box);
  context.clip();
  context.globalAlpha = 1;
  context.clearRect(...box);
  context.fillStyle = INK.card;
  context.fillRect(...box);
  drawSticks(context, points, place, pixel);
  context.restore();
  context.strokeStyle = INK.muted;
  context.lineWidth = pixel;
  context.strokeRect(...box);
}

function drawSticks(context, points, place, pixel) {
  const size = Math.hypot(...place([1, 1]).map((v, k) => v - place([0, 0])[k]));
  const thick = Math.min(5 * pixel, Math.max(1.8 * pixel, size / 45));
  for (const { ends: [a, b], colour } of BONES) {
    context.beginPath();
    context.moveTo(...place(meanOf(points, a)));
    context.lineTo(...place(meanOf(points, b)));
    context.strokeStyle = rgb(colour);
    context.lineWidth = thick;
    context.stroke();
  }
  for (const joint of SHAPE.drawn) disc(context, place(points[joint]), 0.75 * thick, rgb(SHAPE.colours[joint]), 0.5 * pixel);
}
