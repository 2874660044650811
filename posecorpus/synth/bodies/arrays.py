"""The arrays of an SMPL-format body file, read without trusting the file.

Two containers hold the same keys: NumPy's ``.npz`` and the pickles that SMPL is handed out in. Both
readers return plain numeric arrays, bounded in memory and checked by :func:`checked`; neither runs
anything that the file says.
"""

from __future__ import annotations

import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from posecorpus.core.errors import InputError
from posecorpus.core.skeletons import SMPL_24
from posecorpus.synth.bodies.unpickle import read_pickled_arrays

Array = NDArray[np.float32] | NDArray[np.float64] | NDArray[np.int32]

MAX_FILE_BYTES = 1 << 30  # SMPL with all 300 shape directions takes a quarter of this
MAX_VERTICES = 200_000
MAX_BETAS = 400
REQUIRED = ("v_template", "shapedirs", "J_regressor", "weights", "kintree_table", "f")
OPTIONAL = ("posedirs", "vt", "ft", "landmark_row", "landmark_column", "landmark_value")


@dataclass(frozen=True)
class BodyArrays:
    """What an SMPL-format file holds, checked: shapes agree, values are finite, indices in range.

    Attributes:
        v_template: (V, 3) float32 metres.
        shapedirs: (V, 3, B) float32.
        posedirs: (V, 3, 207) float32, or None where absent or all zero.
        joint_regressor: (24, V) float64.
        weights: (V, 24) float32, rows sum to one.
        faces: (F, 3) int32.
        uv, uv_faces: (T, 2) float32 and (F, 3) int32, or None.
        landmarks: row, column and value of the sparse landmark regressor, or None.
    """

    v_template: NDArray[np.float32]
    shapedirs: NDArray[np.float32]
    posedirs: NDArray[np.float32] | None
    joint_regressor: NDArray[np.float64]
    weights: NDArray[np.float32]
    faces: NDArray[np.int32]
    uv: NDArray[np.float32] | None
    uv_faces: NDArray[np.int32] | None
    landmarks: tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.float32]] | None


def read_body_arrays(path: Path) -> BodyArrays:
    """Read and check an SMPL-format ``.npz`` or ``.pkl``.

    Raises:
        InputError: the file is missing, of another kind, too large, broken, hostile, or holds
            something else than a 24-joint SMPL body.
    """
    try:
        size = path.stat().st_size
    except OSError as error:
        raise InputError(path, "a readable body file", error.strerror or "an unreadable one") from None
    if size > MAX_FILE_BYTES:
        raise InputError(path, f"at most {MAX_FILE_BYTES >> 20} MiB", f"{size >> 20} MiB")
    if path.suffix.lower() == ".npz":
        found = _read_npz(path)
    elif path.suffix.lower() == ".pkl":
        found = read_pickled_arrays(path, REQUIRED + OPTIONAL)
    else:
        raise InputError(path, "an SMPL-format .npz or .pkl", path.suffix or "no suffix")
    return checked(path, found)


def _read_npz(path: Path) -> dict[str, NDArray[np.generic]]:
    try:
        with zipfile.ZipFile(path) as archive:
            members = {info.filename: info for info in archive.infolist()}
            wanted = [key for key in REQUIRED + OPTIONAL if f"{key}.npy" in members]
            total = sum(members[f"{key}.npy"].file_size for key in wanted)
            if total > MAX_FILE_BYTES:
                raise InputError(
                    path, f"arrays of at most {MAX_FILE_BYTES >> 20} MiB together", f"{total >> 20} MiB"
                )
            found = {}
            for key in wanted:
                info = members[f"{key}.npy"]
                with archive.open(info) as stream:
                    found[key] = _read_npy(stream, info.file_size, f"{path}: {key}")  # type: ignore[arg-type]
            return found
    except (zipfile.BadZipFile, zlib.error, OSError, EOFError, NotImplementedError, RuntimeError) as error:
        raise InputError(path, "an intact .npz", error) from None


def _read_npy(stream: BinaryIO, size: int, where: str) -> NDArray[np.generic]:
    """One ``.npy`` member of ``size`` bytes. The header must account for exactly those bytes, so
    that nothing larger than the member is ever allocated."""
    try:
        version = np.lib.format.read_magic(stream)
        if version == (1, 0):
            shape, fortran, dtype = np.lib.format.read_array_header_1_0(stream)
        else:
            shape, fortran, dtype = np.lib.format.read_array_header_2_0(stream)
    except (ValueError, SyntaxError, TypeError, KeyError) as error:
        raise InputError(where, "a NumPy array", error) from None
    if dtype.kind not in "fiu":
        raise InputError(where, "numbers", f"dtype {dtype}")
    count = 1
    for extent in shape:
        count *= extent
    if count < 0 or count * dtype.itemsize != size - stream.tell():
        raise InputError(where, f"{size - stream.tell()} bytes of data", f"shape {shape} of {dtype}")
    flat = np.frombuffer(stream.read(), dtype)
    if len(flat) != count:
        raise InputError(where, f"{count} numbers", len(flat))
    return flat.reshape(shape, order="F" if fortran else "C")


