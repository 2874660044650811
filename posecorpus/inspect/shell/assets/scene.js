// A camera that orbits, and lines in the world as it sees them.
const UP_LIMIT = 1.55;
const add = (a, b, s = 1) => [a[0] + s * b[0], a[1] + s * b[1], a[2] + s * b[2]];
const dot = (a, b) => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];

// The eye's frame: right, up and backwards are orthonormal world vectors.
function eye({ yaw, pitch, target, distance }) {
  const [cy, sy, cp, sp] = [Math.cos(yaw), Math.sin(yaw), Math.cos(pitch), Math.sin(pitch)];
  const back = [sy * cp, sp, cy * cp];
  return { right: [cy, 0, -sy], up: [-sy * sp, cp, -cy * sp], back, at: add(target, back, distance) };
}

// Projects world points into a canvas of that size, seen by {yaw, pitch, target, distance, fov}.
function projector(width, height, from) {
  const frame = eye(from);
  const focal = height / 2 / Math.tan(from.fov / 2);
  const project = (point) => {
    const v = add(point, frame.at, -1);
    const z = -dot(v, frame.back);
    return [width / 2 + focal * dot(v, frame.right) / z, height / 2 - focal * dot(v, frame.up) / z, z];
  };
  return { frame, focal, project };
}

// A line in the world, cut where it passes behind the eye.
function line(context, view, a, b, colour, thickness) {
  let [p, q] = [view.project(a), view.project(b)];
  const near = 0.05;
  if (p[2] < near && q[2] < near) return;
  if (p[2] < near || q[2] < near) {
    const s = (near - p[2]) / (q[2] - p[2]);
    const cut = view.project(add(a, add(b, a, -1), s));
    if (p[2] < near) p = cut; else q = cut;
  }
  context.strokeStyle = colour;
  context.lineWidth = thickness;
  context.beginPath();
  context.moveTo(p[0], p[1]);
  context.lineTo(q[0], q[1]);
  context.stroke();
}

// Calls the strokes, [depth, draw], from the farthest to the nearest.
const drawStrokes = (strokes) => strokes.sort((a, b) => b[0] - a[0]).forEach(([, stroke]) => stroke());
