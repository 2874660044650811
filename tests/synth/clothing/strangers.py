"""Bodies of other topologies, as files of a user hold them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from posecorpus.core.skeletons import SMPL_24
from posecorpus.synth.bodies.arrays import read_body_arrays
from posecorpus.synth.bodies.model import DATA, BodyModel, load_body


def stranger(folder: Path, gender: str = "neutral", scale: float = 1.05) -> BodyModel:
    """One closed skin without eyeballs, renumbered, of another size, with pose correctives and no texture layout."""
    body = read_body_arrays(DATA / f"open_{gender}.npz")
    count = len(body.v_template)
    links = coo_matrix(
        (np.ones(body.faces.size), (body.faces.ravel(), np.roll(body.faces, 1, 1).ravel())), (count, count)
    )
    piece = connected_components(links, directed=False)[1]
    order = np.random.default_rng(5).permutation(np.flatnonzero(piece == np.bincount(piece).argmax()))
    new = np.full(count, -1)
    new[order] = np.arange(len(order))
    faces = new[body.faces]
    regressor = body.joint_regressor[:, order]
    arrays = {
        "v_template": scale * body.v_template[order],
        "shapedirs": scale * body.shapedirs[order],
        "posedirs": np.random.default_rng(6).normal(0, 1e-3, (len(order), 3, 207)),
        "J_regressor": regressor / regressor.sum(axis=1, keepdims=True),
        "weights": body.weights[order],
        "kintree_table": np.stack([np.array([2**32 - 1, *SMPL_24.parents[1:]]), np.arange(24)]).astype(
            np.uint32
        ),
        "f": faces[(faces >= 0).all(axis=1)][::-1].astype(np.uint32),
    }
    path = folder / f"stranger_{gender}.npz"
    np.savez(path, **arrays)
    return load_body(str(path), gender)
