"""How cloth lies on a shaped body: over its bridged surface, farther out than any skin.

The bridged surface q is the skin s diffused (so it is linear in beta), with unit normals n. Where skin stands
out of it by b = (s - q) . n, cloth is lifted by at least that, so a cloth vertex q + (b + ease) n lies
``ease`` or more outside its own skin vertex.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from posecorpus.synth.bodies.skinning import vertex_normals
from posecorpus.synth.clothing.loft import along
from posecorpus.synth.clothing.mannequin import Mannequin

Floats = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Shaped:
    """A mannequin with a person's shape; (W, 3) float32 rest positions and (W, 3) normals.

    Attributes:
        skin: the body's own vertices.
        cloth: cloth that touches the skin where it stands out.
        normals: of the bridged surface.
    """

    skin: Floats
    cloth: Floats
    normals: Floats


def shaped(who: Mannequin, betas: NDArray[np.floating]) -> Shaped:
    """Give a mannequin the shape ``betas`` (up to B of them)."""
    skin = along(who.skin, who.skin_directions, betas)
    smooth = along(who.smooth, who.smooth_directions, betas)
    normals = vertex_normals(smooth, who.faces)
    cloth = np.empty_like(smooth)
    _lift(skin, smooth, normals, who.pairs, who.shares, cloth)
    return Shaped(skin, cloth, normals)


def offsets(shape: Shaped, who: Mannequin, whole: NDArray[np.int32], ease: Floats) -> Floats:
    """Where the cloth vertices ``whole`` (W,) of a mannequin's mesh are, from their own skin.

    Args:
        ease: (N,) metres between skin and cloth, folds included.
    """
    out = np.empty((len(whole), 3), np.float32)
    _offsets(shape.skin, shape.cloth, shape.normals, who.middles, whole, ease, out)
    return out


@njit(cache=True, nogil=True)
def _lift(
    skin: Floats, smooth: Floats, normals: Floats, pairs: NDArray[np.int32], shares: Floats, cloth: Floats
) -> None:
    """Lift the bridged surface over the skin. The lift is spread to neighbours first and averaged then:
    every term of the mean at a vertex is at least what the vertex itself needs."""
    n = len(skin)
    need = np.zeros(n, np.float32)
    for v in range(n):
        out = np.float32(0)
        for k in range(3):
            out += (skin[v, k] - smooth[v, k]) * normals[v, k]
        need[v] = max(out, np.float32(0))
    for _ in range(2):
        wide = need.copy()
        for e in range(len(pairs)):
            a, b = pairs[e, 0], pairs[e, 1]
            wide[a], wide[b] = max(wide[a], need[b]), max(wide[b], need[a])
        need[:] = wide
        for e in range(len(pairs)):
            a, b = pairs[e, 0], pairs[e, 1]
            need[a] += wide[b]
            need[b] += wide[a]
        for v in range(n):
            need[v] /= shares[v]
    for v in range(n):
        for k in range(3):
            cloth[v, k] = smooth[v, k] + normals[v, k] * need[v]


@njit(cache=True, nogil=True)
def _offsets(
    skin: Floats,
    cloth: Floats,
    normals: Floats,
    middles: NDArray[np.int32],
    whole: NDArray[np.int32],
    ease: Floats,
    out: Floats,
) -> None:
    n = len(skin)
    half, eighth = np.float32(0.5), np.float32(0.125)
    for i in range(len(whole)):
        v = whole[i]
        if v < n:
            for k in range(3):
                out[i, k] = cloth[v, k] + ease[v] * normals[v, k] - skin[v, k]
            continue
        # The middle of a curved edge (PN triangles; Vlachos et al. 2001).
        a, b = middles[v - n, 0], middles[v - n, 1]
        rise_a = rise_b = length = np.float32(0)
        for k in range(3):
            along = cloth[b, k] - cloth[a, k]
            rise_a += along * normals[a, k]
            rise_b -= along * normals[b, k]
            length += (normals[a, k] + normals[b, k]) ** 2
        scale = ease[v] / max(np.sqrt(length), np.float32(1e-6))
        for k in range(3):
            middle = half * (cloth[a, k] + cloth[b, k])
            middle -= eighth * (rise_a * normals[a, k] + rise_b * normals[b, k])
            middle += scale * (normals[a, k] + normals[b, k])
            out[i, k] = middle - half * (skin[a, k] + skin[b, k])
