"""The walk of a batch of queries through an index: tile by tile, so that views are read once a batch.

Each query first visits the few tiles whose centres are nearest, to learn how near its neighbours are. Then
all queries go through the tiles in the order in which they lie in memory; a query enters a tile, and
scores a block in it, only if the cone around it may hold one of the query's k nearest.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from posecorpus.pseudogt.search.exact import offer, squared_distance
from posecorpus.pseudogt.search.jit import fused_kernel, kernel
from posecorpus.pseudogt.search.scan import LANES, SLACK, UNIT_ROUNDOFF, bounds, cones, dot, squared_norms

SEEDS = 3
ANYTHING, NEVER = np.float32(-4), np.float32(-9)
"""A floor below any score, and a limit below that."""

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]
Ints = NDArray[np.int64]
Int = int | np.integer[Any]


class Tree(NamedTuple):
    """M views of J joints in B blocks, blocks in T tiles, tiles in R rows; see :mod:`...search.layout`.

    Attributes:
        views: (M, J, 2) float32 as given.
        groups: (M,) int32, or (0,) if there are none.
        order: (B, LANES) int32 numbers of a block's views, -1 where it is not full.
        members: (B, 2 J, LANES) float32, these views centred and normalised on all joints.
        first: (T + 1,) int64 first block of each tile.
        centres, radii: (T, 2 J, LANES) and (T, J + 1, LANES) float32 of each tile's blocks.
        tile_centres, tile_radii: (R, 2 J, LANES) and (R, J + 1, LANES) float32 of the tiles.
    """

    views: Floats
    groups: NDArray[np.int32]
    order: NDArray[np.int32]
    members: Floats
    first: Ints
    centres: Floats
    radii: Floats
    tile_centres: Floats
    tile_radii: Floats


def read_only(tree: Tree) -> Tree:
    """The same arrays, which cannot be written through it: so kernels are compiled for one kind of array,
    whether an index was built or mapped from a file."""
    arrays: list[Any] = [array.view() for array in tree]
    for array in arrays:
        array.flags.writeable = False
    return Tree(*arrays)


class Joints(NamedTuple):
    """A mask's annotated joints, the others, and the annotated made even in number by one of weight 0."""

    on: Ints
    off: Ints
    even: Ints


class Scratch(NamedTuple):
    """What a walk writes and forgets: block cones (3, LANES), bounds (LANES,), the norms of a tile's views
    under a mask (LANES, LANES) and which of them are there (LANES,), rows (4, LANES) of anything."""

    cone: Floats
    limits: Floats
    norms2: Floats
    known: NDArray[np.bool_]
    rows: Floats


@kernel
def _joints(mask: NDArray[np.bool_]) -> Joints:
    on, off = np.flatnonzero(mask), np.flatnonzero(~mask)
    even = np.zeros(len(on) + len(on) % 2, np.int64)
    even[: len(on)] = on
    return Joints(on, off, even)


@kernel
def _floor(worst: float) -> np.float32:
    """The score that a view needs to be among the k, safely rounded; ANYTHING while a negative one may do."""
    floor = np.float32(1 - worst / 2) - np.float32(2e-7)
    return floor if floor > 0 else ANYTHING


@fused_kernel
def _may_be_near(scores: Floats, norms2: Floats, floor: np.float32, error: np.float32, out: Floats) -> int:
    """How many of LANES views may have a score of at least ``floor``; out[i] >= 0 for these."""
    count = 0
    for i in range(LANES):
        s = max(scores[i] + error, np.float32(0))
        out[i] = s * s - floor * floor * (norms2[i] - error)
        count += out[i] >= 0
    return count


@fused_kernel
def _visit(
    tree: Tree,
    tile: Int,
    joints: Joints,
    weights: Floats,
    unit: Doubles,
    excluded: Int,
    error: np.float32,
    scratch: Scratch,
    best: Doubles,
    best_views: Ints,
) -> None:
    """Offer a query the views of a tile; the scratch's cone and norms are of this tile and mask."""
    scores, passing, sums = scratch.rows[0], scratch.rows[1], scratch.rows[2:]
    bounds(tree.centres[tile], scratch.cone, joints.even, weights, error, passing, scratch.limits)
    for i in range(tree.first[tile + 1] - tree.first[tile]):
        floor = _floor(best[0])
        if scratch.limits[i] < floor - SLACK:
            continue
        block = tree.first[tile] + i
        dot(tree.members[block], joints.even, weights, scores)
        if not scratch.known[i]:
            squared_norms(tree.members[block], joints.on, joints.off, scratch.norms2[i], sums)
            scratch.known[i] = True
        if floor > 0 and _may_be_near(scores, scratch.norms2[i], floor, error, passing) == 0:
            continue
        for lane in range(LANES):
            view = int(tree.order[block, lane])
            if view < 0 or (floor > 0 and passing[lane] < 0):
                continue
            if excluded >= 0 and tree.groups[view] == excluded:
                continue
            distance = squared_distance(tree.views[view], joints.on, unit)
            if distance < np.inf:
                offer(distance, view, best, best_views)


