"""Changing a clip's frame rate.

The new frames are at t = i / fps from the first; the last one is at or just before the end of the clip. Positions are
interpolated linearly and rotations along the shortest arc; a frame that coincides with one of the clip is taken over
as it is.
"""

from __future__ import annotations

from dataclasses import replace
from typing import overload

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from posecorpus.synth.mocap.units import check_fps
from posecorpus.synth.motion import BodyMotion, SourceClip

COINCIDENT = 1e-6
"""Fraction of a frame within which two frames are one."""


@overload
def resample(clip: SourceClip, fps: float) -> SourceClip: ...


@overload
def resample(clip: BodyMotion, fps: float) -> BodyMotion: ...


def resample(clip: SourceClip | BodyMotion, fps: float) -> SourceClip | BodyMotion:
    """The clip at another frame rate.

    Args:
        clip: as captured or on the body.
        fps: frames a second of the result.

    Returns:
        ``floor((T - 1) fps / clip.fps) + 1`` frames; the first is the clip's first, and the last its last
        where the two rates let a frame fall there. Bones keep their length: positions follow from the
        root and the rotations.

    Raises:
        InputError: ``fps`` is no frame rate.
    """
    check_fps("fps", fps)
    if fps == clip.fps:
        return clip
    return _resample_body(clip, fps) if isinstance(clip, BodyMotion) else _resample_source(clip, fps)


def _resample_body(clip: BodyMotion, fps: float) -> BodyMotion:
    at = frame_times(len(clip.poses), clip.fps, fps)
    poses = _slerp_vectors(clip.poses, at)
    return replace(clip, fps=fps, poses=poses, translations=_lerp(clip.translations, at))


def _resample_source(clip: SourceClip, fps: float) -> SourceClip:
    at = frame_times(len(clip.positions), clip.fps, fps)
    rotations = _slerp_matrices(clip.rotations, at)
    return replace(clip, fps=fps, rotations=rotations, positions=_positions(clip, rotations, at))


def frame_times(frames: int, source_fps: float, fps: float) -> NDArray[np.float64]:
    """(N,) where the frames of a resampled clip lie among ``frames`` source frames, from 0 to frames - 1."""
    count = int(np.floor((frames - 1) * fps / source_fps + COINCIDENT)) + 1
    at = np.minimum(np.arange(count) * (source_fps / fps), frames - 1)
    whole = np.round(at)
    return np.asarray(np.where(np.abs(at - whole) < COINCIDENT, whole, at))


def _split(
    at: NDArray[np.float64], frames: int
) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.float64]]:
    low = np.floor(at).astype(np.intp)
    return low, np.minimum(low + 1, frames - 1), at - low


def _lerp(values: NDArray[np.float32], at: NDArray[np.float64]) -> NDArray[np.float32]:
    low, high, weight = _split(at, len(values))
    weight = weight.reshape(-1, *[1] * (values.ndim - 1)).astype(np.float32)
    mixed: NDArray[np.float32] = values[low] + weight * (values[high] - values[low])
    return mixed


def _slerp(start: Rotation, end: Rotation, weight: NDArray[np.float64]) -> Rotation:
    return start * Rotation.from_rotvec((start.inv() * end).as_rotvec() * weight[:, None])


def _slerp_vectors(poses: NDArray[np.float32], at: NDArray[np.float64]) -> NDArray[np.float32]:
    low, high, weight = _split(at, len(poses))
    between = np.flatnonzero(weight > 0)
    result = poses[low]
    if len(between):
        joints = poses.shape[1]
        start = Rotation.from_rotvec(poses[low[between]].reshape(-1, 3).astype(np.float64))
        end = Rotation.from_rotvec(poses[high[between]].reshape(-1, 3).astype(np.float64))
        mixed = _slerp(start, end, np.repeat(weight[between], joints))
        result[between] = mixed.as_rotvec().reshape(-1, joints, 3)
    return result


def _slerp_matrices(rotations: NDArray[np.float32], at: NDArray[np.float64]) -> NDArray[np.float32]:
    low, high, weight = _split(at, len(rotations))
    between = np.flatnonzero(weight > 0)
    result = rotations[low]
    for j in range(rotations.shape[1] if len(between) else 0):
        start = Rotation.from_matrix(rotations[low[between], j])
        end = Rotation.from_matrix(rotations[high[between], j])
        result[between, j] = _slerp(start, end, weight[between]).as_matrix()
    return result


def _positions(
    clip: SourceClip, rotations: NDArray[np.float32], at: NDArray[np.float64]
) -> NDArray[np.float32]:
    low, _, weight = _split(at, len(clip.positions))
    positions = np.empty((len(at), *clip.positions.shape[1:]), dtype=np.float32)
    for j, parent in enumerate(clip.parents):
        if parent < 0:
            positions[:, j] = _lerp(clip.positions[:, j], at)
        else:
            bone = (clip.rest[j] - clip.rest[parent]).astype(np.float32)
            positions[:, j] = positions[:, parent] + rotations[:, parent] @ bone
    exact = weight == 0
    positions[exact] = clip.positions[low[exact]]
    return positions
