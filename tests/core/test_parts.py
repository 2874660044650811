"""Part taxonomies: the merges literally, legends whole, colours apart."""

from __future__ import annotations

import numpy as np
import pytest

from posecorpus.core import parts as pt
from posecorpus.core.errors import InputError
from posecorpus.core.skeletons import SMPL_24

SMPL_TO_SURREAL = [2, 12, 9, 2, 13, 10, 2, 14, 11, 2, 14, 11, 2, 2, 2, 1, 6, 3, 7, 4, 8, 5, 8, 5]
SURREAL = {1: "head", 2: "torso", 3: "r_upper_arm", 6: "l_upper_arm", 4: "r_lower_arm", 7: "l_lower_arm",
           5: "r_hand", 8: "l_hand", 9: "r_upper_leg", 12: "l_upper_leg", 10: "r_lower_leg", 13: "l_lower_leg",
           11: "r_foot", 14: "l_foot"}  # fmt: skip
H36M = {0: "background", 1: "r_hip", 6: "l_hip", 2: "r_knee", 7: "l_knee", 3: "r_foot", 8: "l_foot",
        25: "r_shoulder", 17: "l_shoulder", 26: "r_elbow", 18: "l_elbow", 27: "r_hand", 19: "l_hand", 32: "crotch",
        33: "r_thigh", 38: "l_thigh", 34: "r_calf", 39: "l_calf", 43: "lower_spine", 44: "upper_spine", 46: "head",
        56: "r_arm", 49: "l_arm", 58: "r_forearm", 50: "l_forearm"}  # fmt: skip


def test_legends() -> None:
    assert pt.SMPL_24_PARTS.legend == {0: "background"} | {i + 1: n for i, n in enumerate(SMPL_24.joints)}
    assert pt.SURREAL_14_PARTS.legend == {0: "background"} | SURREAL
    assert pt.H36M_25_PARTS.legend == H36M


def test_surreal_merge_is_the_published_table() -> None:
    table = pt.merge_table(pt.SMPL_24_PARTS, pt.SURREAL_14_PARTS)
    assert table[:25].tolist() == [0, *SMPL_TO_SURREAL]
    assert not table[25:].any()


def test_h36m_merge_by_name() -> None:
    table = pt.merge_table(pt.SMPL_24_PARTS, pt.H36M_25_PARTS)
    merged = {name: H36M[int(table[i])] for i, name in pt.SMPL_24_PARTS.legend.items()}
    assert merged["background"] == "background"
    for side in "lr":
        expected = {"hip": "thigh", "knee": "calf", "ankle": "foot", "foot": "foot", "collar": "shoulder",
                    "shoulder": "arm", "elbow": "forearm", "wrist": "hand", "hand": "hand"}  # fmt: skip
        assert {j: merged[f"{side}_{j}"] for j in expected} == {j: f"{side}_{p}" for j, p in expected.items()}
    assert merged["pelvis"] == "crotch" and merged["head"] == merged["neck"] == "head"


@pytest.mark.parametrize("target", [pt.SURREAL_14_PARTS, pt.H36M_25_PARTS])
def test_merging_commutes_with_mirroring(target: pt.PartTaxonomy) -> None:
    table = pt.merge_table(pt.SMPL_24_PARTS, target)
    ids = np.arange(25)
    np.testing.assert_array_equal(table[pt.SMPL_24_PARTS.mirror[ids]], target.mirror[table[ids]])


@pytest.mark.parametrize("name", pt.TAXONOMIES)
def test_palette_and_mirror(name: str) -> None:
    taxonomy = pt.taxonomy(name)
    colours = list(taxonomy.palette.values())
    assert taxonomy.palette.keys() == taxonomy.legend.keys()
    assert colours[0] == (0, 0, 0)
    apart = np.abs(np.subtract(np.array(colours)[:, None], np.array(colours))).max(-1)
    assert apart[~np.eye(len(colours), dtype=bool)].min() >= 20, "two parts look alike"
    for i, colour in taxonomy.palette.items():
        assert tuple(taxonomy.palette_table[i]) == colour
    outside = [i for i in range(256) if i not in taxonomy.legend]
    assert (taxonomy.palette_table[outside] == (255, 0, 255)).all()
    assert (255, 0, 255) not in colours
    np.testing.assert_array_equal(taxonomy.mirror[taxonomy.mirror], np.arange(256))
    for i, part in taxonomy.legend.items():
        other = taxonomy.legend[int(taxonomy.mirror[i])]
        assert other[2:] == part[2:] and (other == part) == (part[:2] not in ("l_", "r_"))


def test_unknown_taxonomies_and_merges_are_refused() -> None:
    with pytest.raises(InputError, match="smpl_24, surreal_14, h36m_25"):
        pt.taxonomy("smpl")
    with pytest.raises(InputError, match="surreal_14 to smpl_24"):
        pt.merge_table(pt.SURREAL_14_PARTS, pt.SMPL_24_PARTS)
    same = pt.merge_table(pt.SURREAL_14_PARTS, pt.SURREAL_14_PARTS)
    np.testing.assert_array_equal(same, np.arange(256))
