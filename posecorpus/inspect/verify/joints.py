"""What joints, cameras and boxes must hold to. Each check gives messages, or None where it does not apply."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from posecorpus.core.errors import InputError
from posecorpus.core.sample import UNLABELLED, Person
from posecorpus.core.skeletons import FULL_42, convert, correspondence, skeleton
from posecorpus.inspect.verify.subject import Subject, absurd_parameter, bone_lengths, is_predicted
from posecorpus.synth.regressors.regressor import JointRegressor, of_full_42, regressor_of

REPROJECTION_PX = 0.01
FLOAT32_PX = 2e-6
"""Reprojection error that single precision may add, relative to the distance from the image's corner."""
BODY_M = 1e-3
BONE_M = 5e-4
ANNOTATED_BOX_PX = 3.0
"""How far the pixels of a person in a photo may stick out of the annotated box."""
FOCAL_RANGE = (0.05, 500.0)
"""Plausible focal lengths in units of the image's longer side: from a fish-eye's middle to a telescope."""

REGRESSOR = "skeleton_regressor"
"""Where a manifest's configuration holds the regressor that ``synth`` used."""

Messages = list[str] | None


def check_camera(camera: Mapping[str, Any] | None, width: int, height: int) -> Messages:
    """R is a rotation with det = +1 and K belongs to a pinhole camera, as the row holds them."""
    if camera is None:
        return None
    K, R, t = (np.array(camera[name], dtype=np.float64) for name in ("K", "R", "t"))
    if not all(np.isfinite(value).all() for value in (K, R, t)):
        return ["K, R or t is not finite"]
    K, R = K.reshape(3, 3), R.reshape(3, 3)
    off = float(np.abs(R @ R.T - np.eye(3)).max())
    if off > 1e-6:
        return [f"R is not orthonormal: off by {off:.1e}"]
    if np.linalg.det(R) < 0:
        return ["det R = -1: a mirrored camera exchanges left and right"]
    if not np.allclose([K[1, 0], K[2, 0], K[2, 1], K[2, 2]], [0, 0, 0, 1], atol=1e-9):
        return ["K is not an upper triangle with a last row of 0 0 1"]
    side = max(width, height)
    low, high = FOCAL_RANGE[0] * side, FOCAL_RANGE[1] * side
    if not (low <= K[0, 0] <= high and low <= K[1, 1] <= high):
        return [f"focal lengths {K[0, 0]:.4g}, {K[1, 1]:.4g} px do not suit a {width}x{height} image"]
    if abs(K[0, 1]) > max(K[0, 0], K[1, 1]):
        return [f"a skew of {K[0, 1]:.4g} px exceeds the focal length"]
    return []


def check_reprojection(subject: Subject) -> Messages:
    """``joints3d`` seen by the camera fall on ``joints2d``. Lifted and predicted people state how far off theirs are."""
    camera = subject.sample.camera
    people = [
        (i, p, p.joints3d)
        for i, p in enumerate(subject.sample.people)
        if p.joints3d is not None and p.lift is None and not is_predicted(p)
    ]
    if camera is None or not people:
        return None
    messages = []
    for i, person, joints3d in people:
        expected, _ = camera.project_camera(joints3d)
        both = np.isfinite(person.joints2d).all(-1) & np.isfinite(joints3d).all(-1)
        error = np.linalg.norm(person.joints2d - expected, axis=-1)
        allowed = np.maximum(REPROJECTION_PX, FLOAT32_PX * np.abs(person.joints2d).max(-1))
        wrong = both & ~(error <= allowed)  # a NaN error is a joint behind the camera that has a pixel
        messages += joint_messages(i, person, wrong, lambda j, e=error: f"{e[j]:.4g} px off its projection")
        if person.body is not None:
            missing = np.asarray(np.isnan(person.joints2d).any(-1) & np.isfinite(expected).all(-1))
            messages += joint_messages(i, person, missing, lambda j: "is before the camera, but has no pixel")
    return messages


