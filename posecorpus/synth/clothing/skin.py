"""What is left to see of the body itself."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numba import njit
from numpy.typing import NDArray

from posecorpus.synth.bodies.model import BodyModel
from posecorpus.synth.scene import Texture
from posecorpus.synth.surface import Surface


def bare_skin(
    body: BodyModel, hidden: NDArray[np.bool_], texture: Texture, uv: NDArray[np.float32]
) -> Surface:
    """The body without the faces whose three vertices are all ``hidden`` (V,).

    Args:
        uv: (T, 2), where the body's own texture coordinates lie in ``texture``.
    """
    count = _count_seen(body.faces, hidden)
    faces, uv_faces = np.empty((count, 3), np.int32), np.empty((count, 3), np.int32)
    parts = np.empty(count, np.uint8)
    _keep_seen(body.faces, body.uv_faces, body.face_parts, hidden, faces, uv_faces, parts)
    return Surface(faces, parts, uv, uv_faces, texture)


def counting(n_faces: int) -> NDArray[np.int32]:
    """(F, 3) 0, 1, 2, ...: a view of one array that all surfaces share."""
    room = 1 << max((3 * n_faces - 1).bit_length(), 18)
    return _numbers(room)[: 3 * n_faces].reshape(-1, 3)


@lru_cache(maxsize=1)
def _numbers(count: int) -> NDArray[np.int32]:
    numbers = np.arange(count, dtype=np.int32)
    numbers.flags.writeable = False
    return numbers


@njit(cache=True, nogil=True)
def _count_seen(faces: NDArray[np.int32], hidden: NDArray[np.bool_]) -> int:
    count = 0
    for f in range(len(faces)):
        if not (hidden[faces[f, 0]] and hidden[faces[f, 1]] and hidden[faces[f, 2]]):
            count += 1
    return count


@njit(cache=True, nogil=True)
def _keep_seen(
    faces: NDArray[np.int32], uv_faces: NDArray[np.int32], parts: NDArray[np.uint8], hidden: NDArray[np.bool_],
    to_faces: NDArray[np.int32], to_uv_faces: NDArray[np.int32], to_parts: NDArray[np.uint8],
) -> None:  # fmt: skip
    n = 0
    for f in range(len(faces)):
        if hidden[faces[f, 0]] and hidden[faces[f, 1]] and hidden[faces[f, 2]]:
            continue
        for k in range(3):
            to_faces[n, k], to_uv_faces[n, k] = faces[f, k], uv_faces[f, k]
        to_parts[n] = parts[f]
        n += 1
