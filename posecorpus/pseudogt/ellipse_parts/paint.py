"""Placed ellipses to pixels, compiled: people from far to near, and of each person row by row.

A row holds the depth of the nearest surface so far at each of its pixels, and in the last eight bits of that
number the part that it belongs to. So a pixel costs one minimum, and its label comes with it; depths are
cut by 2^-44 of their value, far less than any tie is decided by. Shapes of people without depth lie one
before the other in the order of the table.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from posecorpus.pseudogt.ellipse_parts.place import Floats, Ints
from posecorpus.pseudogt.jit import inline, tight_kernel

Bytes = NDArray[np.uint8]

TOP, BOTTOM, MIDDLE_Y, RISE, NARROW, X, X_SLOPE, Z, Z_ROW, Z_COLUMN, BEND = range(11)
"""Columns of a form, in rows and columns of the raster: its first row and the one after its last, its centre's row and
half its height; (half width over half height)^2 of its rows' ellipse; middle of row 0 and its step a row; depth
there, its steps a row and a column; how far the surface bulges a pixel of half a row's width."""


def paint(
    placed: Floats,
    labels: Bytes,
    people: Ints,
    summary: Floats,
    windows: Floats,
    parts: Bytes,
    instances: Bytes,
) -> None:
    """Draw images of placed people.

    Args:
        placed, summary: (M, S, 9) and (M, 3) as :func:`place` gives them.
        labels: (M, S) part ids.
        people: (N, 2) first person of each image and the one after its last.
        windows: (N, 4) x0, y0, x1, y1 of what the image covers.
        parts, instances: (N, H, W) output, zeroed. Instance i + 1 is the image's person i. Instances of shape
            (N, H, 0) are not wanted.
    """
    shapes, width = placed.shape[1], parts.shape[2]
    most = int((people[:, 1] - people[:, 0]).max(initial=0))
    _paint(
        placed, labels, people, summary, windows, parts, instances,
        keys=np.empty(most), order=np.empty(most, np.int64), nearest=np.full(width // 4 * 4 + 4, np.inf),
        forms=np.empty((shapes, 11)), ids=np.empty(shapes, np.int64), active=np.empty(shapes, np.int64),
    )  # fmt: skip


@tight_kernel
def _paint(
    placed: Floats, labels: Bytes, people: Ints, summary: Floats, windows: Floats, parts: Bytes, instances: Bytes,
    keys: Floats, order: Ints, nearest: Floats, forms: Floats, ids: Ints, active: Ints,
) -> None:  # fmt: skip
    height = parts.shape[1]
    for n in range(len(people)):
        first, count = people[n, 0], people[n, 1] - people[n, 0]
        _far_to_near(summary[first : first + count], keys, order)
        for k in range(count):
            m = first + order[k]
            kept = 0
            for s in range(placed.shape[1]):
                if _prepare(placed[m, s], windows[n], height, parts.shape[2], forms[kept]):
                    ids[kept] = labels[m, s]
                    _insert(kept, forms, active)
                    kept += 1
            _paint_person(kept, forms, ids, active, order[k] + 1, nearest, parts[n], instances[n])


@inline
def _far_to_near(summary: Floats, keys: Floats, order: Ints) -> None:
    """Indices of people in the order they are painted; of equals the first comes last."""
    by_depth = True
    for m in range(len(summary)):
        by_depth = by_depth and (summary[m, 0] > 0.0 or not summary[m, 2] > 0.0)
    for m in range(len(summary)):
        keys[m] = (summary[m, 1] if by_depth else -summary[m, 2]) if summary[m, 2] > 0.0 else np.inf
        k = m
        while k > 0 and keys[order[k - 1]] <= keys[m]:
            order[k] = order[k - 1]
            k -= 1
        order[k] = m


@inline
def _prepare(shape: Floats, window: Floats, height: int, width: int, form: Floats) -> bool:
    """A placed shape in rows and columns of the raster; whether any of it can be seen."""
    step_x, step_y = (window[2] - window[0]) / width, (window[3] - window[1]) / height
    ux, uy, along, across = shape[2], shape[3], shape[4], shape[5]
    rise = np.hypot(along * uy, across * ux)
    if not (along > 0.0 and rise > 0.0):
        return False
    row, rows = (shape[1] - window[1]) / step_y - 0.5, rise / step_y
    column = (shape[0] - window[0]) / step_x - 0.5
    columns = np.hypot(along * ux, across * uy) / step_x
    form[TOP], form[BOTTOM] = max(np.ceil(row - rows), 0.0), min(np.floor(row + rows) + 1.0, float(height))
    if not (form[TOP] < form[BOTTOM] and column - columns <= width - 1 and column + columns >= 0):
        return False
    # On the row dy above the centre, the ellipse spans dy tilt +- spread sqrt(rise^2 - dy^2), from the centre's x.
    tilt = ux * uy * (along - across) * (along + across) / (rise * rise)
    spread = along / rise * across / rise
    form[MIDDLE_Y], form[RISE], form[NARROW] = row, rows, (spread * step_y / step_x) ** 2
    form[X_SLOPE] = tilt * step_y / step_x
    form[X] = column - row * form[X_SLOPE]
    form[Z_ROW] = shape[7] * (uy + ux * tilt) * step_y
    form[Z], form[Z_COLUMN] = shape[6] - row * form[Z_ROW], shape[7] * ux * step_x
    form[BEND] = shape[8] / spread / rise * step_x
    return True


@inline
def _insert(last: int, forms: Floats, active: Ints) -> None:
    """Put the last form into the list of forms, from the top of the raster downwards."""
    k = last
    while k > 0 and forms[active[k - 1], TOP] > forms[last, TOP]:
        active[k] = active[k - 1]
        k -= 1
    active[k] = last


@inline
def _paint_person(
    count: int, forms: Floats, ids: Ints, active: Ints, instance: int, nearest: Floats, parts: Bytes, instances: Bytes
) -> None:  # fmt: skip
    width = parts.shape[1]
    bottom = 0.0
    for f in range(count):
        bottom = max(bottom, forms[f, BOTTOM])
    done = begun = 0  # of the list, these are over and these have begun
    for row in range(int(forms[active[0], TOP]) if count else 0, int(bottom)):
        y = float(row)
        while begun < count and forms[active[begun], TOP] <= y:
            begun += 1
        left, right = len(nearest), 0
        for k in range(done, begun):
            f = active[k]
            if forms[f, BOTTOM] <= y:
                active[k] = active[done]
                done += 1
                continue
            dy = y - forms[f, MIDDLE_Y]
            square = forms[f, NARROW] * ((forms[f, RISE] - dy) * (forms[f, RISE] + dy))
            half = np.sqrt(max(square, 0.0))
            middle = forms[f, X] + y * forms[f, X_SLOPE]
            if not (middle - half <= width - 1 and middle + half >= 0.0):  # also if they are not numbers
                continue
            # Fours of pixels, so that vectors begin where those of the shapes before began.
            first = int(max(middle - half, 0.0)) & -4
            beyond = (int(min(middle + half, width - 1.0)) & -4) + 4
            left, right = min(left, first), max(right, beyond)
            _paint_row(
                nearest[first:beyond], first - middle, square, forms[f, Z] + y * forms[f, Z_ROW],
                forms[f, Z_COLUMN], forms[f, BEND], ids[f],
            )  # fmt: skip
        if left < right:
            seen = min(right, width)  # pixels beyond the raster are never looked at
            _show(nearest[left:seen], parts[row, left:seen])
            if instances.shape[1] > 0:
                _claim(nearest[left:seen], instances[row, left:seen], instance)
            _clear(nearest[left:right])


@inline
def _paint_row(
    nearest: Floats, start: float, square: float, z: float, slope: float, bend: float, label: int
) -> None:
    """Of an ellipse's row: ``start`` is the first pixel's place from its middle, ``square`` that of half its width."""
    for column in range(len(nearest)):
        off = start + np.float64(np.int32(column))
        # Outside, the root is not a number, nor is the depth, which so is nearer than nothing.
        depth = z + slope * off - bend * np.sqrt(square - off * off)
        labelled = np.int64((np.float64(depth).view(np.int64) & -256) | label).view(np.float64)
        # Without the sum, the compiler writes only pixels that change, by an instruction that takes longer.
        nearest[column] = min(nearest[column], labelled) + 0.0


@inline
def _clear(nearest: Floats) -> None:
    for column in range(len(nearest)):
        nearest[column] = np.inf


@inline
def _show(nearest: Floats, parts: Bytes) -> None:
    """Write the labels of a row. The last bits of infinity are 0, which is no part."""
    for column in range(len(parts)):
        label = np.float64(nearest[column]).view(np.int64) & 255
        parts[column] = np.uint8(label | (parts[column] & (255 * np.int64(label == 0))))


@inline
def _claim(nearest: Floats, instances: Bytes, instance: int) -> None:
    """Write a person's number where a row has labels."""
    for column in range(len(instances)):
        covered = 255 * np.int64(nearest[column] < np.inf)
        instances[column] = np.uint8((instance & covered) | (instances[column] & (255 - covered)))
