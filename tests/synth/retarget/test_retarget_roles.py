"""Joint names of many rigs."""

from __future__ import annotations

import numpy as np
import pytest
from synthetic_rigs import DIALECTS, clip_of, standing

from posecorpus.core.skeletons import SMPL_24
from posecorpus.synth.retarget.roles import find_roles, split_side


@pytest.mark.parametrize(
    ("joint", "expected"),
    [
        ("LeftUpLeg", ("l", "upleg")),
        ("mixamorig:RightForeArm", ("r", "forearm")),
        ("CC_Base_L_Thigh", ("l", "thigh")),
        ("lfemur", ("l", "femur")),
        ("rShldr", ("r", "shldr")),
        ("LowerArm_L", ("l", "lowerarm")),
        ("upper_arm.R", ("r", "upperarm")),
        ("l_elbow", ("l", "elbow")),
        ("joint_Hips", ("", "hips")),
        ("lowerback", ("l", "owerback")),  # harmless: no role has that stem
        ("root", ("r", "oot")),
        ("head", ("", "head")),
        ("Bip01 L Calf", ("l", "calf")),
        ("rFoot_end", ("r", "footend")),
        ("toe2-1.l", ("l", "toe21")),
    ],
)
def test_side_and_stem(joint: str, expected: tuple[str, str]) -> None:
    assert split_side(joint) == expected


@pytest.mark.parametrize("dialect", DIALECTS)
def test_every_dialect_finds_every_role(dialect: str) -> None:
    clip = clip_of(np.zeros((2, 24, 3)), standing(2), dialect)
    roles = find_roles(clip)
    named = {"toes": "foot"}
    for role, joint in roles.limbs.items():
        side, _, part = role.partition("_")
        assert SMPL_24.joints[joint] == f"{side}_{named.get(part, part)}"
    assert len(roles.limbs) == 16
    assert [SMPL_24.joints[j] for j in roles.trunk] == ["pelvis", "spine1", "spine2", "spine3"]
    assert [SMPL_24.joints[j] for j in roles.neck] == ["neck"]
    assert SMPL_24.joints[roles.head] == "head"
