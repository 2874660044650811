"""Anchors of a person who stands and turns, lies and stands on the hands, with every number known."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from posecorpus.anchors.bank import Anchors, save_anchors
from posecorpus.anchors.boxes import in_box_units, joint_boxes, upper_body
from posecorpus.core.metrics import centre_on_torso
from posecorpus.core.skeletons import LCR_13

STANDING = {
    "hip": (0.13, 0.5), "knee": (0.14, 0.9), "ankle": (0.15, 1.3), "shoulder": (0.18, 0.0), "elbow": (0.33, 0.25),
    "wrist": (0.4, 0.5),
}  # fmt: skip
"""To the person's left and downwards, metres."""


def standing() -> np.ndarray:
    """(13, 3) somebody who faces the camera, so that the left is at the image's right; y points down."""
    points = np.zeros((13, 3))
    for i, joint in enumerate(LCR_13.joints):
        if joint != "head":
            points[i, :2] = STANDING[joint[2:]]
            points[i, 0] *= 1 if joint.startswith("l_") else -1
    points[LCR_13.index("head")] = [0, -0.3, -0.05]
    return points


def turned(points: np.ndarray, degrees: float, axis: str = "y") -> np.ndarray:
    """Turned; about y so that a chest that faced the camera faces so many degrees to the image's right."""
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    matrix = {"y": [[c, 0, -s], [0, 1, 0], [s, 0, c]], "x": [[1, 0, 0], [0, c, -s], [0, s, c]], "z": [[c, -s, 0], [s, c, 0], [0, 0, 1]]}[axis]  # fmt: skip
    return points @ np.array(matrix).T


def anchors_of(poses: np.ndarray, *, upper: bool = True, seed: int = 0) -> Anchors:
    """Anchors with these poses (K, 13, 3) and drawn, all different, numbers."""
    rng = np.random.default_rng(seed)
    count = len(poses)
    poses = centre_on_torso(poses, LCR_13)
    flat = poses[..., :2]
    boxes = [joint_boxes(flat), joint_boxes(flat[:, upper_body(LCR_13)])]
    counts = rng.permutation(np.arange(20, 20 + 7 * count, 7))
    return Anchors(
        skeleton=LCR_13,
        poses3d=poses.astype(np.float32),
        poses2d=np.concatenate([in_box_units(flat, b) for b in boxes[: 1 + upper]]).astype(np.float32),
        counts=counts,
        spread_m=rng.permutation(np.linspace(0.05, 0.15, count)),
        farthest_m=rng.permutation(np.linspace(0.2, 0.5, count)),
        near=(poses + rng.normal(0, 0.02, poses.shape)).astype(np.float32),
        far=(poses + rng.normal(0, 0.2, poses.shape)).astype(np.float32),
        near_names=tuple(f"walk_{k}#{k}" for k in range(count)),
        far_names=tuple(f"kick_{k}#{2 * k}" for k in range(count)),
        sources={"walks": int(counts.sum()) - 5, "kicks": 5},
        seed=3,
        inertia=12.5,
    )


QUALITY = """{"poses": 1000, "left_out": 7, "inertia_m2": 12.5, "elbow": [[6, 40.0], [24, 12.5], [12, 25.0]],
 "drift_to_next_seed": {"mean_m": 0.03, "median_m": 0.02, "largest_m": 0.4},
 "held_out": {"poses": 200, "within": [0.1, 0.5, 0.875], "mean_m": 0.12, "unused": 3}, "within_m": [0.05, 0.1, 0.15]}"""


@pytest.fixture(scope="session")
def anchors() -> Anchors:
    """24: 22 who face all directions from 0 degrees on, one lying on the back, one on the hands."""
    poses = [turned(standing(), 360 * k / 22) for k in range(22)]
    poses += [turned(turned(standing(), -90, "x"), 0), turned(standing(), 180, "z")]
    return anchors_of(np.stack(poses))


@pytest.fixture
def saved(tmp_path: Path) -> Callable[..., Path]:
    """``saved(anchors, quality)``: their file, with the figures beside it unless they are None."""

    def save(what: Anchors, quality: str | None = QUALITY, **changes: object) -> Path:
        path = tmp_path / "anchors.npz"
        save_anchors(replace(what, **changes), path)
        if quality is not None:
            path.with_suffix(".quality.json").write_text(quality)
        return path

    return save
