"""How well drawn ellipses agree with rendered part masks: IoU a part, pooled over images.

Rendered truth has no joint blobs (Human3.6M's hips, knees and elbows): it cannot say where a knee ends. A joint is
therefore merged into the parts it lies between. A pixel drawn as a knee counts for thigh or calf, whichever the truth
has there, and for the thigh where the truth has neither; the knee's own figure is the IoU of the whole: drawn thigh,
knee and calf against true thigh and calf.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar, cast

import numba
import numpy as np
from numpy.typing import NDArray

from posecorpus.core.ellipses import EllipseConstants, plan_shapes
from posecorpus.core.parts import SMPL_24_PARTS, PartTaxonomy, merge_table
from posecorpus.core.sample import Sample
from posecorpus.core.skeletons import FULL_42, Skeleton, convert, skeleton
from posecorpus.pseudogt.ellipse_parts.draw import draw_batch

UNKNOWN = 255
"""Truth of pixels outside the image; they do not count."""
SIDE = 96
MARGIN = 1.25
CHUNK = 32
JOINS: Mapping[str, tuple[str, ...]] = {
    "hip": ("thigh", "crotch"),
    "knee": ("thigh", "calf"),
    "elbow": ("arm", "forearm"),
}
"""The parts between which a joint lies; the first takes pixels that are neither's."""

F = TypeVar("F", bound=Callable[..., object])


@dataclass(frozen=True)
class Truth:
    """Renders to fit to, on a common lattice of pixels around their people.

    Attributes:
        joints2d, joints3d: (N, P, 42, 2) pixels and (N, P, 42, 3) metres of ``full_42``, NaN where unlabelled.
        windows: (N, 4) what the lattice covers; its points are pixel centres of the image.
        parts: (N, SIDE, SIDE) uint8 ids of ``smpl_24``; 255 outside the image.
    """

    joints2d: NDArray[np.float64]
    joints3d: NDArray[np.float64]
    windows: NDArray[np.float64]
    parts: NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.parts)

    def pick(self, which: NDArray[np.intp] | slice) -> Truth:
        """Some of the renders."""
        return Truth(self.joints2d[which], self.joints3d[which], self.windows[which], self.parts[which])


@dataclass(frozen=True)
class Drawing:
    """What is known of the people when they are drawn.

    Attributes:
        skeleton: the joints there are.
        without: joints of it that are taken away.
        depth: whether their 3D is known.
    """

    skeleton: Skeleton = FULL_42
    without: tuple[str, ...] = ()
    depth: bool = True

    def __str__(self) -> str:
        missing = f" without {', '.join(self.without)}" if self.without else ""
        return f"{self.skeleton.name}{missing}{'' if self.depth else ', fixed order'}"


def read_truth(samples: Iterable[Sample]) -> Truth:
    """Gather renders that show somebody and whose people have 2D, 3D and ``smpl_24`` parts."""
    usable = [s for s in samples if s.people and s.parts is not None and (s.parts > 0).any()]
    most = max((len(s.people) for s in usable), default=1)
    joints2d, joints3d = (np.full((len(usable), most, len(FULL_42), d), np.nan) for d in (2, 3))
    windows = np.zeros((len(usable), 4))
    parts = np.full((len(usable), SIDE, SIDE), UNKNOWN, dtype=np.uint8)
    for n, sample in enumerate(usable):
        for p, person in enumerate(sample.people):
            own = skeleton(person.skeleton)
            joints2d[n, p] = convert(person.joints2d, own, FULL_42)
            if person.joints3d is not None:
                joints3d[n, p] = convert(person.joints3d, own, FULL_42)
        windows[n], parts[n] = _lattice(sample)
    return Truth(joints2d, joints3d, windows, parts)