@fused_kernel
def _enter(
    tree: Tree, tile: Int, joints: Joints, share: np.float32, error: np.float32, scratch: Scratch
) -> None:
    """Make the scratch ready for a tile under a mask."""
    cones(tree.centres[tile], tree.radii[tile], joints.on, share, error, scratch.cone, scratch.rows)
    scratch.known[:] = False


@fused_kernel
def _limits_of_tiles(
    tree: Tree, cone: Floats, joints: Joints, weights: Floats, error: np.float32, out: Floats, angles: Floats
) -> None:
    """Bounds of all tiles and cosines of the angles to their centres; NEVER where there is no tile."""
    for row in range(len(tree.tile_centres)):
        part = slice(row * LANES, (row + 1) * LANES)
        bounds(tree.tile_centres[row], cone[row], joints.even, weights, error, angles[part], out[part])
    out[len(tree.centres) :] = NEVER
    angles[len(tree.centres) :] = NEVER


@fused_kernel
def walk(
    tree: Tree,
    masks: NDArray[np.bool_],
    starts: Ints,
    units: Doubles,
    excluded: Ints,
    share: np.float32,
    best: Doubles,
    best_views: Ints,
) -> None:
    """Find the k nearest views of N queries, sorted by mask.

    Args:
        masks: (G, J) the different masks; starts: (G + 1,) first query of each.
        units: (N, J, 2) normalised queries.
        excluded: (N,) group to leave out, negative for none.
        share: what radii are multiplied by: 1 is exact.
        best, best_views: (N, k) squared distances and views, inf and NO_VIEW at first; become heaps.
    """
    total, width, rows = len(units), units.shape[1], len(tree.tile_centres)
    error = np.float32((4 * width + 16) * UNIT_ROUNDOFF)
    limits = np.empty((total, rows * LANES), np.float32)
    angles = np.empty(rows * LANES, np.float32)
    weights = np.zeros((total, 2 * width + 2), np.float32)
    on_joints = np.zeros((total, width, 2), np.float64)
    cone = np.empty((rows, 3, LANES), np.float32)
    scratch = Scratch(
        np.empty((3, LANES), np.float32),
        np.empty(LANES, np.float32),
        np.empty((LANES, LANES), np.float32),
        np.zeros(LANES, np.bool_),
        np.empty((4, LANES), np.float32),
    )
    of_mask = [_joints(mask) for mask in masks]
    for mask in range(len(masks)):
        joints = of_mask[mask]
        for row in range(rows):
            cones(
                tree.tile_centres[row], tree.tile_radii[row], joints.on, share, error, cone[row], scratch.rows
            )
        for query in range(starts[mask], starts[mask + 1]):
            for g in range(len(joints.on)):
                for axis in range(2):
                    weights[query, 2 * g + axis] = units[query, joints.on[g], axis]
                    on_joints[query, g, axis] = units[query, joints.on[g], axis]
            _limits_of_tiles(tree, cone, joints, weights[query], error, limits[query], angles)
            for _ in range(min(SEEDS, len(tree.centres))):
                tile = int(np.argmax(angles))
                angles[tile] = limits[query, tile] = NEVER
                _enter(tree, tile, joints, share, error, scratch)
                _visit(
                    tree,
                    tile,
                    joints,
                    weights[query],
                    on_joints[query],
                    excluded[query],
                    error,
                    scratch,
                    best[query],
                    best_views[query],
                )
    for tile in range(len(tree.centres)):
        for mask in range(len(masks)):
            entered = False
            for query in range(starts[mask], starts[mask + 1]):
                if limits[query, tile] < _floor(best[query, 0]) - SLACK:
                    continue
                if not entered:
                    _enter(tree, tile, of_mask[mask], share, error, scratch)
                    entered = True
                _visit(
                    tree,
                    tile,
                    of_mask[mask],
                    weights[query],
                    on_joints[query],
                    excluded[query],
                    error,
                    scratch,
                    best[query],
                    best_views[query],
                )
