"""Annotation files of every format, by one name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Literal

from posecorpus.core.errors import InputError
from posecorpus.core.manifest import Skipped
from posecorpus.pseudogt.photos.coco import read_coco
from posecorpus.pseudogt.photos.lsp import read_lsp, read_lspet
from posecorpus.pseudogt.photos.mpii import read_mpii
from posecorpus.pseudogt.photos.records import AnnotatedPhoto, Annotations

PhotoFormat = Literal["lsp", "lspet", "mpii", "coco"]
MAX_NAME = 1024

_READERS: dict[PhotoFormat, Callable[[Path], Annotations]] = {
    "lsp": read_lsp,
    "lspet": read_lspet,
    "mpii": read_mpii,
    "coco": read_coco,
}


def read_annotations(form: PhotoFormat, path: Path) -> Annotations:
    """All photos and people of an annotation file.

    A photo whose name could lead out of the folder of photos is a fault.

    Raises:
        InputError: no such file, not of that format, or nobody annotated in it.
    """
    if path.is_dir():
        raise InputError(path, "a file of annotations", "a folder")
    found = _READERS[form](path)
    photos = []
    for photo in found.photos:
        reason = _bad_name(photo)
        if reason:
            found.faults.append(
                Skipped(where=photo.where, reason=f"expected {reason}, got {photo.name[:80]!r}")
            )
        else:
            photos.append(photo)
    if not photos and not found.faults:
        raise InputError(path, "people with labelled joints", "none")
    return Annotations(found.dialect, found.skeleton, found.dataset, photos, found.faults, found.left_out)


def _bad_name(photo: AnnotatedPhoto) -> str:
    name = photo.name
    if not name or len(name) > MAX_NAME or not name.isprintable():
        return f"a file name of at most {MAX_NAME} printable characters"
    if name.startswith("/") or "\\" in name or ":" in name or ".." in name.split("/"):
        return "a file name inside the folder of photos"
    return ""
