"""An index on disk: a folder with an array a file and ``index.json``, memory-mapped when opened."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from posecorpus.core.errors import InputError
from posecorpus.core.manifest import sync_folder, write_atomically
from posecorpus.pseudogt.search.scan import LANES
from posecorpus.pseudogt.search.walk import Tree

INDEX = "index.json"
FORMAT_VERSION: Final = 1
MAX_INFO_BYTES = 1 << 20
_FIX = "delete the folder; it is made again when needed"


class IndexInfo(BaseModel):
    """The contents of ``index.json``: what the arrays' shapes follow from.

    Attributes:
        source: digest of what the views came from.
        usable: of the query's joints, which the views have.
        views, blocks, tiles: how many.
        grouped: whether views have groups.
    """

    model_config = ConfigDict(extra="forbid")
    format_version: Literal[1] = FORMAT_VERSION
    source: str
    usable: list[bool] = Field(min_length=1, max_length=1000)
    views: int = Field(ge=1, lt=2**31)
    blocks: int = Field(ge=1, lt=2**31)
    tiles: int = Field(ge=1, lt=2**31)
    grouped: bool

    def arrays(self) -> dict[str, tuple[tuple[int, ...], str]]:
        """Shape and type of each array of a :class:`Tree`."""
        joints, rows = sum(self.usable), -(-self.tiles // LANES)
        return {
            "views": ((self.views, joints, 2), "<f4"),
            "groups": ((self.views if self.grouped else 0,), "<i4"),
            "order": ((self.blocks, LANES), "<i4"),
            "members": ((self.blocks, 2 * joints, LANES), "<f4"),
            "first": ((self.tiles + 1,), "<i8"),
            "centres": ((self.tiles, 2 * joints, LANES), "<f4"),
            "radii": ((self.tiles, joints + 1, LANES), "<f4"),
            "tile_centres": ((rows, 2 * joints, LANES), "<f4"),
            "tile_radii": ((rows, joints + 1, LANES), "<f4"),
        }


def write_tree(folder: Path, tree: Tree, usable: NDArray[np.bool_], source: str) -> None:
    """Write an index beside its place, then move it there; one that is there is replaced.

    Of several processes that do so at once, one wins, whole.

    Raises:
        InputError: the folder holds something that is no index.
    """
    if folder.is_dir() and not (folder / INDEX).exists() and any(folder.iterdir()):
        stranger = sorted(path.name for path in folder.iterdir())[0]
        raise InputError(folder, "an empty folder or an index", f"{stranger!r} in it", "name another folder")
    info = IndexInfo(
        source=source,
        usable=usable.tolist(),
        views=len(tree.views),
        blocks=len(tree.order),
        tiles=len(tree.centres),
        grouped=len(tree.groups) > 0,
    )
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{folder.name}.", dir=folder.parent) as aside:
        new, old = Path(aside) / "new", Path(aside) / "old"
        new.mkdir()
        for name, (_, dtype) in info.arrays().items():
            with (new / f"{name}.npy").open("wb") as file:
                np.save(file, np.ascontiguousarray(getattr(tree, name), dtype), allow_pickle=False)
                file.flush()
                os.fsync(file.fileno())
        write_atomically(new / INDEX, (json.dumps(info.model_dump(), sort_keys=True) + "\n").encode())
        # Another process may do the same: move the old one first, or put its new one there in between.
        with contextlib.suppress(FileNotFoundError):
            os.replace(folder, old)
        try:
            os.replace(new, folder)
        except OSError:
            if not (folder / INDEX).exists():
                raise
        shutil.rmtree(old, ignore_errors=True)
    sync_folder(folder.parent)


def map_tree(folder: Path) -> tuple[Tree, NDArray[np.bool_], str]:
    """The arrays of an index, memory-mapped, which joints it has, and its source.

    Raises:
        InputError: missing or damaged.
    """
    info = _read_info(folder / INDEX)
    arrays = {name: _mapped(folder / f"{name}.npy", *expected) for name, expected in info.arrays().items()}
    tree = Tree(**arrays)
    order, first = tree.order, np.array(tree.first)
    if order.min() < -1 or order.max() >= info.views:
        raise InputError(folder / "order.npy", f"numbers from -1 to {info.views - 1}", "others", _FIX)
    steps = np.diff(first)
    if first[0] != 0 or first[-1] != info.blocks or steps.min() < 1 or steps.max() > LANES:
        raise InputError(folder / "first.npy", f"ascending numbers from 0 to {info.blocks}", "others", _FIX)
    return tree._replace(first=first), np.array(info.usable), info.source


def _read_info(path: Path) -> IndexInfo:
    try:
        with path.open("rb") as file:
            text = file.read(MAX_INFO_BYTES + 1)
        if len(text) > MAX_INFO_BYTES:
            raise InputError(path, f"at most {MAX_INFO_BYTES} bytes", "more", _FIX)
        return IndexInfo.model_validate_json(text)
    except OSError as error:
        raise InputError(path, "a search index", error.strerror, _FIX) from None
    except ValidationError as error:
        first = error.errors()[0]
        where = f"{path}: {'.'.join(map(str, first['loc']))}"
        raise InputError(where, first["msg"], str(first["input"])[:80], _FIX) from None


def _mapped(path: Path, shape: tuple[int, ...], dtype: str) -> NDArray[Any]:
    try:
        if 0 in shape:  # an empty file part cannot be mapped
            return np.zeros(shape, dtype)
        # The kernels take plain arrays, which a memmap is but for its class.
        array = np.asarray(np.lib.format.open_memmap(path, mode="r"))
    except (OSError, ValueError, EOFError, SyntaxError) as error:
        raise InputError(path, "an array of the index", str(error)[:200], _FIX) from None
    if array.shape != shape or array.dtype != np.dtype(dtype) or not array.flags.c_contiguous:
        raise InputError(path, f"{dtype} of shape {shape}", f"{array.dtype.str} of shape {array.shape}", _FIX)
    return array
