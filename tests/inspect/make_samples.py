"""Samples made of spheres: every label in closed form, no body model and no renderer.

A person is a chain of spheres along the bones of SMPL's 24 joints. Each pixel's ray is intersected with
them exactly, so depth, normals, parts and instances agree with one another and with the joints.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from scipy.spatial.transform import Rotation

from posecorpus.core.cameras import Camera
from posecorpus.core.manifest import MANIFEST, Manifest, Skipped, describe_skeletons, describe_taxonomy
from posecorpus.core.sample import HIDDEN, VISIBLE, Person, Sample
from posecorpus.core.shards import write_shard
from posecorpus.core.skeletons import FULL_42, SMPL_24

# Rest positions, metres, Y up, facing +Z; the person's left is +X.
_SIDE = {
    "hip": (0.09, 0.91, 0.0), "knee": (0.10, 0.51, 0.01), "ankle": (0.10, 0.09, -0.02), "foot": (0.11, 0.03, 0.11),
    "collar": (0.06, 1.36, 0.0), "shoulder": (0.18, 1.40, 0.0), "elbow": (0.30, 1.17, -0.01),
    "wrist": (0.38, 0.95, 0.03), "hand": (0.41, 0.87, 0.05), "eye": (0.03, 1.62, 0.09), "ear": (0.07, 1.60, 0.0),
    "hip_lsp": (0.11, 0.95, 0.02), "hip_h36m": (0.13, 0.93, 0.0),
}  # fmt: skip
_MIDDLE = {
    "pelvis": (0.0, 0.97, 0.0), "spine1": (0.0, 1.08, 0.0), "spine2": (0.0, 1.20, 0.0), "spine3": (0.0, 1.28, 0.0),
    "neck": (0.0, 1.46, 0.0), "head": (0.0, 1.54, 0.02), "nose": (0.0, 1.59, 0.11), "upper_neck": (0.0, 1.50, 0.0),
    "head_top": (0.0, 1.74, 0.0), "head_centre": (0.0, 1.63, 0.02), "thorax": (0.0, 1.40, 0.0),
    "jaw_h36m": (0.0, 1.54, 0.06), "head_h36m": (0.0, 1.66, 0.02), "spine_h36m": (0.0, 1.17, 0.0),
    "pelvis_lsp": (0.0, 0.95, 0.02), "pelvis_h36m": (0.0, 0.93, 0.0),
}  # fmt: skip
_THICK = {
    "spine1": 0.13,
    "spine2": 0.13,
    "spine3": 0.13,
    "pelvis": 0.12,
    "head": 0.10,
    "hip": 0.085,
    "knee": 0.065,
}


def _rest() -> np.ndarray:
    def place(joint: str) -> tuple[float, float, float]:
        if joint in _MIDDLE:
            return _MIDDLE[joint]
        x, y, z = _SIDE[joint[2:]]
        return (x if joint.startswith("l_") else -x, y, z)

    return np.array([place(joint) for joint in FULL_42.joints])


def posed(pose: np.ndarray, translation: np.ndarray) -> np.ndarray:
    """(42, 3) joints of FULL_42 in the world for SMPL axis-angles (24, 3): plain forward kinematics."""
    rest, local = _rest(), Rotation.from_rotvec(pose)
    world, turn = np.zeros_like(rest), [Rotation.identity()] * len(rest)
    for joint, parent in enumerate(FULL_42.parents):
        own = local[joint] if joint < len(SMPL_24) else Rotation.identity()
        if parent < 0:
            world[joint], turn[joint] = rest[joint] + translation, own
        else:
            world[joint] = world[parent] + turn[parent].apply(rest[joint] - rest[parent])
            turn[joint] = turn[parent] * own
    return world


def _spheres(joints: np.ndarray) -> list[tuple[np.ndarray, float, int]]:
    """(centre, radius, part id) along every bone, and for the head."""
    result = [(joints[FULL_42.index("head_centre")], 0.11, SMPL_24.index("head") + 1)]
    for child, parent in enumerate(SMPL_24.parents):
        if parent >= 0:
            name = SMPL_24.joints[parent]
            radius = _THICK.get(name, _THICK.get(name[2:], 0.045))
            for s in np.linspace(0, 1, 9):
                result.append((joints[parent] * (1 - s) + joints[child] * s, radius, parent + 1))
    return result


def _window(camera: Camera, centre: np.ndarray, radius: float) -> tuple[slice, slice]:
    """Pixels that can see a sphere."""
    (x, y), z = camera.project_camera(centre)
    reach = 1.5 * camera.K[0, 0] * radius / (z - radius) + 2
    return (
        slice(int(np.clip(y - reach, 0, camera.height)), int(np.clip(y + reach, 0, camera.height))),
        slice(int(np.clip(x - reach, 0, camera.width)), int(np.clip(x + reach, 0, camera.width))),
    )


def make_sample(
    index: int, seed: int = 0, width: int = 320, height: int = 240, people: int | None = None
) -> Sample:
    """One sample with every label; ``index`` and ``seed`` decide all of it."""
    rng = np.random.default_rng([seed, index])
    count = int(rng.integers(1, 4)) if people is None else people
    eye = np.array([rng.normal(0, 0.3), rng.uniform(0.6, 2.2), 0.0])
    camera = Camera.look_at(eye, (0.0, 0.95, rng.uniform(3.4, 6.0)), 1.05 * width, width, height)
    rows, columns = np.mgrid[:height, :width] + 0.5
    rays = camera.unproject(np.stack([columns, rows], -1), np.ones((height, width)))
    wall, floor = rng.uniform(90, 190, 3), rng.uniform(60, 150, 3)
    image = np.where((rows > 0.6 * height)[..., None], floor, wall) + rng.normal(0, 4, (height, width, 3))
    depth = np.full((height, width), np.inf)
    parts, instances = np.zeros((height, width), np.uint8), np.zeros((height, width), np.uint8)
    normals, flow = np.zeros((height, width, 3)), np.zeros((height, width, 2))
    bodies = []
    for who in range(count):
        pose = rng.normal(0, 0.22, (24, 3)) * np.array([1, 0.4, 0.8])
        pose[0] = (0, rng.uniform(0, 2 * np.pi), 0)
        at = np.array([rng.uniform(-0.5, 0.5) * count, 0.0, rng.uniform(3.4, 6.0)])
        step = np.array([rng.normal(0, 0.04), 0.0, rng.normal(0, 0.04)])
        joints = posed(pose, at)
        clothes = rng.uniform(40, 230, (25, 3)) * 0.25 + rng.uniform(30, 220, 3) * 0.75
        for centre_world, radius, part in _spheres(joints):
            centre = camera.to_camera(centre_world)
            window = _window(camera, centre, radius)
            ray = rays[window]
            square = (ray**2).sum(-1)
            half = ray @ centre
            inside = half**2 - square * (centre @ centre - radius**2)
            z = (half - np.sqrt(np.maximum(inside, 0))) / square
            hit = (inside > 0) & (z > 0) & (z < depth[window])
            point = ray[hit] * z[hit, None]
            normal = (point - centre) / radius
            depth[window][hit], parts[window][hit], instances[window][hit] = z[hit], part, who + 1
            normals[window][hit] = normal
            image[window][hit] = (
                clothes[part] * (0.35 + 0.65 * np.clip(normal @ (0.5, -0.6, -0.6), 0, 1))[:, None]
            )
            pixels = np.stack([columns[window][hit], rows[window][hit]], -1)
            flow[window][hit] = camera.project(camera.to_world(point) + step)[0] - pixels
        bodies.append((joints, pose, at, who))
    labels = [_label(camera, depth, instances, index, *body) for body in bodies]
    surface = np.isfinite(depth)
    return Sample(
        key=f"{index:06d}",
        width=width,
        height=height,
        people=labels,
        image=np.clip(image, 0, 255).astype(np.uint8),
        camera=camera,
        parts=parts,
        instances=instances,
        depth_mm=np.where(surface, np.round(1000 * np.where(surface, depth, 0)), 0).astype(np.uint16),
        normals=np.where(surface[..., None], np.round(127.5 * (normals + 1)), 0).astype(np.uint8),
        flow=flow.astype(np.float16),
        clip=f"clip-{index // 4:03d}",
        frame=index % 4,
        provenance={"made_of": "spheres"},
    )


def _label(
    camera: Camera,
    depth: np.ndarray,
    instances: np.ndarray,
    index: int,
    joints: np.ndarray,
    pose: np.ndarray,
    at: np.ndarray,
    who: int,
) -> Person:
    height, width = depth.shape
    pixels, z = camera.project(joints)
    column, row = np.floor(pixels).astype(int).T
    framed = (column >= 0) & (column < width) & (row >= 0) & (row < height)
    column, row = column.clip(0, width - 1), row.clip(0, height - 1)
    seen = framed & (instances[row, column] == who + 1) & (depth[row, column] > z - 0.2)
    kinds = ("walk", "run", "wave", "squat", "kick")
    corners = [pixels.min(0) - 4, pixels.max(0) + 4]
    return Person(
        skeleton="full_42",
        joints2d=pixels.astype(np.float32),
        visibility=np.where(seen, VISIBLE, HIDDEN).astype(np.uint8),
        bbox=np.concatenate(corners).astype(np.float32),
        joints3d=camera.to_camera(joints).astype(np.float32),
        body="spheres",
        gender=("neutral", "female", "male")[(index + who) % 3],
        pose=pose.astype(np.float32),
        betas=np.zeros(10, np.float32),
        translation=at.astype(np.float32),
        motion=f"builtin:{kinds[(index * 7 + who) % 5]}",
        motion_frame=index,
    )


def make_photo(index: int, hostile: str = "") -> Sample:
    """A sample as imported photos give them: a picture and 2D joints with gaps, nothing else."""
    whole = make_sample(index, seed=5, people=1)
    person = whole.people[0]
    joints = FULL_42.indices(*_COCO_IN_FULL)
    visibility = person.visibility[joints].copy()
    visibility[index % 17] = 0
    points = person.joints2d[joints].copy()
    points[index % 17] = np.nan
    label = Person("coco_17", points, visibility, person.bbox, motion=hostile or None, score=0.5)
    return Sample(
        f"photo-{index}", whole.width, whole.height, [label], image=whole.image, clip=hostile or None,
        provenance={"file": hostile or "a.jpg"},
    )  # fmt: skip


_COCO_IN_FULL = [
    "nose",
    "l_eye",
    "r_eye",
    "l_ear",
    "r_ear",
    "l_shoulder",
    "r_shoulder",
    "l_elbow",
    "r_elbow",
    "l_wrist",
    "r_wrist",
    "l_hip_lsp",
    "r_hip_lsp",
    "l_knee",
    "r_knee",
    "l_ankle",
    "r_ankle",
]


def write_corpus(
    folder: Path,
    samples: list[Sample],
    shard_size: int = 50,
    configuration: dict | None = None,
    skipped: tuple = (),
) -> Path:
    """Write samples as a finished corpus and return its folder."""
    folder.mkdir(parents=True, exist_ok=True)
    pieces = [samples[i : i + shard_size] for i in range(0, len(samples), shard_size)]
    Manifest(
        kind="synth",
        seed=0,
        configuration=configuration or {"samples": len(samples), "camera": {"focal_px": 336.0}},
        skeletons=describe_skeletons("full_42"),
        part_taxonomy=describe_taxonomy("smpl_24") if any(s.parts is not None for s in samples) else None,
        planned_samples=len(samples),
        planned_shards=len(pieces),
        shards=[write_shard(folder, i, piece) for i, piece in enumerate(pieces)],
        skipped=[Skipped(where=where, reason=reason) for where, reason in skipped],
    ).write(folder / MANIFEST)
    return folder