def checked(path: Path, found: dict[str, NDArray[np.generic]]) -> BodyArrays:
    """Hold the arrays of a file to SMPL's format.

    Raises:
        InputError: naming the file, the key and what is wrong with it.
    """
    missing = [key for key in REQUIRED if key not in found]
    if missing:
        raise InputError(path, f"the keys {', '.join(REQUIRED)} of an SMPL body", f"no {', '.join(missing)}")
    joints = len(SMPL_24)

    def numbers(key: str, *shape: int | None) -> NDArray[np.generic]:
        array = found[key]
        if len(array.shape) != len(shape) or any(
            want not in (None, have) for want, have in zip(shape, array.shape, strict=True)
        ):
            wanted = ", ".join("any" if extent is None else str(extent) for extent in shape)
            raise InputError(f"{path}: {key}", f"shape ({wanted})", array.shape)
        if array.dtype.kind not in "fiu" or not np.isfinite(array.astype(np.float64)).all():
            raise InputError(f"{path}: {key}", "finite numbers", "NaN, infinity or no number")
        return array

    def indices(key: str, limit: int, *shape: int | None) -> NDArray[np.int32]:
        array = numbers(key, *shape).astype(np.float64)
        if array.size and (array.min() < 0 or array.max() >= limit or (array != np.floor(array)).any()):
            raise InputError(f"{path}: {key}", f"whole numbers from 0 to {limit - 1}", "others")
        return array.astype(np.int32)

    v_template = numbers("v_template", None, 3).astype(np.float32)
    count = len(v_template)
    if not 4 <= count <= MAX_VERTICES:
        raise InputError(f"{path}: v_template", f"4 to {MAX_VERTICES} vertices", count)
    if np.ptp(v_template, axis=0).max() > 10:
        raise InputError(
            f"{path}: v_template", "metres", f"a body {np.ptp(v_template, axis=0).max():.3g} large"
        )
    if np.ptp(v_template, axis=0).min() < 1e-3:
        raise InputError(f"{path}: v_template", "a body with some extent", "a flat one")
    kintree = numbers("kintree_table", 2, None).astype(np.int64)
    if kintree.shape[1] != joints:
        raise InputError(
            f"{path}: kintree_table",
            f"{joints} joints",
            kintree.shape[1],
            "only SMPL bodies are read; SMPL-H and SMPL-X have more joints",
        )
    if tuple(kintree[0, 1:]) != SMPL_24.parents[1:]:
        raise InputError(f"{path}: kintree_table", "SMPL's joint tree", kintree[0, 1:].tolist())
    shapedirs = numbers("shapedirs", count, 3, None).astype(np.float32)
    if not 1 <= shapedirs.shape[2] <= MAX_BETAS:
        raise InputError(f"{path}: shapedirs", f"1 to {MAX_BETAS} shape directions", shapedirs.shape[2])
    if np.abs(shapedirs).max() > 10:
        raise InputError(f"{path}: shapedirs", "metres", f"movements of {np.abs(shapedirs).max():.3g}")
    posedirs = None
    if "posedirs" in found and found["posedirs"].any():
        posedirs = numbers("posedirs", count, 3, 9 * (joints - 1)).astype(np.float32)
    has_uv = "vt" in found and "ft" in found
    faces = indices("f", count, None, 3)
    return BodyArrays(
        v_template=v_template,
        shapedirs=shapedirs,
        posedirs=posedirs,
        joint_regressor=_joint_regressor(path, numbers("J_regressor", joints, count)),
        weights=_weights(path, numbers("weights", count, joints)),
        faces=faces,
        uv=numbers("vt", None, 2).astype(np.float32) if has_uv else None,
        uv_faces=indices("ft", len(found["vt"]), len(faces), 3) if has_uv else None,
        landmarks=(
            indices("landmark_row", 64, None),
            indices("landmark_column", count, len(found["landmark_row"])),
            numbers("landmark_value", len(found["landmark_row"])).astype(np.float32),
        )
        if {"landmark_row", "landmark_column", "landmark_value"} <= found.keys()
        else None,
    )


def _joint_regressor(path: Path, regressor: NDArray[np.generic]) -> NDArray[np.float64]:
    result = regressor.astype(np.float64)
    if np.abs(result.sum(axis=1) - 1).max() > 1e-2:
        raise InputError(f"{path}: J_regressor", "rows that sum to one", result.sum(axis=1).round(3).tolist())
    return result


def _weights(path: Path, weights: NDArray[np.generic]) -> NDArray[np.float32]:
    result = weights.astype(np.float32)
    total = result.sum(axis=1, keepdims=True)
    if result.min() < 0 or np.abs(total - 1).max() > 1e-2:
        raise InputError(f"{path}: weights", "rows of non-negative numbers that sum to one", "others")
    if weights.dtype == np.float16:  # half precision leaves the sums 1e-3 short of one
        result /= total
    return result
