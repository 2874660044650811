"""The user's own meshes, brought to metres and made ready to draw."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path, PurePath

import numpy as np
from numpy.typing import NDArray

from posecorpus.core.errors import InputError
from posecorpus.core.files import list_files
from posecorpus.synth.props.creases import creased
from posecorpus.synth.props.shape import Design, Size
from posecorpus.synth.props.skins import texture_of

SUFFIXES = (".obj", ".ply", ".stl", ".glb")
PLAUSIBLE_M = (0.05, 4.0)
"""The largest extent of a prop."""
UNITS_M = (0.01, 0.001, 0.0254, 0.3048)
"""What one unit of the file may be if it cannot be a metre."""
THINNEST_M = 0.005
CELLS = 4
"""A mesh is taken to fill up to so many boxes in height, and in its longer horizontal extent."""


def is_mesh(kind: str) -> bool:
    """Whether a prop's kind is the path of a mesh file."""
    return PurePath(kind).suffix.lower() in SUFFIXES


def find_meshes(where: str | Path) -> list[str]:
    """Paths of all mesh files of a folder and its subfolders, in a fixed order.

    Raises:
        InputError: no folder, or none in it.
    """
    folder = Path(where)
    if not folder.is_dir():
        raise InputError(folder, "a folder of mesh files", "nothing of the kind")
    found = [str(folder / name) for name in list_files(folder, SUFFIXES)]
    if not found:
        raise InputError(folder, f"at least one file {', '.join(SUFFIXES)}", "none")
    return found


@lru_cache(maxsize=64)
def read_mesh(path: str) -> Design:
    """A user's mesh, at its natural size.

    +Y is up. Its underside comes to stand on the floor. Where its largest extent in metres would be implausible
    it is taken to be in centimetres, millimetres, inches or feet, whichever is nearest to a metre; if none is
    plausible it is made one metre large.

    Raises:
        InputError: unreadable, too large, of another kind, or without a surface.
    """
    # Importing trimesh takes a second that only those with meshes of their own should wait.
    from posecorpus.synth.props.mesh_files import load_parts

    parts = load_parts(path)
    corners = np.concatenate([part.vertices for part in parts])
    low, high = corners.min(0), corners.max(0)
    scale = _to_metres(float((high - low).max()))
    middle = np.array([(low[0] + high[0]) / 2, low[1], (low[2] + high[2]) / 2])
    placed = [part.moved(middle, scale) for part in parts]
    smooth = [creased(part.vertices, part.faces) for part in placed]
    starts = np.cumsum([0] + [len(vertices) for vertices, _ in smooth])
    uv, texture = texture_of(placed)
    x, y, z = (max(float(extent) * scale, THINNEST_M) for extent in high - low)
    solids = _solids(np.concatenate([part.vertices[part.faces] for part in placed]), (x, y, z))
    return Design(
        size=(x, y, z),
        vertices=np.concatenate([vertices for vertices, _ in smooth]).astype(np.float32),
        faces=np.concatenate([faces + n for (_, faces), n in zip(smooth, starts[:-1], strict=True)]).astype(
            np.int32
        ),
        uv=uv.reshape(-1, 2),
        uv_faces=np.arange(3 * len(uv), dtype=np.int32).reshape(-1, 3),
        solids=solids,
        opaque=solids,
        materials=(),
        texture=texture,
        double_sided=True,  # nobody knows which way a stranger's faces look
    )


def _to_metres(extent: float) -> float:
    """What to multiply coordinates by, for a mesh of that largest extent."""
    if PLAUSIBLE_M[0] <= extent <= PLAUSIBLE_M[1]:
        return 1.0
    plausible = [unit for unit in UNITS_M if PLAUSIBLE_M[0] <= extent * unit <= PLAUSIBLE_M[1]]
    return min(plausible, key=lambda unit: abs(np.log(extent * unit)), default=1 / extent)


def _solids(triangles: NDArray[np.float64], size: Size) -> NDArray[np.float64]:
    """Boxes (K, 2, 3) around triangles (F, 3, 3), by where in a grid their middles are."""
    long = 0 if size[0] >= size[2] else 2
    middle = triangles.mean(1)
    row = np.clip((middle[:, 1] / size[1] * CELLS).astype(int), 0, CELLS - 1)
    column = np.clip(((middle[:, long] / size[long] + 0.5) * CELLS).astype(int), 0, CELLS - 1)
    cell = row * CELLS + column
    out = []
    for c in np.unique(cell):
        inside = triangles[cell == c].reshape(-1, 3)
        low, high = inside.min(0), inside.max(0)
        pad = np.maximum(THINNEST_M - (high - low), 0) / 2
        out.append((np.maximum(low - pad, (-np.inf, 0, -np.inf)), high + pad))
    return np.array(out)
