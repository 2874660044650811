"""Planted faults: each gives one line that names the file, the line and the reason."""

from __future__ import annotations

import io
import pickle
import re
import zipfile
from collections.abc import Callable

import numpy as np
import pytest

from posecorpus.core.errors import InputError
from posecorpus.synth.mocap.amass import read_amass
from posecorpus.synth.mocap.amc import parse_amc
from posecorpus.synth.mocap.asf import parse_asf
from posecorpus.synth.mocap.asf_amc import read_amc
from posecorpus.synth.mocap.bvh import read_bvh
from posecorpus.synth.mocap.bvh_text import parse_bvh
from posecorpus.synth.mocap.units import Reading

BVH = """HIERARCHY
ROOT hips
{
  OFFSET 0 0 0
  CHANNELS 6 Xposition Yposition Zposition Zrotation Xrotation Yrotation
  JOINT spine
  {
    OFFSET 0 60 0
    CHANNELS 3 Zrotation Xrotation Yrotation
    End Site
    {
      OFFSET 0 60 0
    }
  }
  JOINT leg
  {
    OFFSET 0 -90 0
    CHANNELS 3 Zrotation Xrotation Yrotation
  }
}
MOTION
Frames: 3
Frame Time: 0.0083333
0 90 0 0 0 0 1 2 3 4 5 6
0 90 1 0 0 0 1 2 3 4 5 6
0 90 2 0 0 0 1 2 3 4 5 6
"""
ASF = """:version 1.10
:units
  length 0.45
  angle deg
:root
  order TX TY TZ RX RY RZ
  axis XYZ
  position 0 0 0
  orientation 0 0 0
:bonedata
  begin
    name spine
    direction 0 1 0
    length 14
    axis 0 0 0 XYZ
    dof rx ry rz
  end
  begin
    name leg
    direction 0 -1 0
    length 16
    axis 0 0 20 XYZ
    dof rx
  end
:hierarchy
  begin
    root spine leg
  end
"""
AMC = """#!OML:ASF
:FULLY-SPECIFIED
:DEGREES
1
root 0 16 0 0 0 0
spine 1 2 3
leg 4
2
root 0 16 0 0 0 0
spine 1 2 3
leg 4
"""


def bvh(text: str) -> object:
    return read_bvh(parse_bvh(text.encode("latin-1"), "f.bvh"), "f", "s", Reading())


def acclaim(asf: str, amc: str) -> object:
    return read_amc(parse_asf(asf.encode(), "f.asf"), parse_amc(amc.encode(), "f.amc"), "f", "s", Reading())


def fails(read: Callable[[], object], where: str, reason: str) -> None:
    """Reading raises one line that begins with ``where`` and matches ``reason``."""
    with pytest.raises(InputError) as caught:
        read()
    message = str(caught.value)
    assert message.startswith(where + ": expected "), message
    assert re.search(reason, message), message
    assert "\n" not in message and len(message) < 300


def test_the_unbroken_files_read() -> None:
    bvh(BVH)
    acclaim(ASF, AMC)


@pytest.mark.parametrize(
    ("old", "new", "where", "reason"),
    [
        ("HIERARCHY", "<html>", "f.bvh:1", "HIERARCHY, got '<html>"),
        ("MOTION\n", "", "f.bvh", "MOTION"),
        ("ROOT hips", "JOINT hips", "f.bvh:2", "one ROOT"),
        ("  JOINT leg", "  ROOT leg", "f.bvh:15", "one ROOT"),
        ("OFFSET 0 -90 0", "OFFSET 0 nan 0", "f.bvh:17", "finite number, got 'nan'"),
        ("OFFSET 0 -90 0", "OFFSET 0 -90", "f.bvh:18", "number, got 'CHANNELS'"),
        ("CHANNELS 3 Z", "CHANNELS 4 Z", "f.bvh:9", "position and rotation"),
        ("CHANNELS 3 Z", "CHANNELS 99 Z", "f.bvh:9", "0 to 6 channels, got 99"),
        ("Xrotation Yrotation\n    End", "Xrotation Xrotation\n    End", "f.bvh:9", "at most once"),
        ("}\nMOTION", "MOTION", "f.bvh", "braces close, got 1 left open"),
        ("}\nMOTION", "}\n}\nMOTION", "f.bvh:21", "got '}'"),
        ("Frames: 3", "Frames: 4", "f.bvh:22", "says, 4, got 3; cut short"),
        ("Frames: 3", "Frames: 2", "f.bvh:22", "says, 2, got 3$"),
        ("Frames: 3", "Frames: many", "f.bvh:22", "a number, got 'Frames: many'"),
        ("Frame Time: 0.0083333", "Frame Time: 0", "f.bvh:23", "frame time from 0.001 to 1 s, got 0; state"),
        ("Frame Time: 0.0083333", "Frame Time: -1", "f.bvh:23", "frame time"),
        ("Frame Time: 0.0083333", "Frame Time: 1e-9", "f.bvh:23", "frame time"),
        ("Frame Time: 0.0083333", "Frame Time: 120", "f.bvh:23", "frame time"),
        ("Frame Time: 0.0083333", "Frame Time: nan", "f.bvh:23", "frame time"),
        ("0 90 1 0 0 0 1 2 3 4 5 6", "0 90 1 0 0 0 1 2 3 4 5", "f.bvh:25", "12 numbers.*got 11$"),
        ("0 90 1 0 0 0 1 2 3 4 5 6", "0 90 1 0 0 0 1 2 3 4 5 6 7", "f.bvh:25", "12 numbers.*got 13$"),
        ("0 90 2 0 0 0 1 2 3 4 5 6", "0 90 2 0 0 0", "f.bvh:26", "12 numbers.*got 6; cut short"),
        ("0 90 1 0 0 0 1 2", "0 90 1 0 0 0 1 x2", "f.bvh:25", "a number, got 'x2'"),
        ("0 90 1 0 0 0 1 2", "0 90 1 0 0 0 1 -1.#IND", "f.bvh:25", "a number, got '-1.#IND'"),
        ("0 90 1 0 0 0 1 2", "0 90 1 0 0 0 1 nan", "f.bvh:25", "finite numbers.*got nan"),
        ("0 90 1 0 0 0 1 2", "0 90 1 0 0 0 1 -inf", "f.bvh:25", "finite numbers.*got -inf"),
        ("0 90 1 0 0 0 1 2", "0 90 1 0 0 0 1 1e300", "f.bvh:25", "finite numbers.*1e[+]300"),
        ("60 0", "9000 0", "f.bvh", "person's size.*state its units"),
    ],
)  # fmt: skip
def test_broken_bvh(old: str, new: str, where: str, reason: str) -> None:
    assert old in BVH
    fails(lambda: bvh(BVH.replace(old, new)), where, reason)


