"""The file of a trust model: a zip of plain float64 arrays and a text, as ``numpy.load`` reads it.

Members are named ``method/pose/size/weights.npy`` after the fields that they fill; ``about.npy`` holds JSON
as bytes: format version, names of the features, and the reliability table. A file may come from anywhere:
nothing in it is executed, and what it claims is checked before memory is set aside for it.
"""

from __future__ import annotations

import io
import json
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any, Final, get_args

import numpy as np
from numpy.typing import NDArray

from posecorpus.core.errors import InputError
from posecorpus.core.manifest import write_atomically
from posecorpus.pseudogt.lift.lifted import Method
from posecorpus.pseudogt.lift.trust_features import JOINT_FEATURES, POSE_FEATURES
from posecorpus.pseudogt.lift.trust_intervals import MISSING, SIZES, Intervals, MethodTrust
from posecorpus.pseudogt.lift.trust_regression import Ridge

FORMAT_VERSION: Final = 2
MAX_BYTES = 32 << 20
_FIX = "make the library again with `posecorpus library`"
_ABOUT = "about"
_FEATURES = {"pose": POSE_FEATURES, "joint": JOINT_FEATURES}
_ERRORS = (zipfile.BadZipFile, zlib.error, OSError, EOFError, NotImplementedError, RuntimeError, ValueError)
_EPOCH = (1980, 1, 1, 0, 0, 0)


def write_trust(methods: Mapping[Method, MethodTrust], table: Mapping[str, Any], path: Path) -> None:
    """Write atomically; the same contents give the same bytes."""
    about = {
        "format_version": FORMAT_VERSION,
        "pose_features": POSE_FEATURES,
        "joint_features": JOINT_FEATURES,
        "methods": sorted(methods),
        "reliability": table,
    }
    text = json.dumps(about, sort_keys=True, allow_nan=False).encode()
    arrays: dict[str, NDArray[Any]] = {_ABOUT: np.frombuffer(text, np.uint8)}
    for name in sorted(methods):
        for target in _FEATURES:
            intervals: Intervals = getattr(methods[name], target)
            for part, ridge in (("size", intervals.size), ("deviation", intervals.deviation)):
                arrays |= {f"{name}/{target}/{part}/{f.name}": getattr(ridge, f.name) for f in fields(Ridge)}
            for table_name in ("edges", "low", "high", "mean", "most_mm"):
                arrays[f"{name}/{target}/{table_name}"] = getattr(intervals, table_name)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for key, values in arrays.items():
            member = io.BytesIO()
            np.lib.format.write_array(member, np.ascontiguousarray(values), allow_pickle=False)
            archive.writestr(zipfile.ZipInfo(f"{key}.npy", _EPOCH), member.getvalue(), zipfile.ZIP_DEFLATED)
    write_atomically(path, packed.getvalue())


