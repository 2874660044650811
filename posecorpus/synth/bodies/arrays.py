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
from typing import IO

import numpy as np
from numpy.typing import NDArray

from posecorpus.core.errors import InputError
from posecorpus.core.skeletons import SMPL_24
from posecorpus.synth.bodies.regressor import LANDMARKS
from posecorpus.synth.bodies.unpickle import read_pickled_arrays

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
                    found[key] = _read_npy(stream, info.file_size, f"{path}: {key}")
            return found
    except (zipfile.BadZipFile, zlib.error, OSError, EOFError, NotImplementedError, RuntimeError) as error:
        raise InputError(path, "an intact .npz", error) from None


def _read_npy(stream: IO[bytes], size: int, where: str) -> NDArray[np.generic]:
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
    check = _Checker(path, found)
    v_template = check.template()
    count, joints = len(v_template), len(SMPL_24)
    check.joint_tree()
    shapedirs = check.shapedirs(count)
    faces = check.indices("f", count, None, 3)
    has_posedirs = "posedirs" in found and bool(found["posedirs"].any())
    has_uv = {"vt", "ft"} <= found.keys()
    has_landmarks = {"landmark_row", "landmark_column", "landmark_value"} <= found.keys()
    return BodyArrays(
        v_template=v_template,
        shapedirs=shapedirs,
        posedirs=check.numbers("posedirs", count, 3, 9 * (joints - 1)).astype(np.float32)
        if has_posedirs
        else None,
        joint_regressor=check.joint_regressor(count),
        weights=check.weights(count),
        faces=faces,
        uv=check.numbers("vt", None, 2).astype(np.float32) if has_uv else None,
        uv_faces=check.indices("ft", len(found["vt"]), len(faces), 3) if has_uv else None,
        landmarks=check.landmarks(count) if has_landmarks else None,
    )


@dataclass(frozen=True)
class _Checker:
    """The arrays of one file; each method returns one of them or raises an :class:`InputError`."""

    path: Path
    found: dict[str, NDArray[np.generic]]

    def numbers(self, key: str, *shape: int | None) -> NDArray[np.generic]:
        """Finite numbers of a shape, in which None stands for any length."""
        array = self.found[key]
        fits = len(array.shape) == len(shape) and all(
            want in (None, have) for want, have in zip(shape, array.shape, strict=True)
        )
        if not fits:
            wanted = ", ".join("any" if extent is None else str(extent) for extent in shape)
            raise InputError(f"{self.path}: {key}", f"shape ({wanted})", array.shape)
        if array.dtype.kind not in "fiu" or not np.isfinite(array.astype(np.float64)).all():
            raise InputError(f"{self.path}: {key}", "finite numbers", "NaN, infinity or no number")
        return array

    def indices(self, key: str, limit: int, *shape: int | None) -> NDArray[np.int32]:
        """Whole numbers from 0 up to, not including, ``limit``."""
        array = self.numbers(key, *shape).astype(np.float64)
        if array.size and (array.min() < 0 or array.max() >= limit or (array != np.floor(array)).any()):
            raise InputError(f"{self.path}: {key}", f"whole numbers from 0 to {limit - 1}", "others")
        return array.astype(np.int32)

    def template(self) -> NDArray[np.float32]:
        where = f"{self.path}: v_template"
        template = self.numbers("v_template", None, 3).astype(np.float32)
        if not 4 <= len(template) <= MAX_VERTICES:
            raise InputError(where, f"4 to {MAX_VERTICES} vertices", len(template))
        extent = np.ptp(template, axis=0)
        if extent.max() > 10:
            raise InputError(where, "metres", f"a body {extent.max():.3g} large")
        if extent.min() < 1e-3:
            raise InputError(where, "a body with some extent", "a flat one")
        return template

    def joint_tree(self) -> None:
        where, joints = f"{self.path}: kintree_table", len(SMPL_24)
        kintree = self.numbers("kintree_table", 2, None).astype(np.int64)
        if kintree.shape[1] != joints:
            fix = "only SMPL bodies are read; SMPL-H and SMPL-X have more joints"
            raise InputError(where, f"{joints} joints", kintree.shape[1], fix)
        if tuple(kintree[0, 1:]) != SMPL_24.parents[1:]:
            raise InputError(where, "SMPL's joint tree", kintree[0, 1:].tolist())

    def shapedirs(self, count: int) -> NDArray[np.float32]:
        where = f"{self.path}: shapedirs"
        shapedirs = self.numbers("shapedirs", count, 3, None).astype(np.float32)
        if not 1 <= shapedirs.shape[2] <= MAX_BETAS:
            raise InputError(where, f"1 to {MAX_BETAS} shape directions", shapedirs.shape[2])
        if np.abs(shapedirs).max() > 10:
            raise InputError(where, "metres", f"movements of {np.abs(shapedirs).max():.3g}")
        return shapedirs

    def joint_regressor(self, count: int) -> NDArray[np.float64]:
        regressor = self.numbers("J_regressor", len(SMPL_24), count).astype(np.float64)
        sums = regressor.sum(axis=1)
        if np.abs(sums - 1).max() > 1e-2:
            raise InputError(f"{self.path}: J_regressor", "rows that sum to one", sums.round(3).tolist())
        return regressor

    def weights(self, count: int) -> NDArray[np.float32]:
        raw = self.numbers("weights", count, len(SMPL_24))
        weights = raw.astype(np.float32)
        sums = weights.sum(axis=1, keepdims=True)
        if weights.min() < 0 or np.abs(sums - 1).max() > 1e-2:
            raise InputError(
                f"{self.path}: weights", "rows of non-negative numbers that sum to one", "others"
            )
        if raw.dtype == np.float16:  # half precision leaves the sums 1e-3 short of one
            weights /= sums
        return weights

    def landmarks(self, count: int) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.float32]]:
        rows = self.indices("landmark_row", len(LANDMARKS), None)
        if len(np.unique(rows)) != len(LANDMARKS):
            raise InputError(
                f"{self.path}: landmark_row", f"each of {len(LANDMARKS)} rows", f"{len(np.unique(rows))}"
            )
        return (
            rows,
            self.indices("landmark_column", count, len(rows)),
            self.numbers("landmark_value", len(rows)).astype(np.float32),
        )
