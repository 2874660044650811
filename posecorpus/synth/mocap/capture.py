"""What is known about databases that their files do not say, or say wrongly."""

from __future__ import annotations

import re

CMU_FPS = 120.0
CMU_HALF_RATE_SUBJECTS = frozenset({33, 34, 42, 60, 61, 62, 74, 75, 77, 79, 80, 87, 88, 89})
"""Subjects of mocap.cs.cmu.edu whose trials were captured at 60 frames a second."""
CMU_HALF_RATE_TRIALS = frozenset({(136, 19)})

FRAME_FOR_FRAME = frozenset({"asf_amc", "cmu_max", "cmu_motionbuilder", "daz", "daz_fingers"})
"""Dialects of CMU files with one frame for every captured one, whatever their frame time says."""

_CMU_NAME = re.compile(r"(\d{1,3})_(\d{1,2})")
_HDM_NAME = re.compile(r"(HDM_[a-z]{2})_.*_(\d{2,3})")


def cmu_trial(stem: str) -> tuple[int, int] | None:
    """Subject and trial of a file named as CMU names them (``01_05``), else None."""
    match = _CMU_NAME.fullmatch(stem)
    return (int(match[1]), int(match[2])) if match else None


def capture_fps(stem: str, dialect: str) -> float | None:
    """Frames a second at which a clip was captured, where its name and dialect tell; else None."""
    trial = cmu_trial(stem)
    if trial and dialect in FRAME_FOR_FRAME:
        half = trial[0] in CMU_HALF_RATE_SUBJECTS or trial in CMU_HALF_RATE_TRIALS
        return CMU_FPS / 2 if half else CMU_FPS
    hdm = _HDM_NAME.fullmatch(stem)
    return float(hdm[2]) if hdm and dialect == "asf_amc" else None


def subject_of(stem: str) -> str:
    """Who was captured, as far as a file's name tells; else the name itself."""
    trial = cmu_trial(re.sub(r"_EDIT.*$", "", stem))
    if trial:
        return f"{trial[0]:02d}"
    hdm = _HDM_NAME.fullmatch(stem)
    return hdm[1] if hdm else stem
