"""Random rigs written as text, read back, and held to a slow forward kinematics of 4x4 matrices."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from rigs import AsfRig, BvhRig, asf_rigs, bvh_rigs

from posecorpus.synth.mocap.amc import parse_amc
from posecorpus.synth.mocap.asf import parse_asf
from posecorpus.synth.mocap.asf_amc import read_amc
from posecorpus.synth.mocap.bvh import read_bvh
from posecorpus.synth.mocap.bvh_text import parse_bvh
from posecorpus.synth.mocap.units import UNITS_M, Reading
from posecorpus.synth.motion import SourceClip

NEWLINES = st.sampled_from(["\n", "\r\n", "\r"])


def assert_matches(clip: SourceClip, oracle: dict[str, np.ndarray]) -> None:
    """Every joint of the oracle is there, in its place and turned as it says; every bone is rigid."""
    assert sorted(clip.joints) == sorted(oracle)
    for j, name in enumerate(clip.joints):
        np.testing.assert_allclose(clip.positions[:, j], oracle[name][:, :3, 3], atol=2e-5)
        np.testing.assert_allclose(clip.rotations[:, j], oracle[name][:, :3, :3], atol=2e-5)
        parent = clip.parents[j]
        assert parent < j
        if parent >= 0:
            bone = clip.rest[j] - clip.rest[parent]
            reached = clip.positions[:, parent] + clip.rotations[:, parent] @ bone
            np.testing.assert_allclose(clip.positions[:, j], reached, atol=2e-5)


@settings(max_examples=60, deadline=None)
@given(bvh_rigs(), NEWLINES)
def test_bvh_equals_slow_kinematics(rig: BvhRig, newline: str) -> None:
    clip = read_bvh(parse_bvh(rig.text(newline), "random.bvh"), "random", "s", Reading(units="m"))
    assert clip.fps == 120
    assert_matches(clip, rig.oracle())


@settings(max_examples=60, deadline=None)
@given(asf_rigs(), NEWLINES)
def test_asf_amc_equals_slow_kinematics(rig: AsfRig, newline: str) -> None:
    skeleton, motion = parse_asf(rig.asf(newline), "r.asf"), parse_amc(rig.amc(newline), "r.amc")
    assert skeleton.unit_m == rig.unit_m
    stated = next((u for u, m in UNITS_M.items() if abs(m - rig.unit_m) < 1e-12), None)
    clip = read_amc(skeleton, motion, "random", "s", Reading(units=stated))
    assert_matches(clip, rig.oracle())


def test_acclaim_unit_is_that_of_the_file() -> None:
    """0.45 is CMU's: a bone of 1 is 0.0254 / 0.45 m; with length 1 it is an inch."""
    for length, metres in ((0.45, 0.0254 / 0.45), (1.0, 0.0254)):
        text = (
            f":units\nlength {length}\nangle deg\n:root\norder TX TY TZ RX RY RZ\n:bonedata\nbegin\nname b\n"
        )
        text += "direction 0 2 0\nlength 1\naxis 0 0 0 XYZ\nend\n:hierarchy\nbegin\nroot b\nend\n"
        assert parse_asf(text.encode(), "x.asf").unit_m == metres
