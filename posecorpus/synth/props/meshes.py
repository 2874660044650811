"""The user's own meshes."""

from __future__ import annotations

from pathlib import Path, PurePath

from posecorpus.core.errors import InputError
from posecorpus.core.files import list_files
from posecorpus.synth.props.shape import Design

SUFFIXES = (".obj", ".ply", ".stl", ".glb")


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


def read_mesh(path: str) -> Design:
    """A user's mesh."""
    raise InputError(path, "a built-in prop", "a mesh file", "mesh files cannot be read yet")
