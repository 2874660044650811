"""CPU time to pose one body: ours, smplx and plain NumPy, in one run on one thread.

    python benchmarks/skinning.py

All three pose the shipped open body (13,718 vertices) and, in the second table, the same number of
times a body with dense pose correctives as licensed SMPL files have (6,890 vertices).
"""

from __future__ import annotations

import os

os.environ.update(dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"))

import contextlib
import io
import pickle
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import smplx
import torch
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from posecorpus.core.skeletons import SMPL_24
from posecorpus.synth.bodies.arrays import BodyArrays, checked, read_body_arrays
from posecorpus.synth.bodies.model import DATA, BodyModel, assemble
from posecorpus.synth.bodies.regressor import LANDMARKS
from posecorpus.synth.bodies.skinning import pose_body, vertex_normals
from posecorpus.synth.bodies.skinning_torch import pose_body as pose_body_torch
from posecorpus.synth.bodies.skinning_torch import torch_body

BATCH = 32
ROUNDS = 5


def milliseconds(work: Callable[[], object]) -> float:
    """CPU milliseconds per body, the best of several rounds of one batch."""
    work()
    best = np.inf
    for _ in range(ROUNDS):
        start = time.process_time()
        work()
        best = min(best, time.process_time() - start)
    return 1e3 * float(best) / BATCH


def plain_numpy(
    arrays: BodyArrays, betas: NDArray[np.float32], poses: NDArray[np.float32], moves: NDArray[np.float32]
) -> NDArray[np.float32]:
    """SMPL's equations as the paper writes them, with dense matrices."""
    shaped = arrays.v_template + np.einsum("vcb,nb->nvc", arrays.shapedirs, betas, optimize=True)
    rest = np.einsum("jv,nvc->njc", arrays.joint_regressor.astype(np.float32), shaped, optimize=True)
    local = Rotation.from_rotvec(poses.reshape(-1, 3)).as_matrix().reshape(len(poses), 24, 3, 3)
    if arrays.posedirs is not None:
        feature = (local[:, 1:] - np.eye(3)).reshape(len(poses), -1).astype(np.float32)
        shaped = shaped + np.einsum("vcp,np->nvc", arrays.posedirs, feature, optimize=True)
    world = np.zeros((len(poses), 24, 4, 4), np.float32)
    for j, parent in enumerate(SMPL_24.parents):
        step = np.zeros((len(poses), 4, 4), np.float32)
        step[:, :3, :3], step[:, 3, 3] = local[:, j], 1
        step[:, :3, 3] = rest[:, j] - (rest[:, parent] if parent >= 0 else 0)
        world[:, j] = world[:, parent] @ step if parent >= 0 else step
    world[..., :3, 3] -= np.einsum("njab,njb->nja", world[..., :3, :3], rest)
    blend = np.einsum("vj,njab->nvab", arrays.weights, world[..., :3, :], optimize=True)
    posed = np.einsum("nvab,nvb->nva", blend[..., :3], shaped) + blend[..., 3] + moves[:, None]
    return np.asarray(posed, np.float32)


def load_smplx(arrays: BodyArrays) -> smplx.SMPL:
    """The same arrays through a file in SMPL's format."""
    parents = np.array([2**32 - 1, *SMPL_24.parents[1:]], np.uint32)
    posedirs = arrays.posedirs
    content = {
        "v_template": arrays.v_template,
        "shapedirs": arrays.shapedirs,
        "posedirs": np.zeros((len(arrays.v_template), 3, 207)) if posedirs is None else posedirs,
        "J_regressor": arrays.joint_regressor,
        "weights": arrays.weights,
        "kintree_table": np.stack([parents, np.arange(24, dtype=np.uint32)]),
        "f": arrays.faces.astype(np.uint32),
    }
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
        path = Path(folder) / "SMPL_NEUTRAL.pkl"
        path.write_bytes(pickle.dumps(content))
        return smplx.SMPL(str(path), batch_size=BATCH)


def with_correctives() -> BodyArrays:
    """A body of SMPL's size: as many vertices, four joints a vertex, 207 dense pose correctives."""
    rng, count = np.random.default_rng(0), 6890
    weights = np.zeros((count, 24))
    for row in weights:
        row[rng.choice(24, 4, replace=False)] = rng.dirichlet(np.ones(4))
    rows = np.arange(len(LANDMARKS))
    content = {
        "v_template": rng.normal(0, 0.3, (count, 3)),
        "shapedirs": rng.normal(0, 0.01, (count, 3, 10)),
        "posedirs": rng.normal(0, 0.003, (count, 3, 207)),
        "J_regressor": rng.dirichlet(np.full(count, 0.01), 24),
        "weights": weights,
        "kintree_table": np.array([SMPL_24.parents, range(24)]),
        "f": rng.integers(0, count, (13_776, 3)),
        "landmark_row": rows,
        "landmark_column": rows,
        "landmark_value": np.ones(len(rows)),
    }
    return checked(Path("random"), content)


def compare(title: str, arrays: BodyArrays) -> None:
    """Print one table."""
    body: BodyModel = assemble(title, "neutral", arrays)
    rng = np.random.default_rng(0)
    betas = rng.normal(size=(BATCH, 10)).astype(np.float32)
    poses = rng.normal(0, 0.3, (BATCH, 24, 3)).astype(np.float32)
    moves = rng.normal(size=(BATCH, 3)).astype(np.float32)
    one_shape = np.repeat(betas[:1], BATCH, axis=0)
    tensors = [torch.tensor(array) for array in (betas, poses, moves)]
    theirs, ours = load_smplx(arrays), torch_body(body)

    def through_smplx() -> NDArray[np.float32]:
        with torch.no_grad():
            result = theirs(
                betas=tensors[0],
                global_orient=tensors[1][:, 0],
                body_pose=tensors[1][:, 1:].reshape(BATCH, -1),
                transl=tensors[2],
            )
        return np.asarray(result.vertices.numpy())

    def through_torch() -> object:
        with torch.no_grad():
            return pose_body_torch(ours, *tensors)

    posed = pose_body(body, betas, poses, moves).vertices
    gap = max(
        np.abs(posed - other).max() for other in (through_smplx(), plain_numpy(arrays, betas, poses, moves))
    )
    base = milliseconds(lambda: pose_body(body, betas, poses, moves))
    rows = [
        ("posecorpus, numba", base),
        (
            "posecorpus, numba, a clip of one shape",
            milliseconds(lambda: pose_body(body, one_shape, poses, moves)),
        ),
        ("posecorpus, torch", milliseconds(through_torch)),
        ("smplx", milliseconds(through_smplx)),
        ("NumPy, dense", milliseconds(lambda: plain_numpy(arrays, betas, poses, moves))),
        ("vertex normals, numba", milliseconds(lambda: [vertex_normals(one, body.faces) for one in posed])),
    ]
    print(f"\n{title}; results agree within {gap:.1e} m")
    for name, cost in rows:
        print(f"  {name:40s} {cost:8.3f} ms   {cost / base:6.1f} x")


if __name__ == "__main__":
    torch.set_num_threads(1)
    compare("open body, 13,718 vertices", read_body_arrays(DATA / "open_neutral.npz"))
    compare("SMPL-like body with pose correctives, 6,890 vertices", with_correctives())
