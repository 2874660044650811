"""MPII's validation split as HDF5, as the hourglass projects pass it around.

``part`` (N, 16, 2), ``visible`` (N, 16), ``imgname``, ``center``, ``scale``, ``normalize`` (head size of
PCKh), ``torsoangle``, ``person``, ``index``. In some of these files ``center`` and ``scale`` carry a crop's
adjustment (y + 15 scale, then scale 1.25); ``normalize`` tells which, and MPII's own values are restored.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from posecorpus.core.errors import InputError
from posecorpus.core.sample import HIDDEN, UNLABELLED, VISIBLE
from posecorpus.core.skeletons import MPII_16
from posecorpus.pseudogt.photos.mpii_people import HEADS_TALL, SCALE_PX, Gathered, centre
from posecorpus.pseudogt.photos.records import LARGEST_PX, Annotations

if TYPE_CHECKING:
    import h5py

MAX_PEOPLE = 1_000_000
MAX_VALUES_BYTES = 512 << 20
MAX_NAME = 1024
CROP_SCALE, CROP_SHIFT = 1.25, 15.0
"""What the hourglass projects do to ``scale`` and, with the original scale, to ``center``'s y."""


def read_mpii_h5(path: Path) -> Annotations:
    """The people of the file, photo by photo; ``visible`` 0 with a place is hidden, at (0, 0) unlabelled.

    Raises:
        InputError: not that file.
    """
    import h5py

    try:
        with h5py.File(path, "r") as file:
            part = _values(path, file, "part")
            count = len(part)
            if part.shape != (count, len(MPII_16), 2):
                got = "x".join(map(str, part.shape))
                raise InputError(f"{path}: part", f"Nx{len(MPII_16)}x2", got)
            visible = _values(path, file, "visible", (count, len(MPII_16)))
            names = _names(path, file, count)
            optional = {
                name: _values(path, file, name, shape)
                for name, shape in (
                    ("center", (count, 2)), ("scale", (count,)), ("normalize", (count,)),
                    ("torsoangle", (count,)), ("person", (count,)), ("index", (count,)),
                )
                if name in file
            }  # fmt: skip
    except (OSError, RuntimeError, KeyError, ValueError, TypeError) as error:  # h5py on damaged files
        raise InputError(path, "a readable HDF5 file", error) from None
    if not np.isin(visible, (0, 1)).all():
        raise InputError(f"{path}: visible", "0 or 1", visible[~np.isin(visible, (0, 1))][0])
    placed = (part != 0).any(-1)
    flags = np.where(placed, np.where(visible == 1, VISIBLE, HIDDEN), UNLABELLED).astype(np.uint8)
    adjusted = _adjusted(path, optional)
    gathered = Gathered()
    for i in range(count):
        details = _details({name: values[i] for name, values in optional.items()}, adjusted)
        gathered.add(names[i], f"{path}: person {i}", part[i], flags[i], {"index": i} | details)
    return gathered.annotations("MPII HDF5")


def _adjusted(path: Path, given: dict[str, NDArray[np.float64]]) -> bool:
    """Whether ``scale`` and ``center`` carry the crop's adjustment."""
    if "scale" not in given or "normalize" not in given:
        return False
    head_px = given["scale"] * SCALE_PX / HEADS_TALL
    for factor in (1.0, CROP_SCALE):
        if np.allclose(head_px, factor * given["normalize"], rtol=1e-3, atol=0):
            return factor != 1.0
    expected = "normalize = 25 scale, or 20 scale where the crop's adjustment is in it"
    raise InputError(f"{path}: normalize", expected, "neither")


def _details(values: dict[str, Any], adjusted: bool) -> dict[str, Any]:
    # what is absurd (damage, NaN) is not passed on
    values = {name: value for name, value in values.items() if (np.abs(value) <= LARGEST_PX).all()}
    details: dict[str, Any] = {}
    if "scale" in values:
        details["scale"] = float(values["scale"]) / (CROP_SCALE if adjusted else 1.0)
    if "center" in values:
        x, y = (float(v) for v in values["center"])
        details["center_px"] = centre(x, y - (CROP_SHIFT * details.get("scale", 0.0) if adjusted else 0.0))
    if "normalize" in values:
        details["head_size_px"] = float(values["normalize"])
    if "torsoangle" in values:
        details["torso_angle"] = float(values["torsoangle"])
    if "person" in values and "index" in values:
        # MATLAB's numbers, as in the release; here they count from 0
        details["mpii_image"], details["mpii_person"] = int(values["index"]) + 1, int(values["person"]) + 1
    return details


def _values(
    path: Path, file: h5py.File, name: str, shape: tuple[int, ...] | None = None
) -> NDArray[np.float64]:
    data = _dataset(path, file, name)
    if data.dtype.kind not in "fiu":
        raise InputError(f"{path}: {name}", "numbers", data.dtype)
    if shape is not None and data.shape != shape:
        raise InputError(f"{path}: {name}", "x".join(map(str, shape)), "x".join(map(str, data.shape)))
    return np.asarray(data[()], np.float64)


def _names(path: Path, file: h5py.File, count: int) -> list[str]:
    data = _dataset(path, file, "imgname")
    if data.shape == (count,) and data.dtype.kind == "S" and data.dtype.itemsize <= MAX_NAME:
        return [bytes(raw).partition(b"\0")[0].decode("latin-1") for raw in data[()]]
    if data.ndim == 2 and len(data) == count and data.dtype.kind in "fiu" and data.shape[1] <= MAX_NAME:
        codes = np.asarray(data[()], np.float64)  # some versions hold a row of character codes
        if not ((codes >= 0) & (codes < 256)).all():
            raise InputError(f"{path}: imgname", "character codes below 256", "others")
        return [bytes(row.astype(np.uint8)).partition(b"\0")[0].decode("latin-1") for row in codes]
    raise InputError(f"{path}: imgname", f"{count} names", f"{data.dtype} of shape {data.shape}")


def _dataset(path: Path, file: h5py.File, name: str) -> h5py.Dataset:
    """A dataset that lies in this very file and is no larger than it may be."""
    import h5py

    where = f"{path}: {name}"
    if name not in file:
        raise InputError(where, "a dataset of that name", f"only {', '.join(list(file)[:12])}")
    if not isinstance(file.get(name, getlink=True), h5py.HardLink):
        raise InputError(where, "a dataset of this file", "a link to another place")
    data = file[name]
    if not isinstance(data, h5py.Dataset) or data.is_virtual or data.external is not None:
        raise InputError(where, "a dataset of this file", "a group or a pointer to other files")
    if data.compression not in (None, "gzip", "lzf"):
        raise InputError(where, "gzip or no compression", data.compression)
    if data.ndim < 1 or len(data) > MAX_PEOPLE or data.size * data.dtype.itemsize > MAX_VALUES_BYTES:
        raise InputError(where, f"at most {MAX_PEOPLE} people", f"shape {data.shape}")
    return data
