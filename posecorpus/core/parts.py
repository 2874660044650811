"""Part taxonomies: what the ids of a part mask mean, their colours, and how one merges into another.

Id 0 is background in every taxonomy. Sides are the person's own.
"""

from __future__ import annotations

import colorsys
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from posecorpus.core.errors import InputError
from posecorpus.core.skeletons import SMPL_24


@dataclass(frozen=True)
class PartTaxonomy:
    """Named part ids.

    Attributes:
        name: how corpora refer to it, e.g. ``smpl_24``.
        legend: id to part name, background included.
    """

    name: str
    legend: dict[int, str]

    @cached_property
    def palette(self) -> dict[int, tuple[int, int, int]]:
        """Id to an RGB colour: limbs of the right side warm, of the left cool, the middle green."""
        sides: dict[str, list[int]] = {}
        for i, name in self.legend.items():
            if i:
                sides.setdefault(name[:2] if name[:2] in _HUES else "", []).append(i)
        colours = {
            i: _colour(side, rank, len(ids)) for side, ids in sides.items() for rank, i in enumerate(ids)
        }
        return {i: colours.get(i, (0, 0, 0)) for i in self.legend}

    @cached_property
    def palette_table(self) -> NDArray[np.uint8]:
        """(256, 3) look-up table of :attr:`palette`; ids outside the legend are magenta."""
        table = np.full((256, 3), (255, 0, 255), dtype=np.uint8)
        for i, colour in self.palette.items():
            table[i] = colour
        return table

    @cached_property
    def mirror(self) -> NDArray[np.uint8]:
        """(256,) look-up table that exchanges left and right ids, for flipped images."""
        table = np.arange(256, dtype=np.uint8)
        ids = {name: i for i, name in self.legend.items()}
        swap = {"l_": "r_", "r_": "l_"}
        for i, name in self.legend.items():
            table[i] = ids[swap[name[:2]] + name[2:]] if name[:2] in swap else i
        return table


_HUES = {"r_": (-0.08, 0.16), "": (0.24, 0.44), "l_": (0.50, 0.74)}
"""Range of hues, in turns, of the parts of each side."""


def _colour(side: str, rank: int, count: int) -> tuple[int, int, int]:
    """The colour of part ``rank`` of the ``count`` parts of a side; alternating strength parts neighbours."""
    start, end = _HUES[side]
    hue = start + (end - start) * rank / max(count - 1, 1)
    red, green, blue = colorsys.hsv_to_rgb(hue % 1.0, (0.95, 0.6)[rank % 2], (0.95, 0.75, 0.95)[rank % 3])
    return (round(255 * red), round(255 * green), round(255 * blue))


SMPL_24_PARTS = PartTaxonomy(
    "smpl_24", {0: "background"} | {i + 1: joint for i, joint in enumerate(SMPL_24.joints)}
)
"""SURREAL's ids: SMPL joint index + 1; a part is the segment that the joint moves."""

SURREAL_14_PARTS = PartTaxonomy(
    "surreal_14",
    dict(
        enumerate(
            [
                "background",
                "head",
                "torso",
                "r_upper_arm",
                "r_lower_arm",
                "r_hand",
                "l_upper_arm",
                "l_lower_arm",
                "l_hand",
                "r_upper_leg",
                "r_lower_leg",
                "r_foot",
                "l_upper_leg",
                "l_lower_leg",
                "l_foot",
            ]
        )
    ),
)

H36M_25_PARTS = PartTaxonomy(
    "h36m_25",
    {
        0: "background", 1: "r_hip", 6: "l_hip", 2: "r_knee", 7: "l_knee", 3: "r_foot", 8: "l_foot",
        25: "r_shoulder", 17: "l_shoulder", 26: "r_elbow", 18: "l_elbow", 27: "r_hand", 19: "l_hand",
        32: "crotch", 33: "r_thigh", 38: "l_thigh", 34: "r_calf", 39: "l_calf", 43: "lower_spine",
        44: "upper_spine", 46: "head", 56: "r_arm", 49: "l_arm", 58: "r_forearm", 50: "l_forearm",
    },
)  # fmt: skip
"""Human3.6M's raw ids. Rendered bodies carry the segments, not the joint blobs (hip, knee, elbow)."""

TAXONOMIES: dict[str, PartTaxonomy] = {t.name: t for t in (SMPL_24_PARTS, SURREAL_14_PARTS, H36M_25_PARTS)}

_SMPL_TO_SURREAL = (0, 2, 12, 9, 2, 13, 10, 2, 14, 11, 2, 14, 11, 2, 2, 2, 1, 6, 3, 7, 4, 8, 5, 8, 5)
_SMPL_TO_H36M = {
    "pelvis": "crotch", "l_hip": "l_thigh", "r_hip": "r_thigh", "spine1": "lower_spine", "l_knee": "l_calf",
    "r_knee": "r_calf", "spine2": "lower_spine", "l_ankle": "l_foot", "r_ankle": "r_foot", "spine3": "upper_spine",
    "l_foot": "l_foot", "r_foot": "r_foot", "neck": "head", "l_collar": "l_shoulder", "r_collar": "r_shoulder",
    "head": "head", "l_shoulder": "l_arm", "r_shoulder": "r_arm", "l_elbow": "l_forearm", "r_elbow": "r_forearm",
    "l_wrist": "l_hand", "r_wrist": "r_hand", "l_hand": "l_hand", "r_hand": "r_hand",
}  # fmt: skip


def taxonomy(name: str) -> PartTaxonomy:
    """The taxonomy of that name; raises :class:`InputError` listing those there are."""
    if name not in TAXONOMIES:
        raise InputError("part taxonomy", f"one of {', '.join(TAXONOMIES)}", repr(name))
    return TAXONOMIES[name]


def merge_table(source: PartTaxonomy, target: PartTaxonomy) -> NDArray[np.uint8]:
    """(256,) look-up table from ``source`` ids to ``target`` ids.

    Raises:
        InputError: the two are not related by a merge.
    """
    table = np.zeros(256, dtype=np.uint8)
    if source == target:
        return np.arange(256, dtype=np.uint8)
    if source is SMPL_24_PARTS and target is SURREAL_14_PARTS:
        table[: len(_SMPL_TO_SURREAL)] = _SMPL_TO_SURREAL
        return table
    if source is SMPL_24_PARTS and target is H36M_25_PARTS:
        ids = {name: i for i, name in target.legend.items()}
        for i, name in source.legend.items():
            table[i] = ids[_SMPL_TO_H36M[name]] if i else 0
        return table
    raise InputError("part merge", "smpl_24 to surreal_14 or h36m_25", f"{source.name} to {target.name}")