def check_body(subject: Subject) -> Messages:
    """``joints3d`` are where pose, shape and translation put the body's joints."""
    camera = subject.sample.camera
    if camera is None:
        return None
    messages: Messages = None
    for i, (person, posed) in enumerate(zip(subject.sample.people, subject.posed, strict=True)):
        absurd = absurd_parameter(person)
        if absurd is not None:
            messages = [*(messages or []), f"people[{i}].{absurd} is no number that a body can have"]
        if posed is None or person.joints3d is None:
            continue
        messages = messages or []
        landmarks = camera.to_camera(posed.joints)
        expected = convert(landmarks, FULL_42, skeleton(person.skeleton))
        known = correspondence(FULL_42, skeleton(person.skeleton)) >= 0
        try:
            regressor = body_regressor(subject, person)
        except InputError as broken:
            messages += [f"people[{i}]: joints cannot be regressed again: {broken}"]
            continue
        if regressor is not None:
            expected, known = regressor.of_body(landmarks), np.ones(len(expected), bool)
        error = np.linalg.norm(person.joints3d - expected, axis=-1)
        wrong = known & ~(error <= BODY_M)  # a NaN error is a pose or a joint that is no number
        messages += joint_messages(
            i, person, wrong, lambda j, e=error: f"{1e3 * e[j]:.3g} mm off the posed body"
        )
    return messages


def check_bones(subject: Subject, usual: Sequence[NDArray[np.float64]] | None) -> Messages:
    """Bones are as long as the body's, and as in the clip's other frames.

    Args:
        usual: per person, the (42,) median lengths over the clip; None outside clips.
    """
    messages: Messages = None
    for i, (person, posed) in enumerate(zip(subject.sample.people, subject.posed, strict=True)):
        references = [] if posed is None else [("the body's", posed.lengths)]
        if usual is not None and i < len(usual):
            references.append(("usual in the clip", usual[i]))
        lengths = None if is_predicted(person) else person_bones(person)
        regressed = person.body is not None and REGRESSOR in subject.configuration
        if lengths is None or not references or regressed:  # regressed joints belong to no rigid bones
            continue
        messages = messages or []
        for what, reference in references:
            wrong = np.abs(lengths - reference) > BONE_M
            messages += [
                f"people[{i}]: bone to {FULL_42.joints[j]} is {lengths[j]:.4f} m, {reference[j]:.4f} m is {what}"
                for j in np.flatnonzero(wrong)
            ]
    return messages


def body_regressor(subject: Subject, person: Person) -> JointRegressor | None:
    """What regressed a rendered person's joints from the body's landmarks; None if they are landmarks.

    Raises:
        InputError: the manifest holds no sound regressor.
    """
    if REGRESSOR not in subject.configuration:
        return None
    regressor = _regressor(json.dumps(subject.configuration[REGRESSOR], sort_keys=True))
    return regressor if regressor.target == person.skeleton else None


@lru_cache(maxsize=4)
def _regressor(raw: str) -> JointRegressor:
    return of_full_42(regressor_of(json.loads(raw), f"manifest: {REGRESSOR}"))


def person_bones(person: Person) -> NDArray[np.float64] | None:
    """(42,) lengths of the bones of ``full_42`` that the person's joints span, NaN for the others."""
    if person.joints3d is None:
        return None
    source = skeleton(person.skeleton)
    joints = convert(person.joints3d.astype(np.float64), source, FULL_42)
    joints[~_exact(source.name)] = np.nan
    return bone_lengths(joints)


@lru_cache(maxsize=32)
def _exact(name: str) -> NDArray[np.bool_]:
    """(42,) joints of ``full_42`` that a skeleton has itself, not as a variant of it."""
    source = skeleton(name)
    return np.isin(FULL_42.landmarks, source.landmarks)


def check_sides(subject: Subject) -> Messages:
    """The person's left is on the left: of the face, told by nose and crown, or of the bending knees.

    Lifted and predicted 3D can be wrong in any way without its sides being exchanged; of the lifted, the hypotheses
    are judged instead.
    """
    messages: Messages = None
    for i, person in enumerate(subject.sample.people):
        if person.joints3d is None or person.lift is not None or is_predicted(person):
            continue
        joints = np.asarray(convert(person.joints3d, skeleton(person.skeleton), FULL_42), dtype=np.float64)
        for what, value in (("ears and eyes", face_side(joints)), ("hips", knee_side(joints))):
            if value is None:
                continue
            messages = messages or []
            if value < 0:
                messages.append(
                    f"people[{i}]: {what} have left and right exchanged, or the world is mirrored"
                )
    return messages


