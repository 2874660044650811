"""What a look is painted on: measurements of a body at the texels of a picture of any size.

Measuring a texel takes longer than painting a hundred. A body is measured once, as finely as worn clothes are ever painted,
and a coarser picture shows, in each of its texels, the measured one that is nearest to its middle.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from posecorpus.synth.appearance.atlas import Atlas, measure_atlas
from posecorpus.synth.appearance.kept import kept_with_body
from posecorpus.synth.appearance.landmarks import BodySurface

FINEST = 640
"""Side of the picture that a body is measured for, texels."""

I32 = NDArray[np.int32]


@dataclass(frozen=True)
class Canvas:
    """The covered texels of a square picture, with what the painter knows of them.

    Attributes:
        size: side of the picture, texels.
        index: (N,) int32 flat raster index of each covered texel, row 0 at the top.
        region, coordinates, marks: (N,) uint8, (N, 4) float32 and (N, 8) uint8, as those of an :class:`Atlas`.
        gutter, gutter_source: (G,) int32 flat index of every other texel, and of the covered one that it repeats.
    """

    size: int
    index: I32
    region: NDArray[np.uint8]
    coordinates: NDArray[np.float32]
    marks: NDArray[np.uint8]
    gutter: I32
    gutter_source: I32


def canvas_of(atlas: Atlas) -> Canvas:
    """The atlas's own texels, for painted clothes."""
    t = atlas.texels
    return Canvas(t.size, t.index, atlas.region, atlas.coordinates, atlas.marks, t.gutter, t.gutter_source)


def worn_canvas(body: BodySurface, size: int) -> Canvas:
    """Texels to paint worn clothes on; made at the first call for a body and a size and kept as long as the body lives.

    Args:
        body: the surface to paint.
        size: side of the picture. Rows are sorted by region, and those of a size that is not finer than
            :data:`FINEST` are some of that size's.
    """
    canvases = _canvases(body)
    if size not in canvases:
        canvases[size] = reduce(_finest(body, canvases), size) if size < FINEST else _measured(body, size)
    return canvases[size]


@kept_with_body
def _canvases(body: BodySurface) -> dict[int, Canvas]:
    return {}


def _finest(body: BodySurface, canvases: dict[int, Canvas]) -> Canvas:
    if FINEST not in canvases:
        canvases[FINEST] = _measured(body, FINEST)
    return canvases[FINEST]


def _measured(body: BodySurface, size: int) -> Canvas:
    """Every texel measured, and arm holes where those of worn clothes are cut."""
    atlas = measure_atlas(body, size)
    t = atlas.texels
    order = np.argsort(atlas.region, kind="stable")
    return Canvas(
        size,
        t.index[order],
        atlas.region[order],
        atlas.worn_coordinates()[order],
        atlas.marks[order],
        t.gutter,
        t.gutter_source,
    )


def reduce(canvas: Canvas, size: int) -> Canvas:
    """A coarser canvas.

    A texel that contains the middle of any covered texel is covered, and shows that of them which is nearest to
    its own middle. Others repeat the texel that contains the source of what is at their middle.
    """
    shown = np.full(canvas.size**2, -1, np.int32)
    shown[canvas.index] = np.arange(len(canvas.index), dtype=np.int32)
    source = np.arange(canvas.size**2, dtype=np.int32)
    source[canvas.gutter] = canvas.gutter_source
    rows, repeated = np.empty(size * size, np.int32), np.empty(size * size, np.int32)
    _reduce(shown, source, canvas.size, size, rows, repeated)
    index = np.flatnonzero(rows >= 0).astype(np.int32)
    index = index[np.argsort(canvas.region[rows[index]], kind="stable")]
    gutter = np.flatnonzero(rows < 0).astype(np.int32)
    seen = rows[index]
    return Canvas(
        size,
        index,
        canvas.region[seen],
        canvas.coordinates[seen],
        canvas.marks[seen],
        gutter,
        repeated[gutter],
    )


@njit(cache=True, nogil=True, error_model="numpy")
def _reduce(shown: I32, source: I32, fine: int, coarse: int, rows: I32, repeated: I32) -> None:
    """Rows of what the coarse texels show, -1 for none, and the flat index of those that these repeat instead."""
    first = np.empty(coarse + 1, np.int64)  # of the fine texels whose middle a coarse one contains
    for i in range(coarse + 1):
        first[i] = (2 * fine * i + coarse - 1) // (2 * coarse)
    for i in range(coarse):
        for j in range(coarse):
            at = i * coarse + j
            middle = ((2 * i + 1) * fine // (2 * coarse)) * fine + (2 * j + 1) * fine // (2 * coarse)
            rows[at] = shown[middle]
            if rows[at] >= 0:
                continue
            nearest = fine * fine * coarse * coarse * 2
            for y in range(first[i], first[i + 1]):
                down = (2 * y + 1) * coarse - (2 * i + 1) * fine
                for x in range(first[j], first[j + 1]):
                    across = (2 * x + 1) * coarse - (2 * j + 1) * fine
                    away = down * down + across * across
                    if shown[y * fine + x] >= 0 and away < nearest:
                        rows[at], nearest = shown[y * fine + x], away
            y, x = source[middle] // fine, source[middle] % fine
            repeated[at] = (2 * y + 1) * coarse // (2 * fine) * coarse + (2 * x + 1) * coarse // (2 * fine)
