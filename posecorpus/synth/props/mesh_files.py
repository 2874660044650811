"""Mesh files, read by trimesh and without trust.

A mesh file of a stranger is hostile input: its size and what it claims to hold are bounded before anything is
parsed, other files are only read from its own folder, and nothing is ever fetched.
"""

from __future__ import annotations

import io
import warnings
from pathlib import Path, PurePath
from typing import Any

import numpy as np
import trimesh
from trimesh.resolvers import Resolver

from posecorpus.core.errors import InputError
from posecorpus.core.files import read_limited
from posecorpus.synth.props.claims import MAX_FACES, check_claims
from posecorpus.synth.props.skins import Part, part_of

MAX_BYTES = 32 << 20
MAX_SIDE_BYTES = 16 << 20
"""Of a material or texture file beside the mesh."""


class _Beside(Resolver):
    """Reads materials and textures from the folder of a mesh, and from nowhere else."""

    def __init__(self, mesh: str) -> None:
        self.folder = Path(mesh).parent.resolve()

    def get(self, name: Any) -> bytes:
        """The bytes of a file named in a mesh; trimesh goes on without it after an OSError."""
        text = name.decode("utf-8", "replace") if isinstance(name, bytes) else str(name)
        path = (self.folder / text.strip().replace("\\", "/")).resolve()
        if self.folder not in path.parents or not path.is_file():
            raise FileNotFoundError(f"{text} is no file of {self.folder}")
        try:
            return read_limited(str(path), MAX_SIDE_BYTES)
        except InputError as error:
            raise FileNotFoundError(str(error)) from None

    def keys(self) -> list[str]:
        """Nothing is listed."""
        return []

    def namespaced(self, namespace: str) -> _Beside:
        """Folders below are not resolved apart."""
        return self

    def write(self, name: str, data: Any) -> None:
        """Never."""
        raise PermissionError(f"{name} is not written: meshes are only read")


def _load(path: str) -> list[Any]:
    """The surfaces of a file in the frame of its scene."""
    kind = PurePath(path).suffix.lower().lstrip(".")
    data = read_limited(path, MAX_BYTES, "mesh file")
    check_claims(path, kind, data)
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            scene = trimesh.load_scene(
                io.BytesIO(data), file_type=kind, resolver=_Beside(path), process=False, allow_remote=False
            )
            return [g for g in scene.dump() if isinstance(g, trimesh.Trimesh)]
    # Whatever a parser stumbles over in a stranger's file, from KeyError to RecursionError, is the file's fault.
    except Exception as error:
        raise InputError(path, f"an intact .{kind} mesh", f"{type(error).__name__}: {error}") from None


def load_parts(path: str) -> list[Part]:
    """The surfaces of a mesh file, checked, without faces of no area.

    Raises:
        InputError: unreadable, too large, of another kind, or without a surface.
    """
    surfaces = _load(path)
    parts = []
    total = 0
    for surface in surfaces:
        vertices, faces = np.asarray(surface.vertices, float), np.asarray(surface.faces, np.int64)
        if not len(faces):
            continue
        if vertices.ndim != 2 or vertices.shape[1] != 3 or faces.shape[1:] != (3,):
            raise InputError(path, "triangles of points in space", f"{faces.shape} of {vertices.shape}")
        total += len(faces)
        if total > MAX_FACES:
            raise InputError(path, f"at most {MAX_FACES} faces", "more", "simplify the mesh")
        if faces.min() < 0 or faces.max() >= len(vertices):
            raise InputError(path, f"faces of vertices 0 to {len(vertices) - 1}", "others")
        if not np.isfinite(vertices[faces]).all() or np.abs(vertices[faces]).max() > 1e9:
            raise InputError(path, "finite coordinates", "NaN, infinity or huge ones")
        a, b, c = np.moveaxis(vertices[faces], 1, 0)
        whole = np.linalg.norm(np.cross(b - a, c - a), axis=1) > 0
        if whole.any():
            try:
                parts.append(part_of(surface, vertices, faces, whole))
            except Exception as error:  # colours and pictures are parsed when first looked at
                raise InputError(path, "readable colours", f"{type(error).__name__}: {error}") from None
    if not parts:
        raise InputError(path, "a surface", "no face of any area")
    return parts
