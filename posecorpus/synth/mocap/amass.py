"""AMASS motions (.npz): SMPL axis-angles already, so they need no retargeting.

``poses`` is (T, 3 J) with J = 22 (body), 24 (SMPL), 52 (SMPL-H) or 55 (SMPL-X); the body's 22 joints come
first in all. ``trans`` is (T, 3) metres. The world has Z up and is turned to Y up here.
"""

from __future__ import annotations

import io
import zipfile
import zlib

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from posecorpus.core.errors import InputError
from posecorpus.synth.mocap.archive import member_problem
from posecorpus.synth.mocap.units import Reading, check_fps
from posecorpus.synth.motion import BodyMotion

JOINT_COUNTS = (22, 24, 52, 55)
BODY_JOINTS = 22
PELVIS_M = np.array([-0.0018, -0.2233, 0.0282])
"""SMPL's pelvis joint in its template, metres. ``trans`` moves the template's origin, a motion the pelvis;
between bodies the two differ by a centimetre or two."""
Z_UP_TO_Y_UP = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, -1.0, 0.0]])
_RATES = ("mocap_framerate", "mocap_frame_rate")
_ERRORS = (zipfile.BadZipFile, zlib.error, OSError, EOFError, KeyError, ValueError, RuntimeError, MemoryError)


def read_amass(data: bytes, where: str, name: str, subject: str, reading: Reading) -> BodyMotion | None:
    """The motion in an .npz file, or None if it holds no ``poses`` (AMASS keeps shapes beside motions).

    Args:
        data: the file's bytes; pickled objects in it are refused.
        where: the file, for messages.
        name, subject: of the clip.
        reading: ``fps`` overrides the file's.

    Raises:
        InputError: arrays are missing, misshapen, not finite or too large.
    """
    arrays = _load(data, where)
    if "poses" not in arrays:
        return None
    poses = _floats(arrays, "poses", where)
    trans = _floats(arrays, "trans", where)
    if poses.ndim != 2 or poses.shape[1] not in [3 * n for n in JOINT_COUNTS] or not len(poses):
        wanted = ", ".join(str(3 * n) for n in JOINT_COUNTS)
        raise InputError(f"{where}:poses", f"shape (frames, {wanted})", poses.shape)
    if trans.shape != (len(poses), 3):
        raise InputError(f"{where}:trans", f"shape ({len(poses)}, 3)", trans.shape)
    fps = check_fps(where, reading.fps or _rate(arrays, where))
    joints = 24 if poses.shape[1] == 72 else BODY_JOINTS
    body = np.zeros((len(poses), 24, 3), dtype=np.float32)
    body[:, :joints] = poses[:, : 3 * joints].reshape(len(poses), joints, 3)
    turn = Rotation.from_matrix(Z_UP_TO_Y_UP)
    body[:, 0] = (turn * Rotation.from_rotvec(poses[:, :3])).as_rotvec()
    pelvis = (trans + PELVIS_M) @ Z_UP_TO_Y_UP.T
    return BodyMotion(name, where, subject, fps, body, pelvis.astype(np.float32))


def _load(data: bytes, where: str) -> dict[str, NDArray[np.generic]]:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for info in archive.infolist():
                if reason := member_problem(info):
                    raise InputError(f"{where}:{info.filename}", "an array that may be read", reason)
        with np.load(io.BytesIO(data), allow_pickle=False) as npz:
            wanted = ("poses", "trans", *_RATES)
            return {key: npz[key] for key in wanted if key in npz.files}
    except _ERRORS as error:
        reason = " ".join(f"{type(error).__name__}: {error}".split())[:160]
        raise InputError(where, "an .npz of plain arrays", reason) from error


def _floats(arrays: dict[str, NDArray[np.generic]], key: str, where: str) -> NDArray[np.float64]:
    if key not in arrays or arrays[key].dtype.kind not in "fiu":
        raise InputError(
            f"{where}:{key}", "an array of numbers", arrays[key].dtype if key in arrays else "none"
        )
    values = arrays[key].astype(np.float64)
    bad = ~np.isfinite(values) | (np.abs(values) > 1e4)
    if bad.any():
        frame = int(np.argwhere(bad)[0][0]) if values.ndim else 0
        raise InputError(f"{where}:{key}[{frame}]", "finite numbers of a motion's size", values[bad].flat[0])
    return values


def _rate(arrays: dict[str, NDArray[np.generic]], where: str) -> float:
    for key in _RATES:
        if key in arrays:
            value = _floats(arrays, key, where)
            if value.size == 1:
                return float(value.flat[0])
    raise InputError(where, f"{_RATES[0]} or {_RATES[1]}", "neither", "state its fps")
