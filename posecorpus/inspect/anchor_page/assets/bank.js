// The anchors, decoded once. Points in 3D have y up and look at the reader as they look at their camera.
const BANK = DATA.anchors;
const SHAPE = DATA.skeleton;
const JOINTS = SHAPE.joints.length;
const COUNT = BANK.number.length;
const ARRAYS = Object.fromEntries(["poses3d", "near", "far", "full2d", "upper2d"].map((name) => [name, BANK[name] === null ? null : floats(BANK[name])]));

function floats(text) {
  const view = new DataView(Uint8Array.from(atob(text), (c) => c.charCodeAt(0)).buffer);
  return Float32Array.from({ length: view.byteLength / 4 }, (_, i) => view.getFloat32(4 * i, true));
}

function points3d(name, place) {
  const from = place * JOINTS * 3;
  return Array.from({ length: JOINTS }, (_, j) => { const at = from + 3 * j; return [ARRAYS[name][at], -ARRAYS[name][at + 1], -ARRAYS[name][at + 2]]; });
}

function points2d(name, place) {
  const from = place * JOINTS * 2;
  return Array.from({ length: JOINTS }, (_, j) => [ARRAYS[name][from + 2 * j], ARRAYS[name][from + 2 * j + 1]]);
}

// D3D of two anchors, mm.
function apartMm(a, b) {
  const poses = ARRAYS.poses3d;
  let total = 0;
  for (let j = 0; j < JOINTS; j++) {
    const [p, q] = [(a * JOINTS + j) * 3, (b * JOINTS + j) * 3];
    total += Math.hypot(poses[p] - poses[q], poses[p + 1] - poses[q + 1], poses[p + 2] - poses[q + 2]);
  }
  return 1e3 * total / JOINTS;
}

// All anchors from the most to the least like one, itself first.
function byLikeness(place) {
  const apart = BANK.number.map((_, other) => (other === place ? -1 : apartMm(place, other)));
  return BANK.number.map((_, other) => other).sort((a, b) => apart[a] - apart[b]);
}

// Bones as people draw them: a head that hangs on one shoulder hangs on the middle of both, and shoulders are joined.
// An end is a list of joints whose mean it is.
const at = (name) => SHAPE.joints.indexOf(name);
const SHOULDERS = [at("l_shoulder"), at("r_shoulder")];
const TORSO = [...SHOULDERS, at("r_hip"), at("l_hip")];
const BONES = drawnBones();

function drawnBones() {
  const bones = SHAPE.bones.map(([parent, child]) => {
    const top = SHOULDERS.includes(parent) && !/^[lr]_/.test(SHAPE.joints[child]);
    return { ends: [top ? SHOULDERS : [parent], [child]], colour: SHAPE.colours[child] };
  });
  const joined = SHAPE.bones.some((bone) => bone.every((joint) => SHOULDERS.includes(joint)));
  const between = bones.some(({ ends }) => ends.flat().length === 3);
  if (between && !joined) bones.push({ ends: SHOULDERS.map((joint) => [joint]), colour: SHAPE.colours[at("head")] || [110, 220, 110] });
  return bones;
}

const meanOf = (points, joints) => points[0].map((_, k) => joints.reduce((sum, j) => sum + points[j][k], 0) / joints.length);
