"""A small corpus of rendered people, made without the pipeline: two clips of two people, and a photo."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from posecorpus.core.cameras import Camera
from posecorpus.core.manifest import Manifest, describe_skeletons, describe_taxonomy
from posecorpus.core.parts import SMPL_24_PARTS
from posecorpus.core.sample import Person, Sample
from posecorpus.core.shards import write_shard
from posecorpus.core.skeletons import SMPL_24
from posecorpus.inspect.verify import verify_corpus
from posecorpus.synth.bodies.model import load_body
from posecorpus.synth.bodies.skinning import pose_body, vertex_normals
from posecorpus.synth.labels import make_sample
from posecorpus.synth.raster.engine import render
from posecorpus.synth.scene import Background, Mesh, Scene, ScenePerson, Texture

GREY = Texture((np.full((1, 1, 3), 128, np.uint8),))
FRAMES = 3
KEY = "a-1"
"""The sample that faults are planted in."""


def pose_at(t: int, turn: float) -> np.ndarray:
    pose = np.zeros((24, 3), np.float32)
    pose[0] = [0, turn, 0]
    for joint, angle in {
        "l_shoulder": (0, 0.1 * t, -0.9), "r_shoulder": (0.2, 0.6, 0.7), "r_elbow": (0, 0.9 + 0.1 * t, 0),
        "l_elbow": (0, -0.6, 0), "l_hip": (-0.7 - 0.05 * t, 0, 0), "l_knee": (0.9, 0, 0), "head": (0, 0.1 * t, 0),
    }.items():  # fmt: skip
        pose[SMPL_24.index(joint)] = angle
    return pose


def clip(name: str, seed: int) -> list[Sample]:
    rng = np.random.default_rng(seed)
    camera = Camera.look_at((0.4, 1.3, 3.6), (0, 1.05, 0), 240, 200, 160)
    turns, places = (0.5 + seed, 2.6), ((-0.45, 0.0, 0.0), (0.4, 0.0, -0.5))
    genders = ("female", "male")
    betas = [rng.uniform(-1, 1, 10).astype(np.float32) for _ in turns]
    samples = []
    for t in range(FRAMES):
        people, meshes, joints = [], [], []
        for i, (turn, place, gender) in enumerate(zip(turns, places, genders, strict=True)):
            body = load_body("open", gender)
            pose = [pose_at(k, turn + 0.05 * k) for k in (t, t + 1)]
            step = [np.array(place, np.float32) + np.float32(0.03 * k) for k in (t, t + 1)]
            posed = pose_body(body, np.stack([betas[i]] * 2), np.stack(pose), np.stack(step))
            people.append(
                ScenePerson("open", gender, betas[i], pose[0], step[0], pose[1], step[1], 0, name, t)
            )
            joints.append(posed.landmarks[0])
            meshes.append(
                Mesh(
                    posed.vertices[0], posed.vertices[1], vertex_normals(posed.vertices[0], body.faces), body.faces,
                    body.face_parts, i + 1, body.uv, body.uv_faces, GREY,
                )
            )  # fmt: skip
        scene = Scene(camera, tuple(people), np.zeros((9, 3), np.float32), Background(0))
        scene.light[0] = 1.0
        backdrop = np.full((160, 200, 3), 40, np.uint8)
        frame = render(meshes, camera, scene.light, backdrop)
        samples.append(make_sample(f"{name}-{t}", scene, frame, joints, name, t, {}))
    return samples


def photo() -> Sample:
    joints = np.random.default_rng(0).uniform(5, 25, (17, 2)).astype(np.float32)
    joints[3] = np.nan
    visibility = np.where(np.isnan(joints[:, 0]), 0, 2).astype(np.uint8)
    person = Person("coco_17", joints, visibility, np.array([2, 3, 20, 22], np.float32))
    return Sample("photo-1", 40, 30, [person], image=np.full((30, 40, 3), 90, np.uint8))


def manifest_of(shards: int, samples: int) -> Manifest:
    return Manifest(
        kind="test", seed=0, configuration={}, skeletons=describe_skeletons("full_42", "coco_17"),
        part_taxonomy=describe_taxonomy(SMPL_24_PARTS.name), planned_samples=samples, planned_shards=shards,
    )  # fmt: skip


def write_corpus(folder: Path, shards: list[list[Sample]]) -> Manifest:
    folder.mkdir(parents=True, exist_ok=True)
    manifest = manifest_of(len(shards), sum(map(len, shards)))
    manifest.shards = [write_shard(folder, i, samples) for i, samples in enumerate(shards)]
    manifest.write(folder / "manifest.json")
    return manifest


def good_samples() -> list[list[Sample]]:
    return [clip("a", 0), [*clip("b", 1), photo()]]


def violations(folder: Path) -> dict[str, set[str]]:
    """Key to the names of the checks that it breaks."""
    found: dict[str, set[str]] = {}
    for violation in verify_corpus(folder).violations:
        assert "\n" not in str(violation)
        found.setdefault(violation.key, set()).add(violation.check)
    return found


def edit_manifest(change: Callable[[dict[str, Any]], Any]) -> Callable[[Path], None]:
    def plant(folder: Path) -> None:
        manifest = json.loads((folder / "manifest.json").read_text())
        change(manifest)
        (folder / "manifest.json").write_text(json.dumps(manifest))

    return plant
