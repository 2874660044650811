"""Damaged bytes: whatever a file holds, reading it gives a clip or one :class:`InputError`, nothing else."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_mocap_broken import AMC, ASF, BVH, amass

from posecorpus.core.errors import InputError
from posecorpus.synth.mocap.amass import read_amass
from posecorpus.synth.mocap.amc import parse_amc
from posecorpus.synth.mocap.asf import parse_asf
from posecorpus.synth.mocap.asf_amc import read_amc
from posecorpus.synth.mocap.bvh import read_bvh
from posecorpus.synth.mocap.bvh_text import parse_bvh
from posecorpus.synth.mocap.units import Reading
from posecorpus.synth.motion import BodyMotion, SourceClip

WORDS = [
    b"",
    b"\n",
    b"{",
    b"}",
    b"nan",
    b"-",
    b"1e400",
    b"0",
    b"999999999999",
    b"JOINT",
    b"End Site",
    b"#",
    b":",
    b"\x00",
]
WORDS += [
    b"root",
    b"begin",
    b"end",
    b"CHANNELS 3",
    b"MOTION",
    b"\xff\xfe",
    b"1 2 3",
    b"1e-320",
    b"+",
    b"6",
    b"\r",
    b"tx",
]


@st.composite
def damage(draw: st.DrawFn, good: bytes) -> bytes:
    """Up to four cuts, swaps of words and overwritten bytes."""
    data = good
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, max(len(data) - 1, 0)))
        kind = draw(st.sampled_from(["cut", "word", "byte", "drop", "repeat"]))
        span = draw(st.integers(1, 60))
        if kind == "cut":
            data = data[:at]
        elif kind == "word":
            data = data[:at] + draw(st.sampled_from(WORDS)) + data[at + draw(st.integers(0, 6)) :]
        elif kind == "byte":
            data = data[:at] + bytes([draw(st.integers(0, 255))]) + data[at + 1 :]
        elif kind == "drop":
            data = data[:at] + data[at + span :]
        else:
            data = data[:at] + data[at : at + span] * draw(st.integers(2, 5)) + data[at + span :]
    return data


def bvh(data: bytes) -> SourceClip:
    return read_bvh(parse_bvh(data, "f.bvh"), "f", "s", Reading())


def asf(data: bytes) -> SourceClip:
    return read_amc(parse_asf(data, "f.asf"), parse_amc(AMC.encode(), "f.amc"), "f", "s", Reading())


def amc(data: bytes) -> SourceClip:
    return read_amc(parse_asf(ASF.encode(), "f.asf"), parse_amc(data, "f.amc"), "f", "s", Reading())


def npz(data: bytes) -> BodyMotion | None:
    return read_amass(data, "f.npz", "f", "s", Reading())


@pytest.mark.filterwarnings(
    "ignore:Reading `.npy` or `.npz` file required additional header parsing:UserWarning"
)
@pytest.mark.parametrize(
    ("read", "good"), [(bvh, BVH.encode()), (asf, ASF.encode()), (amc, AMC.encode()), (npz, amass())]
)
def test_only_input_errors(read: Callable[[bytes], SourceClip | BodyMotion | None], good: bytes) -> None:
    outcomes = {"read": 0, "refused": 0}

    @settings(max_examples=400, deadline=None, database=None)
    @given(damage(good))
    def check(data: bytes) -> None:
        refusal = ""
        clip = None
        try:
            clip = read(data)
        except InputError as error:
            refusal = str(error)
        outcomes["refused" if refusal else "read"] += 1
        assert "\n" not in refusal and len(refusal) < 500
        if isinstance(clip, SourceClip):
            assert np.isfinite(clip.positions).all() and np.isfinite(clip.rotations).all()
            assert len(clip.positions) == len(clip.rotations) >= 1

    check()
    assert outcomes["refused"] > 50
