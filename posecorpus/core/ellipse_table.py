"""The points, reference segments and shapes of :mod:`posecorpus.core.ellipses`: nothing but tables."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Measures:
    """Constants of a form; see :mod:`posecorpus.core.ellipses` for their geometry.

    Attributes:
        radius: minor semi-axis in units of size.
        length: major axis in units of the segment.
        centre: where along the segment, 0 start, 1 end.
        cap: major semi-axis of a segment seen end-on, in units of size.
        bulge: how far the surface comes nearer than the segment, in units of size.
    """

    radius: float
    length: float
    centre: float
    cap: float
    bulge: float


@dataclass(frozen=True)
class Form:
    """One way to place a shape: along the segment from point ``start`` to ``end``, or a circle at ``start``.

    Attributes:
        key: of its constants; the forms of both sides share one.
        naive: constants guessed by eye.
    """

    key: str
    start: str
    end: str | None
    naive: Measures


@dataclass(frozen=True)
class Shape:
    """A shape of a part: the first of its forms whose points are there is drawn."""

    part: str
    forms: tuple[Form, ...]


def _sided(text: str, side: str) -> str:
    return text.replace("*", side)


_HIPS = ("{}_hip@lsp", "{}_hip@h36m", "{}_hip")

POINTS: dict[str, tuple[tuple[str, ...], ...]] = {
    "mid_shoulder": (("l_shoulder", "r_shoulder"), ("thorax",), ("neck_base",), ("upper_neck",)),
    "mid_hip": (
        *((hip.format("l"), hip.format("r")) for hip in _HIPS),
        ("pelvis@lsp",), ("pelvis@h36m",), ("pelvis",),
    ),
    "l_hip": tuple((hip.format("l"),) for hip in _HIPS),
    "r_hip": tuple((hip.format("r"),) for hip in _HIPS),
    "upper_neck": (("upper_neck",),),
    "head_top": (("head_top",),),
    "jaw": (("jaw",),),
    "head_h36m": (("head_h36m",),),
    "head_centre": (("head_centre",),),
    "skull_base": (("skull_base",),),
    "neck_base": (("neck_base",),),
    "face": (("l_ear", "r_ear"), ("l_eye", "r_eye"), ("nose",), ("l_ear",), ("r_ear",)),
} | {
    f"{side}_{joint}": ((f"{side}_{joint}",),)
    for side in "lr"
    for joint in ("shoulder", "elbow", "wrist", "hand", "knee", "ankle", "foot")
}  # fmt: skip
"""Points of the body: each the mean of one or two landmarks, alternatives in order of preference."""

REFERENCES: dict[str, tuple[str, str, float]] = {
    "torso": ("mid_shoulder", "mid_hip", 1.0),
    "shoulders": ("l_shoulder", "r_shoulder", 0.75),
    "hips": ("l_hip", "r_hip", 0.49),
    "head": ("upper_neck", "head_top", 0.42),
    "l_arm": ("l_shoulder", "l_elbow", 0.56),
    "r_arm": ("r_shoulder", "r_elbow", 0.56),
    "l_forearm": ("l_elbow", "l_wrist", 0.50),
    "r_forearm": ("r_elbow", "r_wrist", 0.50),
    "l_thigh": ("l_hip", "l_knee", 0.85),
    "r_thigh": ("r_hip", "r_knee", 0.85),
    "l_shin": ("l_knee", "l_ankle", 0.93),
    "r_shin": ("r_knee", "r_ankle", 0.93),
}
"""Segments that give a person's size, with their lengths in units of the torso's."""


def _form(key: str, segment: str, radius: float, length: float = 1.0, centre: float = 0.5) -> Form:
    """A form along ``"start>end"``, or a circle at ``"start"``."""
    start, _, end = segment.partition(">")
    circle = not end
    naive = Measures(radius, 0.0 if circle else length, 0.0 if circle else centre, 0.0, radius)
    return Form(key, start, end or None, naive)


def _both(part: str, *forms: Form) -> tuple[Shape, ...]:
    """A shape of each side from one whose names have ``*`` for the side."""
    return tuple(
        Shape(
            _sided(part, side),
            tuple(
                Form(f.key, _sided(f.start, side), _sided(f.end, side) if f.end else None, f.naive)
                for f in forms
            ),
        )
        for side in "lr"
    )


_HEAD = (
    _form("head", "upper_neck>head_top", 0.18),
    _form("head_h36m", "jaw>head_h36m", 0.18, 1.5),
    _form("head_from_shoulders", "mid_shoulder>head_top", 0.18, 0.7, 0.65),
    _form("head_from_centre", "mid_shoulder>head_centre", 0.18, 0.9, 1.0),
    _form("head_from_face", "mid_shoulder>face", 0.18, 0.9, 1.0),
    _form("head_from_skull", "mid_shoulder>skull_base", 0.18, 1.5, 1.5),
)
_NECK = (
    _form("neck", "mid_shoulder>upper_neck", 0.1),
    _form("neck_to_jaw", "mid_shoulder>jaw", 0.1, 0.7, 0.4),
    _form("neck_below_crown", "mid_shoulder>head_top", 0.1, 0.3, 0.2),
    _form("neck_below_centre", "mid_shoulder>head_centre", 0.1, 0.5, 0.3),
    _form("neck_below_face", "mid_shoulder>face", 0.1, 0.5, 0.3),
    _form("neck_below_skull", "mid_shoulder>skull_base", 0.1),
)
_THIGH = _form("thigh", "*_hip>*_knee", 0.17)
_CALF = _form("calf", "*_knee>*_ankle", 0.12)
_FOOT = (
    _form("foot", "*_ankle>*_foot", 0.09, 1.6, 0.7),
    _form("foot_below_calf", "*_knee>*_ankle", 0.13, 0.2, 1.05),
)
_ARM = _form("arm", "*_shoulder>*_elbow", 0.1)
_FOREARM = _form("forearm", "*_elbow>*_wrist", 0.08)
_HAND = (
    _form("hand", "*_wrist>*_hand", 0.09, 2.0, 1.0),
    _form("hand_beyond_forearm", "*_elbow>*_wrist", 0.09, 0.4, 1.2),
)

TABLES: dict[str, tuple[Shape, ...]] = {
    "h36m_25": (
        Shape("head", _NECK),
        Shape("upper_spine", (_form("chest", "l_shoulder>r_shoulder", 0.2),)),
        *_both("*_shoulder", _form("shoulder", "mid_shoulder>*_shoulder", 0.12)),
        Shape("upper_spine", (_form("upper_spine", "mid_hip>mid_shoulder", 0.32, 0.5, 0.75),)),
        Shape("lower_spine", (_form("lower_spine", "mid_hip>mid_shoulder", 0.3, 0.5, 0.25),)),
        *_both("*_foot", *_FOOT),
        *_both("*_calf", _CALF),
        *_both("*_thigh", _THIGH),
        *_both("*_knee", _form("knee", "*_knee", 0.11)),
        Shape("crotch", (_form("crotch", "l_hip>r_hip", 0.2),)),
        *_both("*_hip", _form("hip", "*_hip", 0.15)),
        Shape("head", _HEAD),
        *_both("*_arm", _ARM),
        *_both("*_forearm", _FOREARM),
        *_both("*_elbow", _form("elbow", "*_elbow", 0.085)),
        *_both("*_hand", *_HAND),
    ),
    "surreal_14": (
        Shape("torso", _NECK),
        Shape("torso", (_form("chest", "l_shoulder>r_shoulder", 0.2),)),
        *_both("*_upper_arm", _form("shoulder", "*_shoulder", 0.1)),
        *_both("torso", _form("flank", "*_hip>*_shoulder", 0.12)),
        Shape("torso", (_form("torso", "mid_hip>mid_shoulder", 0.32),)),
        *_both("*_foot", *_FOOT),
        *_both("*_lower_leg", _CALF),
        *_both("*_lower_leg", _form("knee", "*_knee", 0.11)),
        *_both("*_upper_leg", _THIGH),
        Shape("torso", (_form("pelvis", "l_hip>r_hip", 0.2),)),
        Shape("head", _HEAD),
        *_both("*_upper_arm", _ARM),
        *_both("*_lower_arm", _FOREARM),
        *_both("*_lower_arm", _form("elbow", "*_elbow", 0.085)),
        *_both("*_hand", *_HAND),
    ),
}
"""Shapes by taxonomy, in the order in which they are drawn without 3D: what most often hides others last."""