def read_trust(path: Path) -> tuple[dict[Method, MethodTrust], dict[str, Any]]:
    """The methods and the reliability table of a file.

    Raises:
        InputError: no such file, a damaged one, or one that this version does not read.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            raise InputError(path, f"at most {MAX_BYTES} bytes", path.stat().st_size, _FIX)
        with zipfile.ZipFile(path) as archive:
            return _read(path, archive)
    except FileNotFoundError:
        raise InputError(path, "what predicted errors are made from", "no such file", _FIX) from None
    except _ERRORS as error:
        raise InputError(path, "an undamaged file", str(error)[:200], _FIX) from None


def _read(path: Path, archive: zipfile.ZipFile) -> tuple[dict[Method, MethodTrust], dict[str, Any]]:
    if sum(member.file_size for member in archive.infolist()) > MAX_BYTES:
        raise InputError(path, f"at most {MAX_BYTES} bytes unpacked", "more", _FIX)
    about = _about(path, archive)
    methods: dict[Method, MethodTrust] = {}
    for method in get_args(Method):
        if method in about["methods"]:
            pose, joint = (
                _intervals(path, archive, f"{method}/{target}", len(names))
                for target, names in _FEATURES.items()
            )
            methods[method] = MethodTrust(pose, joint)
    return methods, about["reliability"]


def _about(path: Path, archive: zipfile.ZipFile) -> dict[str, Any]:
    try:
        about = json.loads(_member(path, archive, _ABOUT, "|u1", None).tobytes())
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: {_ABOUT}", "JSON", str(error)[:200], _FIX) from None
    if not isinstance(about, dict) or about.get("format_version") != FORMAT_VERSION:
        got = about.get("format_version") if isinstance(about, dict) else type(about).__name__
        raise InputError(f"{path}: format_version", str(FORMAT_VERSION), repr(got)[:80], _FIX)
    for key, names in (("pose_features", POSE_FEATURES), ("joint_features", JOINT_FEATURES)):
        if about.get(key) != list(names):
            raise InputError(f"{path}: {key}", "those of this version", "others", _FIX)
    if not isinstance(about.get("methods"), list) or not isinstance(about.get("reliability"), dict):
        raise InputError(
            f"{path}: {_ABOUT}", "a list of methods and a reliability table", "another form", _FIX
        )
    return about


def _intervals(path: Path, archive: zipfile.ZipFile, where: str, features: int) -> Intervals:
    cells = (MISSING, SIZES)
    shapes: dict[str, tuple[int, ...]] = {
        "edges": (SIZES - 1,), "low": cells, "high": cells, "mean": cells, "most_mm": (1,),
    }  # fmt: skip
    size, deviation = (_ridge(path, archive, f"{where}/{part}", features) for part in ("size", "deviation"))
    tables = {n: _member(path, archive, f"{where}/{n}", "<f8", s) for n, s in shapes.items()}
    edges, low, high, most = (tables[name] for name in ("edges", "low", "high", "most_mm"))
    if (np.diff(edges) < 0).any() or (low > high).any():
        raise InputError(f"{path}: {where}", "ascending edges and intervals", "descending ones", _FIX)
    if most[0] < 0:
        raise InputError(f"{path}: {where}/most_mm", "an error", most[0], _FIX)
    return Intervals(size, deviation, **tables)


def _ridge(path: Path, archive: zipfile.ZipFile, where: str, features: int) -> Ridge:
    terms = features + features * (features + 1) // 2
    lengths = {"centre": features, "scale": features, "offset": 1, "limits": 2}
    parts = {
        f.name: _member(path, archive, f"{where}/{f.name}", "<f8", (lengths.get(f.name, terms),))
        for f in fields(Ridge)
    }
    ridge = Ridge(**parts)
    if (ridge.scale <= 0).any() or (ridge.term_scale <= 0).any() or ridge.limits[0] > ridge.limits[1]:
        raise InputError(f"{path}: {where}", "positive scales and ascending limits", "others", _FIX)
    if np.abs(ridge.limits).max() > 100:
        raise InputError(f"{path}: {where}/limits", "logarithms of errors", ridge.limits.tolist(), _FIX)
    return ridge


def _member(
    path: Path, archive: zipfile.ZipFile, name: str, dtype: str, shape: tuple[int, ...] | None
) -> NDArray[Any]:
    """An array of the archive, of finite numbers; any length of one dimension where no shape is given."""
    where = f"{path}: {name}"
    try:
        raw = io.BytesIO(archive.read(f"{name}.npy"))
    except KeyError:
        raise InputError(where, "an array", "none", _FIX) from None
    if np.lib.format.read_magic(raw) != (1, 0):
        raise InputError(where, "a NumPy array of format 1.0", "another", _FIX)
    found, fortran, kind = np.lib.format.read_array_header_1_0(raw)
    body = raw.read()
    wanted = (len(body),) if shape is None else shape
    size = int(np.prod(wanted)) * np.dtype(dtype).itemsize
    if found != wanted or fortran or kind != np.dtype(dtype) or len(body) != size:
        raise InputError(where, f"{dtype} of shape {wanted}", f"{kind.str} of shape {found}", _FIX)
    values = np.frombuffer(body, dtype)
    if not np.isfinite(values).all():
        raise InputError(where, "finite numbers", "NaN or infinity", _FIX)
    return values.reshape(wanted)