def test_blank_lines_do_not_shift_line_numbers() -> None:
    broken = BVH.replace("0 90 1 0", "\n\n0 90 x 0").replace("\n", "\r\n")
    fails(lambda: bvh(broken), "f.bvh:27", "got 'x'")


def test_bvh_nesting_is_bounded_and_costs_no_recursion() -> None:
    deep = "HIERARCHY\n" + "".join(
        f"{'JOINT' if i else 'ROOT'} a{i} {{ OFFSET 0 1 0 CHANNELS 0\n" for i in range(50_000)
    )
    fails(lambda: bvh(deep + "MOTION\n"), "f.bvh:1002", "at most 1000 joints")


def test_stretching_bones() -> None:
    text = BVH.replace(
        "CHANNELS 3 Zrotation Xrotation Yrotation\n  }", "CHANNELS 3 Xposition Yposition Zposition\n  }"
    )
    text = text.replace("4 5 6\n0 90 1", "0 -90 0\n0 90 1").replace("4 5 6\n0 90 2", "0 -20 0\n0 90 2")
    fails(lambda: bvh(text), "f.bvh", "leg at a constant distance.*got 0.9[0-9] m")


@pytest.mark.parametrize(
    ("old", "new", "where", "reason"),
    [
        ("root spine leg", "root spine\nspine leg\nleg spine", "f.asf:29", "one parent.*'spine'"),
        ("root spine leg", "root spine leg\nspine root", "f.asf:28", "one parent.*'root'"),
        ("root spine leg", "root spine\nleg leg", "f.asf", "without cycles.*'leg' off the tree"),
        ("root spine leg", "root spine", "f.asf", "'leg' off the tree"),
        ("root spine leg", "root spine leg arm", "f.asf:27", "bonedata describes, got 'arm'"),
        ("root spine leg", "", "f.asf", "bones and a hierarchy"),
        ("length 14", "length -14", "f.asf:17", "length of at least 0"),
        ("length 14", "length inf", "f.asf:14", "finite"),
        ("direction 0 1 0", "direction 0 1", "f.asf:13", "3 finite numbers"),
        ("direction 0 1 0", "direction 0 0 0", "f.asf:17", "a direction"),
        ("    direction 0 1 0\n", "", "f.asf:16", "a direction in every bone"),
        ("name leg", "name spine", "f.asf:19", "'spine' twice"),
        ("dof rx ry rz", "dof rx ry tz", "f.asf:16", "RX RY RZ"),
        ("dof rx ry rz", "dof rx rx rz", "f.asf:16", "channels"),
        ("0 0 20 XYZ", "0 0 20 XYX", "f.asf:22", "axis order.*'XYX'"),
        ("length 0.45", "length 0", "f.asf:3", "above 0"),
        ("length 0.45", "length 450", "f.asf", "person's size"),
    ],
)  # fmt: skip
def test_broken_asf(old: str, new: str, where: str, reason: str) -> None:
    assert old in ASF
    fails(lambda: acclaim(ASF.replace(old, new), AMC), where, reason)


