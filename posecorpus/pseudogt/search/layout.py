"""Views laid out for the walk: blocks of views, tiles of blocks, and what bounds each."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from posecorpus.pseudogt.search.normalise import normalise_views
from posecorpus.pseudogt.search.scan import LANES
from posecorpus.pseudogt.search.walk import Tree

WIDEN = 1 + 1e-5
"""Radii are kept a little too long, so that rounding to float32 cannot make them too short."""

BOUNDLESS = 1e9
"""Radius of a group that no cone narrower than a half-space holds."""


def lay_out(
    views: NDArray[np.float32],
    groups: NDArray[np.int32],
    order: NDArray[np.int32],
    first: NDArray[np.int64],
) -> Tree:
    """Lay (M, J, 2) views out in the blocks and tiles that :func:`partition` found."""
    width, tiles = 2 * views.shape[1], len(first) - 1
    padded = -(-tiles // LANES) * LANES
    members = np.zeros((len(order), width, LANES), np.float32)
    centres, radii = _empty(tiles, width, LANES)
    tile_centres, tile_radii = _empty(1, width, padded)
    for tile in range(tiles):
        numbers = order[first[tile] : first[tile + 1]]
        on = numbers >= 0
        unit = normalise_views(views[np.maximum(numbers, 0).ravel()]).reshape(*numbers.shape, width)
        unit[~on] = 0
        members[first[tile] : first[tile + 1]] = unit.transpose(0, 2, 1)
        part = slice(0, len(numbers))
        centres[tile, :, part], radii[tile, :, part] = _balls(unit, on)
        whole = _balls(unit.reshape(1, -1, width), on.reshape(1, -1))
        tile_centres[0, :, tile], tile_radii[0, :, tile] = whole[0][:, 0], whole[1][:, 0]
    return Tree(
        views,
        groups,
        order,
        members,
        first,
        centres,
        radii,
        _in_rows(tile_centres[0]),
        _in_rows(tile_radii[0]),
    )


def _empty(count: int, width: int, lanes: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    radii = np.full((count, width // 2 + 1, lanes), BOUNDLESS, np.float32)
    return np.zeros((count, width, lanes), np.float32), radii


def _balls(
    unit: NDArray[np.float32], on: NDArray[np.bool_]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Centres (2 J, N) and radii (J + 1, N) of N groups of views (N, K, 2 J), of which ``on`` (N, K) count.

    A view may be scaled, for that does not change its direction under any mask: it is scaled to
    where it is nearest to the centre, so that the whole radius is the sine of the true angle times |c|.
    """
    centre = (unit.sum(1, dtype=np.float64) / on.sum(1)[:, None]).astype(np.float32)
    c = centre.astype(np.float64)
    along = np.einsum("nkd,nd->nk", unit, c)
    apart = along[..., None] * unit - c[:, None]
    squares = (apart.reshape(*on.shape, -1, 2) ** 2).sum(-1)
    squares[~on] = 0
    radii = np.concatenate([squares.max(1), squares.sum(-1).max(1)[:, None]], 1)
    radii = np.sqrt(radii) * WIDEN + 1e-7
    radii[(on & (along <= 0)).any(1)] = BOUNDLESS
    return centre.T, radii.astype(np.float32).T


def _in_rows(columns: NDArray[np.float32]) -> NDArray[np.float32]:
    """(N, R LANES) to (R, N, LANES)."""
    return np.ascontiguousarray(columns.reshape(len(columns), -1, LANES).transpose(1, 0, 2))