def _lattice(sample: Sample) -> tuple[NDArray[np.float64], NDArray[np.uint8]]:
    """A square window around the people and the truth at every k-th pixel in it."""
    assert sample.parts is not None
    rows, columns = np.nonzero(sample.parts)
    step = int(np.ceil(MARGIN * (max(np.ptp(rows), np.ptp(columns)) + 1) / SIDE))
    corner = [(int(v.min()) + int(v.max()) - step * SIDE) // 2 for v in (columns, rows)]
    x, y = (c + step * np.arange(SIDE) for c in corner)
    inside = ((y >= 0) & (y < sample.height))[:, None] & ((x >= 0) & (x < sample.width))
    taken = sample.parts[np.ix_(y.clip(0, sample.height - 1), x.clip(0, sample.width - 1))]
    start = np.array(corner) + 0.5 - 0.5 * step
    return np.concatenate([start, start + step * SIDE]), np.where(inside, taken, UNKNOWN).astype(np.uint8)


def confusion(
    truth: Truth, constants: EllipseConstants, drawing: Drawing, workers: int = 1
) -> NDArray[np.int64]:
    """(256, 256) pixels by true id (rows) and drawn id (columns) of ``constants.taxonomy``."""
    joints2d = convert(truth.joints2d, FULL_42, drawing.skeleton).astype(np.float64)
    joints3d = convert(truth.joints3d, FULL_42, drawing.skeleton).astype(np.float64)
    joints2d[..., drawing.skeleton.indices(*drawing.without), :] = np.nan
    plan = plan_shapes(constants, drawing.skeleton)
    merge = merge_table(SMPL_24_PARTS, constants.parts)

    def count(chunk: slice) -> NDArray[np.int64]:
        lifted = joints3d[chunk] if drawing.depth else None
        drawn, _ = draw_batch(joints2d[chunk], lifted, plan, SIDE, SIDE, truth.windows[chunk])
        table = np.zeros((256, 256), dtype=np.int64)
        _count(truth.parts[chunk], merge, drawn, table)
        return table

    chunks = [slice(i, i + CHUNK) for i in range(0, len(truth), CHUNK)]
    if workers <= 1:
        return np.asarray(sum(map(count, chunks), np.zeros((256, 256), dtype=np.int64)))
    with ThreadPoolExecutor(workers) as pool:
        return np.asarray(sum(pool.map(count, chunks), np.zeros((256, 256), dtype=np.int64)))


def _kernel(function: F) -> F:
    return cast(F, numba.njit(cache=True, nogil=True)(function))


@_kernel
def _count(
    truth: NDArray[np.uint8], merge: NDArray[np.uint8], drawn: NDArray[np.uint8], table: NDArray[np.int64]
) -> None:
    for n in range(truth.shape[0]):
        for y in range(truth.shape[1]):
            for x in range(truth.shape[2]):
                if truth[n, y, x] != UNKNOWN:
                    table[merge[truth[n, y, x]], drawn[n, y, x]] += 1


def part_ious(table: NDArray[np.int64], taxonomy: PartTaxonomy) -> dict[str, float]:
    """IoU of each part (both sides together) from a table of :func:`confusion`; joints as the module says.

    A part that is neither true nor drawn anywhere has IoU NaN.
    """
    ids: dict[str, list[int]] = {}
    for i, part in taxonomy.legend.items():
        if i:
            ids.setdefault(_unsided(part), []).append(i)
    joints = {joint: joins for joint, joins in JOINS.items() if joint in ids}
    merged = _give_joints_away(table, taxonomy, joints)
    result = {}
    for part, members in ids.items():
        if part in joints:
            owners = [_joined(taxonomy, taxonomy.legend[m], joints[part]) for m in members]
            groups = [(own, [*own, m]) for own, m in zip(owners, members, strict=True)]
            result[part] = _pooled_iou(table, groups)
        else:
            result[part] = _pooled_iou(merged, [(members, members)], matched=True)
    return result


def _give_joints_away(
    table: NDArray[np.int64], taxonomy: PartTaxonomy, joints: Mapping[str, tuple[str, ...]]
) -> NDArray[np.int64]:
    merged = table.copy()
    for i, part in taxonomy.legend.items():
        if i and _unsided(part) in joints:
            owners = _joined(taxonomy, part, joints[_unsided(part)])
            for true in range(256):
                merged[true, true if true in owners else owners[0]] += merged[true, i]
            merged[:, i] = 0
    return merged


def _joined(taxonomy: PartTaxonomy, joint: str, parts: Sequence[str]) -> list[int]:
    """Ids of the parts that a joint joins, of its side where they have one."""
    names = {name: i for i, name in taxonomy.legend.items()}
    return [names[part] if part in names else names[joint[:2] + part] for part in parts]


def _unsided(part: str) -> str:
    return part[2:] if part[:2] in ("l_", "r_") else part


def _pooled_iou(
    table: NDArray[np.int64], groups: Sequence[tuple[Sequence[int], Sequence[int]]], *, matched: bool = False
) -> float:
    """Pooled IoU of groups of true and drawn ids; ``matched``: id must equal id."""
    both = union = 0
    for true, drawn in groups:
        block = table[np.ix_(true, drawn)]
        hit = int(np.trace(block)) if matched else int(block.sum())
        both += hit
        union += int(table[list(true)].sum()) + int(table[:, list(drawn)].sum()) - hit
    return both / union if union else float("nan")


def score(truth: Truth, constants: EllipseConstants, drawing: Drawing, workers: int = 1) -> dict[str, float]:
    """IoU of each part."""
    return part_ious(confusion(truth, constants, drawing, workers), constants.parts)


def mean_score(ious: dict[str, float]) -> float:
    """Mean over the parts that occur; 0 if none does."""
    values = [v for v in ious.values() if not np.isnan(v)]
    return float(np.mean(values)) if values else 0.0