@pytest.mark.parametrize(
    ("old", "new", "where", "reason"),
    [
        (AMC, "", "f.amc", "numbered frames"),
        (AMC, "#\n:DEGREES\n1\n", "f.amc:3", "bones after the frame's number"),
        ("leg 4\n2", "leg\n2", "f.amc:11", "leg with 0 numbers, got leg with 1 number"),
        ("spine 1 2 3\nleg 4\n2", "spine 1 2\nleg 4\n2", "f.amc:10", "spine with 2 numbers, got spine with 3"),
        ("3\nleg 4\n2\nroot 0", "3\nleg 4\n2\nroot x", "f.amc:9", "a number, got 'x'"),
        ("3\nleg 4\n2\nroot 0", "3\nleg 4\n2\nroot nan", "f.amc:9", "finite numbers.*got nan"),
        ("3\nleg 4\n2\n", "3\nleg 4\n3\n", "f.amc:8", "frame 2, got frame 3"),
        ("3\nleg 4\n2\nroot", "3\nleg 4\n2\nroof", "f.amc:9", "root with 6 numbers, got roof with 6"),
        ("1\nroot", "1\ntail", "f.amc:9", "tail with 6 numbers"),
        ("leg 4\n2\n", "2\n", "f.amc:10", "a frame's number alone|got leg"),
    ],
)  # fmt: skip
def test_broken_amc(old: str, new: str, where: str, reason: str) -> None:
    assert old in AMC
    fails(lambda: acclaim(ASF, AMC.replace(old, new, 1)), where, reason)


def test_amc_cut_anywhere_in_a_later_frame_is_noticed() -> None:
    """Every cut but those that leave whole numbers of whole frames."""
    third = AMC + "3\nroot 0 16 0 0 0 0\nspine 1 2 3\nleg 4\n"
    end = len(third)
    whole = {len(AMC) - 1, len(AMC), end - 1, end}
    for cut in range(len(AMC) - 1, end):
        if cut in whole:
            acclaim(ASF, third[:cut])
        else:
            with pytest.raises(InputError, match=r"f\.amc:1[0-9]"):
                acclaim(ASF, third[:cut])


def test_amc_of_another_skeleton() -> None:
    fails(
        lambda: acclaim(ASF.replace("dof rx ry rz", "dof rx ry"), AMC),
        "f.amc:6",
        "2 channels for spine as in f.asf, got 3",
    )
    fails(lambda: acclaim(ASF.replace("leg", "tail"), AMC), "f.amc:7", "a bone of f.asf, got 'leg'")


def npz(**arrays: object) -> bytes:
    stream = io.BytesIO()
    np.savez(stream, **arrays)  # type: ignore[arg-type]
    return stream.getvalue()


def amass(**changes: object) -> bytes:
    arrays = {"poses": np.zeros((4, 156)), "trans": np.zeros((4, 3)), "mocap_framerate": 120.0} | changes
    return npz(**{key: value for key, value in arrays.items() if value is not None})


class Bomb:
    """Unpickling it would run code."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return (pytest.fail, ("unpickled",))


@pytest.mark.parametrize(
    ("data", "where", "reason"),
    [
        (b"not a zip", "f.npz", "plain arrays"),
        (amass()[:-200], "f.npz", "plain arrays"),
        (amass(poses=np.zeros((4, 100))), "f.npz:poses", r"shape .*got \(4, 100\)"),
        (amass(poses=np.zeros((0, 156)), trans=np.zeros((0, 3))), "f.npz:poses", "shape"),
        (amass(trans=np.zeros((3, 3))), "f.npz:trans", r"\(4, 3\), got \(3, 3\)"),
        (amass(trans=None), "f.npz:trans", "got none"),
        (amass(trans=np.array([["a"] * 3] * 4)), "f.npz:trans", "numbers"),
        (amass(trans=np.full((4, 3), [[0, np.nan, 0]])), "f.npz:trans[0]", "finite.*got nan"),
        (amass(mocap_framerate=None), "f.npz", "mocap_frame_rate, got neither"),
        (amass(mocap_framerate=0.0), "f.npz", "frames a second"),
        (amass(mocap_framerate=np.nan), "f.npz:mocap_framerate[0]", "finite"),
        (npz(poses=np.array([Bomb()], dtype=object), trans=np.zeros((1, 3))), "f.npz", "allow_pickle"),
    ],
)  # fmt: skip
def test_broken_amass(data: bytes, where: str, reason: str) -> None:
    fails(lambda: read_amass(data, "f.npz", "f", "s", Reading()), where, reason)


def test_amass_zip_bomb() -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("poses.npy", bytes(64 << 20))
    fails(
        lambda: read_amass(stream.getvalue(), "f.npz", "f", "s", Reading()), "f.npz:poses.npy", "packed size"
    )


def test_errors_survive_a_process_boundary() -> None:
    with pytest.raises(InputError) as caught:
        bvh(BVH.replace("Frames: 3", "Frames: 4"))
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)
