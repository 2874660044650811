"""Lifted photos made of spheres: the 3D is the truth with an error of known size, all it states is consistent."""

from __future__ import annotations

import runpy
from dataclasses import replace
from pathlib import Path

import numpy as np

from posecorpus.core.cameras import Camera
from posecorpus.core.ellipses import default_constants
from posecorpus.core.manifest import MANIFEST, Manifest, describe_skeletons, describe_taxonomy
from posecorpus.core.metrics import torso_aligned_mpjpe
from posecorpus.core.sample import HIDDEN, UNLABELLED, VISIBLE, Lift, Person, Sample, SkeletonMap
from posecorpus.core.shards import write_shard
from posecorpus.core.skeletons import FULL_42, TORSO, Skeleton, convert, skeleton
from posecorpus.core.sticks import describe_sticks
from posecorpus.pseudogt.ellipse_parts.draw import draw_sample as draw_ellipses
from posecorpus.pseudogt.skeleton_maps.maps import skeleton_maps

_SPHERES = runpy.run_path(str(Path(__file__).with_name("make_samples.py")))
CONSTANTS = default_constants("surreal_14")
SKELETONS = ("lsp_14", "coco_17")
CLIPS = ("cmu:05_11", "cmu:13_29", "hdm05:kick", "bandai:walk")


def make_lifted(
    index: int, people: int | None = None, measured: bool = True, drawn: bool = True, hypotheses: int = 12
) -> Sample:
    """One photo with lifted people (one of the third photo's people is not lifted); ``index`` decides all of it.

    Args:
        measured: the truth was known when it was lifted.
        drawn: it has part masks and skeleton maps.
        hypotheses: of each person.
    """
    whole = _SPHERES["make_sample"](index, seed=11, people=people)
    shape = skeleton(SKELETONS[index % len(SKELETONS)])
    camera = Camera(whole.camera.K, np.eye(3), np.zeros(3), whole.width, whole.height)
    labels = []
    for who, person in enumerate(whole.people):
        truth = convert(person.joints3d.astype(np.float64), FULL_42, shape)
        rng = np.random.default_rng([index, who, 3])
        lifted = lift_person(truth, shape, camera, rng, hypotheses, measured)
        labels.append(refused(lifted) if index % 3 == 2 and who == 1 else lifted)
    sample = Sample(
        f"photo-{index:03d}", whole.width, whole.height, labels, image=whole.image, camera=camera,
        provenance={"file": f"im{index:05d}.jpg", "licence": "test", "assumed_fov_deg": 50.0},
    )  # fmt: skip
    gone = {
        str(i): "3 annotated joints, at least 4 are needed" for i, p in enumerate(labels) if p.lift is None
    }
    sample.provenance |= {"refused": gone} if gone else {}
    if drawn:
        sample.parts, sample.instances = draw_ellipses(labels, sample.width, sample.height, CONSTANTS)
        sample.skeleton_maps = [
            draw_map(sample, who, width, crop)
            for who, person in enumerate(labels)
            for width in (3, 7)
            for crop in (1.0, 1.4)
            if person.joints3d is not None
        ]
    return sample