def _joint(joints: NDArray[np.float64], name: str) -> NDArray[np.float64]:
    return np.asarray(joints[FULL_42.index(name)])


def face_side(joints: NDArray[np.float64]) -> float | None:
    """Positive if left is left of where the nose points; None without the joints it takes."""
    ears = (_joint(joints, "l_ear") + _joint(joints, "r_ear")) / 2
    up = _joint(joints, "head_top") - ears
    if not np.isfinite(up).all():  # a face without a crown: the shoulders are below it
        up = ears - (_joint(joints, "l_shoulder") + _joint(joints, "r_shoulder")) / 2
    left = _joint(joints, "l_ear") - _joint(joints, "r_ear")
    eyes = _joint(joints, "l_eye") - _joint(joints, "r_eye")
    left = left + eyes if np.isfinite(eyes).all() else left
    volume = float(left @ np.cross(up, _joint(joints, "nose") - ears))
    return volume if np.isfinite(volume) else None


def knee_side(joints: NDArray[np.float64]) -> float | None:
    """Positive if knees that bend clearly bend about an axis that points to the left; None if none does."""
    left = _joint(joints, "l_hip") - _joint(joints, "r_hip")
    left = left / max(float(np.linalg.norm(left)), 1e-9)
    axes = []
    for side in "lr":
        thigh = _joint(joints, f"{side}_knee") - _joint(joints, f"{side}_hip")
        shin = _joint(joints, f"{side}_ankle") - _joint(joints, f"{side}_knee")
        length = float(np.linalg.norm(thigh) * np.linalg.norm(shin))
        if not np.isfinite(length) or length == 0:
            return None
        axes.append(float(np.cross(thigh, shin) @ left) / length)
    # Thighs can turn outwards so far that one knee says little: both must speak, and loudly.
    return max(axes) if max(axes) < -0.5 else (min(axes) if min(axes) > 0.5 else None)


def check_box(subject: Subject) -> Messages:
    """``bbox`` is a box: of a rendered person exactly that of the pixels, of others it holds the pixels."""
    sample = subject.sample
    messages = []
    for i, person in enumerate(sample.people):
        box = person.bbox.astype(np.float64)
        if np.isnan(box).all() and (person.visibility == UNLABELLED).all():
            continue
        if not np.isfinite(box).all() or box[0] > box[2] or box[1] > box[3]:
            messages.append(f"people[{i}].bbox: {box.tolist()} is no box")
            continue
        drawn = person.body is None and subject.parts_drawn  # ellipses reach beyond a box of joints
        seen = None if sample.instances is None or drawn else _extent(sample.instances == i + 1, person)
        if seen is None:
            continue
        outside = np.concatenate([box[:2] - seen[:2], seen[2:] - box[2:]])
        if person.body is not None:
            wrong = np.abs(outside).max() > 1e-3 + 1e-6 * np.abs(seen).max()
        else:
            wrong = outside.max() > ANNOTATED_BOX_PX
        if wrong:
            messages.append(f"people[{i}].bbox: {box.tolist()}, but the person spans {seen.tolist()}")
    return messages if sample.people else None


def _extent(mask: NDArray[np.bool_], person: Person) -> NDArray[np.float64] | None:
    """x0, y0, x1, y1 of a person's pixels, or of a rendered person's joints if none is seen."""
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    if len(rows):
        return np.array([columns[0], rows[0], columns[-1] + 1, rows[-1] + 1], np.float64)
    points = person.joints2d[np.isfinite(person.joints2d).all(-1)].astype(np.float64)
    if person.body is None or not len(points):
        return None
    return np.concatenate([points.min(0), points.max(0)])


def joint_messages(i: int, person: Person, wrong: NDArray[np.bool_], what: Callable[..., str]) -> list[str]:
    """What is wrong with each marked joint (J,) of the i-th person."""
    names = skeleton(person.skeleton).joints
    return [f"people[{i}].{names[j]} {what(int(j))}" for j in np.flatnonzero(wrong)]
