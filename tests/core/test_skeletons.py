"""The joint sets, spelled out literally, and what conversion between them must hold to."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from posecorpus.core import skeletons as sk
from posecorpus.core.errors import InputError

ORDERS = {
    "lsp_14": "r_ankle r_knee r_hip l_hip l_knee l_ankle r_wrist r_elbow r_shoulder l_shoulder l_elbow l_wrist "
    "neck head_top",
    "mpii_16": "r_ankle r_knee r_hip l_hip l_knee l_ankle pelvis thorax upper_neck head_top r_wrist r_elbow "
    "r_shoulder l_shoulder l_elbow l_wrist",
    "lcr_13": "r_ankle l_ankle r_knee l_knee r_hip l_hip r_wrist l_wrist r_elbow l_elbow r_shoulder l_shoulder head",
    "h36m_17": "pelvis r_hip r_knee r_ankle l_hip l_knee l_ankle spine thorax neck head l_shoulder l_elbow l_wrist "
    "r_shoulder r_elbow r_wrist",
    "coco_17": "nose l_eye r_eye l_ear r_ear l_shoulder r_shoulder l_elbow r_elbow l_wrist r_wrist l_hip r_hip "
    "l_knee r_knee l_ankle r_ankle",
    "smpl_24": "pelvis l_hip r_hip spine1 l_knee r_knee spine2 l_ankle r_ankle spine3 l_foot r_foot neck l_collar "
    "r_collar head l_shoulder r_shoulder l_elbow r_elbow l_wrist r_wrist l_hand r_hand",
}
SMPL_PARENTS = "-1 0 0 0 1 2 3 4 5 6 7 8 9 9 9 12 13 14 16 17 18 19 20 21"
names = st.sampled_from(sorted(sk.SKELETONS))


@pytest.mark.parametrize("name", ORDERS)
def test_joint_order(name: str) -> None:
    assert list(sk.skeleton(name).joints) == ORDERS[name].split()


def test_smpl_tree() -> None:
    assert sk.SMPL_24.parents == tuple(map(int, SMPL_PARENTS.split()))
    assert sk.FULL_42.joints[:24] == sk.SMPL_24.joints
    assert sk.FULL_42.parents[:24] == sk.SMPL_24.parents
    assert len(sk.FULL_42) == 42


@pytest.mark.parametrize("name", sk.SKELETONS)
def test_every_skeleton_is_one_tree_of_distinct_joints(name: str) -> None:
    skeleton = sk.skeleton(name)
    assert len(set(skeleton.joints)) == len(set(skeleton.landmarks)) == len(skeleton)
    assert sum(parent < 0 for parent in skeleton.parents) == 1
    for joint in range(len(skeleton)):
        seen = set()
        while joint >= 0:
            assert joint not in seen, "a cycle"
            seen.add(joint)
            joint = skeleton.parents[joint]
    assert skeleton.bones == tuple((p, c) for c, p in enumerate(skeleton.parents) if p >= 0)
    assert len(skeleton.bones) == len(skeleton) - 1


@pytest.mark.parametrize("name", sk.SKELETONS)
def test_mirror_is_an_involution_that_exchanges_sides(name: str) -> None:
    skeleton = sk.skeleton(name)
    mirror = skeleton.mirror
    np.testing.assert_array_equal(mirror[mirror], np.arange(len(skeleton)))
    for joint, other in zip(skeleton.joints, np.array(skeleton.joints)[mirror], strict=True):
        assert other == {"l_": "r_", "r_": "l_"}.get(joint[:2], joint[:2]) + joint[2:]
    pairs = [(name, skeleton.joints[i]) for name, i in zip(skeleton.joints, skeleton.parents, strict=True)]
    if name not in ("lcr_13", "coco_17"):  # sets whose tree was drawn on afterwards, chained across the body
        mirrored = {
            (sk.opposite(a), sk.opposite(b))
            for a, b in pairs
            if a != skeleton.joints[skeleton.parents.index(-1)]
        }
        assert mirrored <= set(pairs)


@given(names, names)
def test_conversion_keeps_names_and_marks_the_rest(source_name: str, target_name: str) -> None:
    source, target = sk.skeleton(source_name), sk.skeleton(target_name)
    values = np.arange(len(source) * 3, dtype=np.float64).reshape(len(source), 3)
    picked = sk.correspondence(source, target)
    result = sk.convert(values, source, target)
    visibility = sk.convert_visibility(np.full(len(source), 2, np.uint8), source, target)
    for i, landmark in enumerate(target.landmarks):
        if picked[i] < 0:
            assert np.isnan(result[i]).all() and visibility[i] == 0
            assert landmark.partition("@")[0] not in [s.partition("@")[0] for s in source.landmarks]
        else:
            np.testing.assert_array_equal(result[i], values[picked[i]])
            assert source.landmarks[picked[i]].partition("@")[0] == landmark.partition("@")[0]
            assert visibility[i] == 2
    if source is target:
        np.testing.assert_array_equal(result, values)


@given(names, names)
def test_conversion_commutes_with_mirroring(source_name: str, target_name: str) -> None:
    source, target = sk.skeleton(source_name), sk.skeleton(target_name)
    values = np.random.default_rng(0).normal(size=(2, len(source), 2))
    there = sk.convert(values[:, source.mirror], source, target)
    np.testing.assert_array_equal(there, sk.convert(values, source, target)[:, target.mirror])


@pytest.mark.parametrize("name", sk.SKELETONS)
def test_rendered_people_have_every_joint_of_every_set(name: str) -> None:
    target = sk.skeleton(name)
    picked = sk.correspondence(sk.FULL_42, target)
    assert (picked >= 0).all()
    assert [sk.FULL_42.landmarks[i] for i in picked] == list(target.landmarks), (
        "an exact landmark, no variant"
    )


def test_look_alikes_never_stand_in_for_each_other() -> None:
    """SMPL's head is the base of the skull, Human3.6M's is near the crown; so with the necks and thorax."""
    to_smpl = sk.correspondence(sk.H36M_17, sk.SMPL_24)
    assert to_smpl[sk.SMPL_24.index("head")] == -1
    assert to_smpl[sk.SMPL_24.index("neck")] == -1
    to_h36m = sk.correspondence(sk.SMPL_24, sk.H36M_17)
    missing = [j for j, i in zip(sk.H36M_17.joints, to_h36m, strict=True) if i < 0]
    assert missing == ["spine", "thorax", "neck", "head"]
    # A variant stands in where the exact kind is missing.
    assert to_h36m[sk.H36M_17.index("l_hip")] == sk.SMPL_24.index("l_hip")


def test_lsp_neck_is_mpii_upper_neck() -> None:
    picked = sk.correspondence(sk.MPII_16, sk.LSP_14)
    names = dict(zip(sk.LSP_14.joints, [sk.MPII_16.joints[i] for i in picked], strict=True))
    assert names == {joint: joint for joint in sk.LSP_14.joints} | {"neck": "upper_neck"}


def test_names_are_checked() -> None:
    with pytest.raises(InputError, match="coco_17"):
        sk.skeleton("coco")
    with pytest.raises(InputError, match="left_knee"):
        sk.COCO_17.index("left_knee")
    with pytest.raises(InputError, match="coco_17"):
        sk.convert(np.zeros((16, 2)), sk.COCO_17, sk.LSP_14)
    assert sk.LSP_14.indices("head_top", "r_ankle") == [13, 0]
