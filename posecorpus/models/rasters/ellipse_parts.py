"""Ellipse part masks drawn in torch, for training that asks for them on the fly (DMHS, section 4.1).

The same masks as ``posecorpus.pseudogt.ellipse_parts`` draws, batched and on any device. Geometry in float64: each row of
each ellipse is a span of pixels; all spans of a batch become one list of fragments, and each pixel takes
its nearest fragment. The work grows with the pixels that ellipses cover, not with the size of the masks.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from posecorpus.core.ellipses import MEASURES, ShapePlan
from posecorpus.core.errors import InputError


@dataclass(frozen=True)
class _Placed:
    """Ellipses of M people: fields (M, S), as the kernel's of pseudogt; ``along`` is 0 where a shape is left out."""

    x: Tensor
    y: Tensor
    ux: Tensor
    uy: Tensor
    along: Tensor
    across: Tensor
    z: Tensor
    slope: Tensor
    thickness: Tensor


def ellipse_parts(
    joints2d: Tensor,
    joints3d: Tensor | None,
    plan: ShapePlan,
    height: int,
    width: int,
    windows: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """Draw the people of a batch of images.

    Args:
        joints2d: (N, P, J, 2) pixels, NaN where unlabelled; absent people are NaN throughout.
        joints3d: (N, P, J, 3) metres in the camera frame, or None; see :mod:`posecorpus.core.ellipses`.
        plan: the shapes for the joints' skeleton.
        height, width: of the masks.
        windows: (N, 4) or (4,) x0, y0, x1, y1 of what a mask covers, pixels; default 0, 0, width, height.

    Returns:
        (N, height, width) uint8 part ids on the device of ``joints2d``, and instances: i + 1 for person i. No gradient
        passes through them.

    Raises:
        InputError: joints that do not agree with each other or the plan.
    """
    if joints2d.ndim != 4 or joints2d.shape[-1] != 2 or joints2d.shape[2] <= int(plan.points.max()):
        raise InputError(
            "ellipses: joints2d", "shape (N, P, J, 2) with the plan's joints", tuple(joints2d.shape)
        )
    if joints2d.shape[1] > 255:
        raise InputError("ellipses: joints2d", "at most 255 people an image", joints2d.shape[1])
    if joints3d is not None and joints3d.shape != (*joints2d.shape[:3], 3):
        raise InputError("ellipses: joints3d", f"shape {(*joints2d.shape[:3], 3)}", tuple(joints3d.shape))
    with torch.no_grad():
        images, count, joints = joints2d.shape[:3]
        if not images * count:
            empty = torch.zeros((images, height, width), dtype=torch.uint8, device=joints2d.device)
            return empty, empty.clone()
        flat = joints2d.reshape(-1, joints, 2).double()
        lifted = None if joints3d is None else joints3d.reshape(-1, joints, 3).double()
        placed, rank = _place(flat, lifted, plan, count)
        if windows is None:
            windows = torch.tensor([0, 0, width, height], device=flat.device)
        boxes = windows.to(flat.device, torch.float64).expand(images, 4)
        labels = torch.as_tensor(plan.labels, device=flat.device)
        return _paint(placed, rank, labels, boxes, count, height, width)


def _place(joints2d: Tensor, joints3d: Tensor | None, plan: ShapePlan, count: int) -> tuple[_Placed, Tensor]:
    """Ellipses of (M, J, 2) joints, and (M,) how many people of the image are nearer than each."""
    device = joints2d.device
    labelled = joints2d.isfinite().all(-1)
    if joints3d is None:
        joints3d = joints2d.new_zeros((*joints2d.shape[:2], 3))
        by_depth = labelled.new_zeros(len(labelled))
    else:
        by_depth = (joints3d.isfinite().all(-1) | ~labelled).all(-1) & labelled.any(-1)
    joints3d = torch.where((labelled & by_depth[:, None])[..., None], joints3d, 0.0)
    mean_z = joints3d[..., 2].sum(-1) / labelled.sum(-1).clamp(min=1)

    points = torch.as_tensor(plan.points, device=device)
    spots = torch.cat([joints2d, joints3d], dim=-1)[:, points.clamp(min=0)].mean(dim=-2)  # (M, points, A, 5)
    usable = spots[..., :2].isfinite().all(-1) & (points[..., 0] >= 0)
    known = usable.any(-1)
    spots = torch.take_along_dim(spots, _first_true(usable)[..., None, None], dim=2).squeeze(2)

    size, size_m, by_depth = _sizes(spots, known, by_depth, plan)
    ends, measures = _chosen_forms(known, plan)
    rank = _ranks(by_depth, mean_z, size, count)
    return _ellipses(spots, ends, measures, size, size_m, by_depth), rank


def _first_true(flags: Tensor) -> Tensor:
    """Index of the first True along the last axis; 0 where there is none."""
    preference = torch.arange(flags.shape[-1], 0, -1, device=flags.device)
    return (flags * preference).argmax(-1)


def _sizes(spots: Tensor, known: Tensor, by_depth: Tensor, plan: ShapePlan) -> tuple[Tensor, Tensor, Tensor]:
    """(M,) sizes in pixels and metres, and who is drawn by depth."""
    references = torch.as_tensor(plan.references, device=spots.device)
    proportions = torch.as_tensor(plan.proportions, device=spots.device)
    there = known[:, references].all(-1)
    offset = torch.where(there[..., None], spots[:, references[:, 1]] - spots[:, references[:, 0]], 0.0)
    share = torch.where(there, proportions, 0.0).sum(-1)
    size_m = offset[..., 2:].norm(dim=-1).sum(-1) / share
    product = (offset[..., :2] * offset[..., 2:4]).sum((-1, -2))
    square = offset[..., 2:4].square().sum((-1, -2))
    size = size_m * (product / square)
    by_depth = by_depth & (square > 0) & (product > 0) & size.isfinite()

    ratio = torch.where(there, torch.hypot(offset[..., 0], offset[..., 1]) / proportions, -1.0)
    largest = ratio.topk(2, dim=-1).values
    flat = torch.where(there.sum(-1) > 1, largest[:, 1], largest[:, 0]).clamp(min=0)
    size = torch.where(by_depth, size, torch.where(flat.isfinite(), flat, 0.0))
    return size, torch.where(by_depth, size_m, 0.0), by_depth


def _chosen_forms(known: Tensor, plan: ShapePlan) -> tuple[Tensor, Tensor]:
    """(M, S, 2) points of the form that is drawn of each shape, -1 for none, and its (M, S, 5) constants."""
    ends = torch.as_tensor(plan.ends, device=known.device)
    measures = torch.as_tensor(plan.measures, device=known.device)
    start = known[:, ends[..., 0].clamp(min=0)] & (ends[..., 0] >= 0)
    end = known[:, ends[..., 1].clamp(min=0)] | (ends[..., 1] < 0)
    pick = _first_true(start & end)
    shapes = torch.arange(len(ends), device=known.device)
    chosen = torch.where((start & end).any(-1)[..., None], ends[shapes, pick], -1)
    return chosen, measures[shapes, pick]


def _ranks(by_depth: Tensor, mean_z: Tensor, size: Tensor, count: int) -> Tensor:
    """(M,) 0 for the person that covers all others of its image."""
    drawn = size > 0
    ordered = (by_depth | ~drawn).reshape(-1, count).all(-1).repeat_interleave(count)
    key = torch.where(ordered, mean_z, -size)
    order = torch.where(drawn, key, torch.inf).reshape(-1, count).argsort(dim=-1, stable=True)
    return order.argsort(dim=-1).reshape(-1)


def _ellipses(
    spots: Tensor, ends: Tensor, measures: Tensor, size: Tensor, size_m: Tensor, by_depth: Tensor
) -> _Placed:
    there = ends[..., 0] >= 0
    first = ends[..., 0].clamp(min=0)
    last = torch.where(ends[..., 1] >= 0, ends[..., 1], first)
    start = torch.take_along_dim(spots, first[..., None], dim=1)
    step = torch.take_along_dim(spots, last[..., None], dim=1) - start
    radius, stretch, centre, cap, bulge = (measures[..., MEASURES.index(name)] for name in MEASURES)
    segment = torch.hypot(step[..., 0], step[..., 1])
    half, half_z, cap = stretch * segment / 2, stretch * step[..., 4] / 2, cap * size[:, None]
    along, across = torch.hypot(half, cap), radius * size[:, None]
    there &= (along > 0) & along.isfinite() & (across > 0)
    is_long = segment > 0
    order = torch.arange(ends.shape[1], device=ends.device, dtype=torch.float64)
    deep = by_depth[:, None]
    return _Placed(
        x=start[..., 0] + centre * step[..., 0],
        y=start[..., 1] + centre * step[..., 1],
        ux=torch.where(is_long, step[..., 0] / segment, 1.0),
        uy=torch.where(is_long, step[..., 1] / segment, 0.0),
        along=torch.where(there, along, 0.0),
        across=across,
        z=torch.where(deep, start[..., 4] + centre * step[..., 4], -order),
        slope=torch.where(deep, half * half_z / (along * along), 0.0),
        thickness=torch.where(deep, torch.hypot(bulge * size_m[:, None], half_z * cap / along), 0.0),
    )


def _paint(
    placed: _Placed, rank: Tensor, labels: Tensor, boxes: Tensor, count: int, height: int, width: int
) -> tuple[Tensor, Tensor]:
    images, device = len(boxes), boxes.device
    person, shape = (placed.along > 0).nonzero(as_tuple=True)
    e = _Placed(**{name: value[person, shape][:, None] for name, value in vars(placed).items()})
    box = boxes[person // count][:, :, None]
    step_x, step_y = (box[:, 2] - box[:, 0]) / width, (box[:, 3] - box[:, 1]) / height

    rise = torch.hypot(e.along * e.uy, e.across * e.ux)
    tilt = e.ux * e.uy * (e.along - e.across) * (e.along + e.across) / rise.square()
    spread = e.along / rise * e.across / rise
    dy = box[:, 1] + (torch.arange(height, device=device) + 0.5) * step_y - e.y
    half = spread * ((rise - dy) * (rise + dy)).clamp(min=0).sqrt()
    left, right = ((e.x + dy * tilt + sign * half - box[:, 0]) / step_x - 0.5 for sign in (-1, 1))
    start = left.clamp(0, width).ceil().long()
    length = (right.clamp(-1, width - 1).floor().long() + 1 - start).clamp(min=0)
    length = torch.where(dy.abs() <= rise, length, 0)

    span = torch.arange(length.numel(), device=device).repeat_interleave(length.flatten())
    before = length.flatten().cumsum(0) - length.flatten()
    column = start.flatten()[span] + torch.arange(len(span), device=device) - before[span]
    owner, row = span // height, span % height
    pixel = (person[owner] // count * height + row) * width + column

    dx = (box[:, 0] + 0.5 * step_x - e.x)[owner, 0] + column * step_x[owner, 0]
    off = dx - (dy * tilt).flatten()[span]
    bend = (e.thickness / spread / rise)[owner, 0]
    depth = (e.z + e.slope * e.uy * dy).flatten()[span] + (e.slope * e.ux)[owner, 0] * dx
    depth = depth - bend * (half.square().flatten()[span] - off.square()).clamp(min=0).sqrt()

    total = images * height * width
    kept = torch.arange(len(span), device=device)
    for key in (
        rank[person][owner],
        depth,
        shape[owner],
    ):  # nearest person, then surface, then first of the table
        chosen = key[kept]
        lowest = torch.zeros(total, dtype=key.dtype, device=device)
        lowest.scatter_reduce_(0, pixel[kept], chosen, "amin", include_self=False)
        kept = kept[chosen == lowest[pixel[kept]]]
    parts = torch.zeros(total, dtype=torch.uint8, device=device)
    instances = torch.zeros_like(parts)
    parts[pixel[kept]] = labels[shape[owner[kept]]]
    instances[pixel[kept]] = (person[owner[kept]] % count + 1).to(torch.uint8)
    return parts.reshape(images, height, width), instances.reshape(images, height, width)
