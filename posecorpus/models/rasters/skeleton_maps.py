"""Skeleton maps drawn in torch, for training that asks for them on the fly (DeepSkeleton, sections 3.1 and 3.2).

The same maps as ``posecorpus.pseudogt.skeleton_maps`` draws, batched and on any device: geometry in float64, one
span a row for each stick, added up along the rows as bits; depths are compared only where sticks meet.
"""

from __future__ import annotations

from functools import cache
from itertools import combinations

import numpy as np
import torch
from torch import Tensor

from posecorpus.core.errors import InputError
from posecorpus.core.skeletons import Skeleton
from posecorpus.core.sticks import (
    COMMON_END,
    FAR_PX,
    MOST_SOURCES,
    NEAR_M,
    PALETTE_TABLE,
    POINT_PX,
    POINTS,
    STICK_ENDS,
    STICKS,
    stick_sources,
)


def skeleton_maps(
    joints3d: Tensor, K: Tensor, skeleton: Skeleton, windows: Tensor, size: int, stick_px: Tensor | float
) -> tuple[Tensor, Tensor]:
    """Draw a batch of skeleton maps, one person each.

    Args:
        joints3d: (N, J, 3) metres in the camera frame; a missing joint (NaN) leaves its sticks out.
        K: (N, 3, 3) or (3, 3) intrinsics of the image, pixels; last row 0 0 1.
        skeleton: the joint set.
        windows: (N, 4) or (4,) x0, y0, x1, y1 of the image that each map covers, pixels; may stick out.
        size: S, pixels a side of the maps.
        stick_px: width of the sticks in pixels of the MAP, one or (N,).

    Returns:
        foreground and background (N, S, S) uint8 on the device of ``joints3d``: ids of ``STICKS`` (index + 1),
        0 = none. No gradient passes through them.

    Raises:
        InputError: joints that are not of the skeleton.
    """
    if joints3d.ndim != 3 or joints3d.shape[1:] != (len(skeleton), 3):
        raise InputError("skeleton maps", f"joints of shape (N, {len(skeleton)}, 3)", tuple(joints3d.shape))
    with torch.no_grad():
        count, device = len(joints3d), joints3d.device
        intrinsics = K.to(device, torch.float64).expand(count, 3, 3)
        boxes = windows.to(device, torch.float64).expand(count, 4)
        width = torch.as_tensor(stick_px, dtype=torch.float64, device=device).expand(count)
        points = _project(_stick_points(joints3d, skeleton), intrinsics, boxes, size)
        segments = _Segments(points)
        covered = _cover(segments, width / 2, size)
        foreground = _constant("single", joints3d.device)[covered]
        background = foreground.clone()
        met = (covered & (covered - 1) != 0).nonzero(as_tuple=True)
        foreground[met], background[met] = _resolve(met, covered[met], segments, points, COMMON_END * width)
    return foreground, background


def colour(ids: Tensor) -> Tensor:
    """Stick ids (..., S, S) uint8 to RGB (..., 3, S, S) uint8: what DeepSkeleton regresses, channels first."""
    return _constant("palette", ids.device)[ids.long()].movedim(-1, -3)


@cache
def _constant(name: str, device: torch.device) -> Tensor:
    """Small tables, once on each device."""
    bits = 1 << np.arange(len(STICKS))
    single = np.zeros(1 << len(STICKS), np.uint8)
    single[bits] = np.arange(1, len(STICKS) + 1)
    tables = {
        "bits": bits.astype(np.int32),
        "single": single,  # bits of the sticks that cover a pixel -> the id, where it is only one
        "ends": STICK_ENDS,
        "palette": PALETTE_TABLE,
    }
    return torch.tensor(tables[name], device=device)


def _stick_points(joints: Tensor, skeleton: Skeleton) -> Tensor:
    """(N, J, 3) to the (N, 16, 3) ends of sticks, float64."""
    indices, weights = (torch.tensor(table, device=joints.device) for table in stick_sources(skeleton))
    values = torch.where(joints.isfinite(), joints, torch.nan).double()
    result = weights[:, :1] * values[:, indices[:, 0]]
    for k in range(1, MOST_SOURCES):
        result = result + weights[:, k : k + 1] * values[:, indices[:, k]]
    return result


