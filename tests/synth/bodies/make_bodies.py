"""Bodies to test with: SMPL-format arrays of a random blob, poses, and the measures of a mesh."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from posecorpus.core.skeletons import SMPL_24
from posecorpus.synth.bodies.arrays import read_body_arrays
from posecorpus.synth.bodies.model import DATA

POSES_DEG = {
    "rest": {},
    "arms_down": {"l_shoulder": (0, 0, -75), "r_shoulder": (0, 0, 75)},
    "arms_up": {
        "l_shoulder": (0, 0, 70), "r_shoulder": (0, 0, -70), "l_collar": (0, 0, 15), "r_collar": (0, 0, -15),
    },
    "knees": {"l_knee": (90, 0, 0), "r_knee": (90, 0, 0)},
    "elbows": {"l_elbow": (0, -130, 0), "r_elbow": (0, 130, 0)},
    "squat": {"l_hip": (-90, 0, 10), "r_hip": (-90, 0, -10), "l_knee": (100, 0, 0), "r_knee": (100, 0, 0)},
    "walk": {
        "l_hip": (-30, 0, 0), "r_hip": (20, 0, 0), "l_knee": (15, 0, 0), "r_knee": (30, 0, 0),
        "l_shoulder": (0, 20, -70), "r_shoulder": (0, 20, 70), "l_elbow": (0, -25, 0), "r_elbow": (0, 25, 0),
    },
}  # fmt: skip
"""Axis-angles in degrees by joint."""


def pose(name: str) -> np.ndarray:
    """(24, 3) axis-angles of one of :data:`POSES_DEG`."""
    result = np.zeros((len(SMPL_24), 3))
    for joint, angles in POSES_DEG[name].items():
        result[SMPL_24.index(joint)] = np.deg2rad(angles)
    return result


def volume(vertices: np.ndarray, faces: np.ndarray) -> float:
    """Cubic metres inside a closed mesh with outward faces (divergence theorem)."""
    a, b, c = (vertices[faces[:, k]].astype(np.float64) for k in range(3))
    return float(np.einsum("ij,ij->i", np.cross(a, b), c).sum() / 6)


def edges(faces: np.ndarray) -> np.ndarray:
    """(E, 2) edges of a mesh, each once."""
    pairs = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
    return np.unique(np.sort(pairs, axis=1), axis=0)


def smpl_arrays(seed: int = 0, vertices: int = 6890) -> dict[str, np.ndarray]:
    """A file's worth of random arrays in SMPL's format, with pose correctives and dense weights."""
    rng = np.random.default_rng(seed)
    parents = np.array([2**32 - 1, *SMPL_24.parents[1:]], dtype=np.uint32)
    weights = rng.dirichlet(np.full(24, 0.15), vertices)
    weights[weights < 1e-3] = 0
    return {
        "v_template": rng.normal(0, 0.3, (vertices, 3)),
        "shapedirs": rng.normal(0, 0.01, (vertices, 3, 10)),
        "posedirs": rng.normal(0, 0.003, (vertices, 3, 207)),
        "J_regressor": rng.dirichlet(np.full(vertices, 0.01), 24),
        "weights": weights / weights.sum(axis=1, keepdims=True),
        "kintree_table": np.stack([parents, np.arange(24, dtype=np.uint32)]),
        "f": rng.integers(0, vertices, (2000, 3)).astype(np.uint32),
    }


def open_arrays(gender: str) -> dict[str, np.ndarray]:
    """The arrays of an open body as a licensed file would hold them: no texture, no landmarks."""
    body = read_body_arrays(DATA / f"open_{gender}.npz")
    parents = np.array([2**32 - 1, *SMPL_24.parents[1:]], dtype=np.uint32)
    return {
        "v_template": body.v_template,
        "shapedirs": body.shapedirs,
        "posedirs": np.zeros((len(body.v_template), 3, 207)),
        "J_regressor": body.joint_regressor,
        "weights": body.weights,
        "kintree_table": np.stack([parents, np.arange(24, dtype=np.uint32)]),
        "f": body.faces.astype(np.uint32),
    }


def save_npz(path: Path, arrays: dict[str, np.ndarray]) -> Path:
    np.savez(path, **arrays)
    return path