def lift_person(
    truth: np.ndarray,
    shape: Skeleton,
    camera: Camera,
    rng: np.random.Generator,
    hypotheses: int,
    measured: bool,
) -> Person:
    """A person lifted with an error that grows with how far the match is."""
    joints = len(shape)
    far = float(rng.uniform(0.2, 2.0))
    missing = np.zeros(joints, bool)
    limbs = [j for j in range(joints) if shape.joints[j] not in TORSO]
    missing[rng.choice(limbs, int(rng.integers(0, 5)), replace=False)] = True
    guesses = truth + rng.normal(0, 0.04 * far, (hypotheses, joints, 3))
    lifted = truth + rng.normal(0, 0.011 * far, (joints, 3)) * np.where(missing, 1.5, 1.0)[:, None]
    annotated = camera.project_camera(lifted)[0] + np.where(
        missing[:, None], 0, rng.normal(0, 1.5, (joints, 2))
    )
    lifted, annotated = lifted.astype(np.float32), annotated.astype(np.float32)
    residual = np.linalg.norm((camera.project_camera(lifted)[0] - annotated)[~missing], axis=-1)
    error = 1000 * torso_aligned_mpjpe(lifted, truth, shape)
    predicted = float(error * rng.uniform(0.75, 1.3))
    errors = predicted * np.where(missing, 1.5, 0.9).astype(np.float32)
    centred = guesses - guesses[:, shape.indices(*TORSO)].mean(1, keepdims=True)
    spread = 1000 * np.sqrt(((centred - centred.mean(0)) ** 2).sum(-1).mean(0))
    return Person(
        skeleton=shape.name,
        joints2d=annotated,
        visibility=np.where(missing, HIDDEN, VISIBLE).astype(np.uint8),
        bbox=np.concatenate([annotated.min(0) - 4, annotated.max(0) + 4]).astype(np.float32),
        joints3d=lifted,
        motion=CLIPS[int(rng.integers(len(CLIPS)) * rng.random())],
        motion_frame=int(rng.integers(900)),
        lift=Lift(
            method="depth",
            completed=missing,
            match_distance=0.05 * far,
            residual_px=float(np.sqrt((residual**2).mean())),
            spread_mm=spread.astype(np.float32),
            error_mm=errors,
            interval_mm=np.stack([errors * np.float32(0.4), errors * np.float32(2)], -1),
            pose_error_mm=predicted,
            pose_interval_mm=np.array([predicted * 0.6, predicted * 1.6], np.float32),
            hypotheses=guesses.astype(np.float32),
            measured_error_mm=float(error) if measured else None,
        ),
    )


def refused(person: Person) -> Person:
    """The person as annotated."""
    gone = person.lift.completed
    return replace(
        person, lift=None, joints3d=None, motion=None, motion_frame=None,
        joints2d=np.where(gone[:, None], np.float32(np.nan), person.joints2d),
        visibility=np.where(gone, UNLABELLED, person.visibility).astype(np.uint8),
    )  # fmt: skip


def draw_map(sample: Sample, who: int, width: float, crop: float, size: int = 96) -> SkeletonMap:
    """A skeleton map of one person in a window of ``crop`` times the person's square."""
    person = sample.people[who]
    pixels = sample.camera.project_camera(person.joints3d)[0]
    middle, side = (pixels.min(0) + pixels.max(0)) / 2, crop * 1.1 * np.ptp(pixels, axis=0).max()
    window = np.concatenate([middle - side / 2, middle + side / 2]).astype(np.float32)
    shape = skeleton(person.skeleton)
    front, back = skeleton_maps(person.joints3d[None], sample.camera.K, shape, window, size, width)
    return SkeletonMap(who, float(width), window, front[0], back[0])


RELIABILITY = {
    "bins": [{"predicted_mm": p, "measured_mm": p * 1.05, "count": 400} for p in (30.0, 50.0, 80.0, 120.0)],
    "coverage": 0.902,
    "joint_coverage": 0.897,
    "coverage_by_missing": {"0": 0.91, "1": 0.9, "4": 0.88},
    "coverage_by_source": {"cmu": 0.9, "hdm05": 0.89},
    "spearman": 0.74,
}


def write_lifted(folder: Path, samples: list[Sample], shard_size: int = 8, **changes: object) -> Path:
    """Write lifted samples as a finished corpus and return its folder."""
    folder.mkdir(parents=True, exist_ok=True)
    pieces = [samples[i : i + shard_size] for i in range(0, len(samples), shard_size)]
    drawn = any(s.parts is not None for s in samples)
    described: dict[str, object] = {
        "skeletons": describe_skeletons(*SKELETONS),
        "configuration": {"lift": {"method": "depth"}}
        | ({"parts": "ellipses", "ellipses": CONSTANTS.as_json()} if drawn else {}),
        "part_taxonomy": describe_taxonomy("surreal_14") if drawn else None,
        "sticks": describe_sticks() if drawn else None,
        "trust": RELIABILITY,
    }
    Manifest(
        kind="lift", seed=0,
        planned_samples=len(samples), planned_shards=len(pieces),
        shards=[write_shard(folder, i, piece) for i, piece in enumerate(pieces)],
        **(described | changes),
    ).write(folder / MANIFEST)  # fmt: skip
    return folder