def _project(points: Tensor, K: Tensor, windows: Tensor, size: int) -> Tensor:
    """Camera-frame points (N, 16, 3) to homogeneous pixels of the map: x z, y z, z."""
    low, high = windows[:, None, :2], windows[:, None, 2:]
    pixels = points @ K.mT
    depth = points[..., 2:]
    return torch.cat([(pixels[..., :2] - low * depth) * (size / (high - low)), depth], -1)


class _Segments:
    """The parts of bones before the near plane, seen in the map.

    Attributes:
        start, end: (N, 15, 2) pixels.
        direction: (N, 15, 2) unit vector, 0 for a bone that is seen as a point.
        length: (N, 15) pixels.
        nearness: (N, 15, 2) 1/z at both ends.
        valid: (N, 15) whether there is anything to see.
    """

    def __init__(self, points: Tensor) -> None:
        ends = points[:, _constant("ends", points.device)]
        a, b = ends.unbind(2)
        seen = ends.isfinite().all(-1).all(-1) & (ends[..., 2].amax(-1) >= NEAR_M)
        a, b = _clip(a, b), _clip(b, a)
        self.start, self.end = a[..., :2] / a[..., 2:], b[..., :2] / b[..., 2:]
        self.valid = seen & (torch.cat([self.start, self.end], -1).abs() <= FAR_PX).all(-1)
        step = self.end - self.start
        length = step.square().sum(-1).sqrt()
        point = length < POINT_PX
        self.length = torch.where(point, 0.0, length)
        self.direction = torch.where(point[..., None], 0.0, step / length[..., None])
        nearness = torch.stack([1 / a[..., 2], 1 / b[..., 2]], -1)
        self.nearness = torch.where(point[..., None], nearness.amax(-1, keepdim=True), nearness)


def _clip(a: Tensor, b: Tensor) -> Tensor:
    """Ends ``a`` (..., 3), moved along the way to ``b`` onto the near plane if they are behind it."""
    share = (NEAR_M - a[..., 2]) / (b[..., 2] - a[..., 2])
    moved = a + share[..., None] * (b - a)
    moved[..., 2] = NEAR_M
    return torch.where((a[..., 2] < NEAR_M)[..., None], moved, a)


def _cover(segments: _Segments, radius: Tensor, size: int) -> Tensor:
    """(N, S, S) int32: bit i is set where stick i covers the pixel."""
    low, high = _spans(segments, radius[:, None, None], size)
    first = (low - 0.5).clamp(0, size).ceil().long()
    beyond = (high + 0.5).clamp(0, size).floor().long()
    empty = ~(segments.valid[..., None] & (low <= high) & (first < beyond))
    first, beyond = first.masked_fill(empty, 0), beyond.masked_fill(empty, 0)
    steps = torch.zeros(len(low), size, size + 1, dtype=torch.int32, device=low.device)
    bits = _constant("bits", low.device).expand(len(low), size, -1)
    steps.scatter_add_(2, first.mT, bits).scatter_add_(2, beyond.mT, -bits)
    # A stick has one span a row, so its bit is added and taken away once: sums of bits are sets of them.
    return steps.cumsum(2, dtype=torch.int32)[..., :size]


def _spans(segments: _Segments, radius: Tensor, size: int) -> tuple[Tensor, Tensor]:
    """(N, 15, S) where each row enters and leaves each stick: two discs and the rectangle between them."""
    y = torch.arange(size, dtype=torch.float64, device=radius.device) + 0.5
    ax, ay, bx, by = (v[..., None] for v in torch.cat([segments.start, segments.end], -1).unbind(-1))
    ux, uy = (v[..., None] for v in segments.direction.unbind(-1))
    length, dy = segments.length[..., None], y - ay
    low, high = _disc(ax, dy, radius)
    low_b, high_b = _disc(bx, y - by, radius)
    # Across the bone: |x uy - dy ux| <= radius. Along it: 0 <= x ux + dy uy <= length. x counts from its start.
    enter, leave = _strip(dy * ux - radius, dy * ux + radius, uy)
    enter_along, leave_along = _strip(-dy * uy, length - dy * uy, ux)
    enter, leave = torch.maximum(enter, enter_along), torch.minimum(leave, leave_along)
    inside = (enter <= leave) & (length > 0)
    low = torch.minimum(low, low_b).minimum(torch.where(inside, ax + enter, torch.inf))
    high = torch.maximum(high, high_b).maximum(torch.where(inside, ax + leave, -torch.inf))
    return low, high


def _disc(x: Tensor, dy: Tensor, radius: Tensor) -> tuple[Tensor, Tensor]:
    half = (radius.square() - dy.square()).sqrt()  # NaN in rows that miss the disc
    missed = half.isnan()
    return (x - half).masked_fill(missed, torch.inf), (x + half).masked_fill(missed, -torch.inf)


def _strip(low: Tensor, high: Tensor, slope: Tensor) -> tuple[Tensor, Tensor]:
    """Solutions x of low <= slope x <= high, as an interval; all or none where the slope is 0."""
    p, q = low / slope, high / slope
    flat = slope == 0
    nothing = (low > 0) | (high < 0)
    all_or_none = torch.where(nothing, torch.inf, -torch.inf)
    enter = torch.where(flat, all_or_none, torch.minimum(p, q))
    leave = torch.where(flat, -all_or_none, torch.maximum(p, q))
    return enter, leave


def _resolve(
    met: tuple[Tensor, ...], bits: Tensor, segments: _Segments, points: Tensor, reach: Tensor
) -> tuple[Tensor, Tensor]:
    """Ids of the nearest and the farthest stick at pixels (M,) that several cover.

    Sums over x, y and sticks are written out: reductions over so few elements are slow.

    Args:
        met: map, row and column of the pixels.
        bits: (M,) the sticks that cover them.
    """
    n, row, column = met
    x, y = column + 0.5, row.double() + 0.5
    ux, uy = segments.direction.mT[n].unbind(1)
    stay = _settle(bits, _winners(n, x, y, ux, uy, bits, points, reach))
    ax, ay = segments.start.mT[n].unbind(1)
    length = segments.length[n]
    along = ((x[:, None] - ax) * ux + (y[:, None] - ay) * uy) / length
    share = torch.where(length > 0, along.clamp(0, 1), 0.0)
    near_a, near_b = segments.nearness.mT[n].unbind(1)
    nearness = (1 - share) * near_a + share * near_b
    gone = stay[:, None] & _constant("bits", stay.device) == 0
    front = nearness.masked_fill(gone, -torch.inf).argmax(-1) + 1
    back = nearness.masked_fill(gone, torch.inf).argmin(-1) + 1
    return front.to(torch.uint8), back.to(torch.uint8)


def _winners(
    n: Tensor, x: Tensor, y: Tensor, ux: Tensor, uy: Tensor, bits: Tensor, points: Tensor, reach: Tensor
) -> list[Tensor]:
    """For each stick (M,) int32: the bits of those to which it yields the pixel, at a joint they share."""
    joints = torch.where(points[..., 2:] >= NEAR_M, points[..., :2] / points[..., 2:], torch.nan)
    limit = reach.square()[n]
    winners = [torch.zeros_like(bits) for _ in STICKS]
    for joint in range(len(POINTS)):
        jx, jy = joints[n, joint].unbind(-1)
        dx, dy = x - jx, y - jy
        close = bits.masked_fill(~(dx * dx + dy * dy <= limit), 0)
        along = {
            i: (dx * ux[:, i] + dy * uy[:, i]) * (1 if STICK_ENDS[i, 0] == joint else -1)
            for i in [i for i, ends in enumerate(STICK_ENDS.tolist()) if joint in ends]
        }
        for i, j in combinations(along, 2):
            both = (close >> i) & (close >> j) & 1
            first = along[i] >= along[j]
            winners[j] |= (both & first) << i
            winners[i] |= (both & ~first) << j
    return winners


def _settle(bits: Tensor, winners: list[Tensor]) -> Tensor:
    """(M,) bits of the sticks that stay: those over which none that stays wins."""
    stay = bits
    while True:
        yields = torch.zeros_like(bits)
        for i, over in enumerate(winners):
            yields |= (over & stay != 0).int() << i
        after = bits & ~yields
        if torch.equal(after, stay):
            return stay
        stay = after
