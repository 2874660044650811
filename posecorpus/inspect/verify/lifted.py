"""What lifted people must hold to: their 3D came from 2D joints, with numbers that say how far to trust it."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from posecorpus.core.sample import HIDDEN, UNLABELLED, Lift, Person
from posecorpus.core.skeletons import FULL_42, TORSO, Skeleton, convert, skeleton
from posecorpus.inspect.verify.joints import Messages, face_side, joint_messages, knee_side
from posecorpus.inspect.verify.subject import Subject

METHODS = ("nn", "soft", "depth")
RESIDUAL_PX, RESIDUAL_SHARE = 0.02, 1e-3
"""What storing joints and residual in single precision may change."""
SPREAD_MM = 0.1
LIMB_RATIO = 1.25
"""No lifted limb is longer than in every hypothesis by more than this factor. It may be shorter: a mean of limbs
that point apart is."""
SIDES_RATIO = 1.3
"""A captured pose, which is what the published method gives, has left and right limbs alike to this factor."""
ALL_LIMBS_M = (1.0, 6.0)
"""The limbs of a person end to end; 2.8 m of an adult."""
POSE_FACTOR = 2.0
"""The mean error over the joints may leave the range of the joints' own errors, calibrated apart, by this factor."""
MM_RANGE = (0.0, 1e6)

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]
_LIMBS = (("shoulder", "elbow"), ("elbow", "wrist"), ("hip", "knee"), ("knee", "ankle"))


def check_residual(subject: Subject) -> Messages:
    """The stated residual is the RMS distance of the projected 3D joints from the annotated ones."""
    camera = subject.sample.camera
    messages: Messages = None
    for i, person, lift in _lifted(subject):
        if camera is None or person.joints3d is None:
            continue
        messages = messages or []
        projected, _ = camera.project_camera(person.joints3d)
        annotated = (person.visibility != UNLABELLED) & ~lift.completed & _known(person)
        distance = np.linalg.norm(person.joints2d[annotated] - projected[annotated], axis=-1)
        if not len(distance):
            messages.append(f"people[{i}].lift: 3D for no annotated joint")
            continue
        residual = float(np.sqrt(np.mean(distance**2)))
        if not abs(residual - lift.residual_px) <= RESIDUAL_PX + RESIDUAL_SHARE * residual:
            messages.append(
                f"people[{i}].lift.residual_px is {lift.residual_px:.4g}, the joints are {residual:.4g} px off"
            )
    return messages


def check_completed(subject: Subject) -> Messages:
    """Completed joints are placed, but hidden; 3D joints are numbers before the camera where there is 2D."""
    messages: Messages = None
    for i, person, lift in _lifted(subject):
        messages = messages or []
        if person.joints3d is None:
            messages.append(f"people[{i}].lift: there are no joints3d")
            continue
        placed = np.isfinite(person.joints2d).all(-1)
        wrong = lift.completed & ~(placed & (person.visibility == HIDDEN))
        messages += joint_messages(
            i, person, wrong, lambda j: "is completed: it must have a pixel and visibility 1"
        )
        known = _known(person)
        messages += joint_messages(
            i, person, lift.completed & ~known, lambda j: "is completed in 2D, but not in 3D"
        )
        behind = known & (person.joints3d[:, 2] <= 0)
        messages += joint_messages(i, person, behind, lambda j: "is lifted to a place behind the camera")
    return messages


def check_trust(subject: Subject) -> Messages:
    """Predicted errors are numbers within their own intervals, and those of joints and pose agree."""
    messages: Messages = None
    for i, person, lift in _lifted(subject):
        messages = messages or []
        if lift.method not in METHODS:
            messages.append(f"people[{i}].lift.method is {lift.method!r}, none of {', '.join(METHODS)}")
        messages += [f"people[{i}].lift: {fault}" for fault in _pose_faults(lift)]
        known = _known(person)
        low, high = lift.interval_mm[:, 0], lift.interval_mm[:, 1]
        sane = _millimetres(low) & _millimetres(high) & _millimetres(lift.error_mm)
        messages += joint_messages(i, person, known & ~sane, lambda j: "has an absurd predicted error")
        outside = known & sane & ~((low <= lift.error_mm) & (lift.error_mm <= high))
        messages += joint_messages(
            i, person, outside, lambda j: "has a predicted error outside its own interval"
        )
        errors = lift.error_mm[known & sane]
        if len(errors) and not (
            errors.min() / POSE_FACTOR <= lift.pose_error_mm <= errors.max() * POSE_FACTOR
        ):
            span = f"{errors.min():.4g} to {errors.max():.4g}"
            messages.append(
                f"people[{i}].lift.pose_error_mm is {lift.pose_error_mm:.4g}, its joints' are {span}"
            )
    return messages


def _pose_faults(lift: Lift) -> list[str]:
    low, high = (float(end) for end in lift.pose_interval_mm)
    faults = []
    if not (
        _millimetres(np.array([low, lift.pose_error_mm, high])).all() and low <= lift.pose_error_mm <= high
    ):
        faults.append(
            f"pose_error_mm {lift.pose_error_mm:.4g} is not within its interval {low:.4g} to {high:.4g}"
        )
    for name in ("match_distance", "residual_px"):
        value = getattr(lift, name)
        if not (np.isfinite(value) and value >= 0):
            faults.append(f"{name} is {value:.4g}")
    if lift.measured_error_mm is not None and not _millimetres(np.array(lift.measured_error_mm)):
        faults.append(f"measured_error_mm is {lift.measured_error_mm:.4g}")
    return faults


def _millimetres(values: NDArray[np.floating]) -> NDArray[np.bool_]:
    """Where a length is one that bodies can be off by; false for NaN."""
    return np.asarray((values >= MM_RANGE[0]) & (values <= MM_RANGE[1]))


def check_hypotheses(subject: Subject) -> Messages:
    """Hypotheses are poses before the camera, not mirrored, and spread as wide as is said."""
    messages: Messages = None
    for i, person, lift in _lifted(subject):
        messages = messages or []
        if not len(lift.hypotheses):
            messages.append(f"people[{i}].lift: no hypotheses")
            continue
        poses = lift.hypotheses.astype(np.float64)
        shape = skeleton(person.skeleton)
        known = _known(person)
        broken: Mask = ~np.isfinite(poses).all(axis=(0, 2)) & known
        messages += joint_messages(i, person, broken, lambda j: "is no number in a hypothesis")
        if np.nanmax(poses[..., 2].mean(1), initial=-np.inf) <= 0:
            messages.append(f"people[{i}].lift: every hypothesis is behind the camera")
        # `depth` fuses more matches than it reports, so its spread can only be a possible one.
        most = MM_RANGE[1] if lift.method == "depth" else _widest_mm(poses, shape) / np.sqrt(2) + SPREAD_MM
        wide = known & ~broken & ~(lift.spread_mm <= most)
        messages += joint_messages(
            i,
            person,
            wide | (known & ~(lift.spread_mm >= 0)),
            lambda j: "has a spread that its hypotheses lack",
        )
        if _mirrored(poses, shape):
            messages.append(f"people[{i}].lift: most hypotheses have left and right exchanged")
    return messages


def _widest_mm(poses: Array, shape: Skeleton) -> Array:
    """(J,) largest distance between two of the torso-centred poses (H, J, 3) at each joint, mm.

    No weighted deviation of points from their weighted mean exceeds it divided by the root of two.
    """
    centred = poses - poses[:, shape.indices(*TORSO)].mean(1, keepdims=True)
    widest = np.zeros(poses.shape[1])
    for pose in centred:
        widest = np.maximum(widest, np.linalg.norm(centred - pose, axis=-1).max(0))
    return 1e3 * widest


def _mirrored(poses: Array, shape: Skeleton) -> bool:
    """Whether most captured poses that can tell have their left on the right."""
    joints = np.asarray(convert(poses, shape, FULL_42), dtype=np.float64)
    told = [value for pose in joints for value in (face_side(pose), knee_side(pose)) if value is not None]
    return len(told) > 0 and float(np.mean(np.array(told) < 0)) > 0.5


def check_limbs(subject: Subject) -> Messages:
    """Limbs of lifted people are no longer than captured ones, and all together of a person's size."""
    messages: Messages = None
    for i, person, lift in _lifted(subject):
        if person.joints3d is None or not len(lift.hypotheses):
            continue
        messages = messages or []
        shape = skeleton(person.skeleton)
        lengths = _limb_lengths(person.joints3d.astype(np.float64), shape)
        longest = _limb_lengths(lift.hypotheses.astype(np.float64), shape).max(0)
        for limb, (start, end) in enumerate(_LIMBS):
            where = f"people[{i}]: {start} to {end}"
            left, right = lengths[limb].tolist()
            for side, own, most in zip(("left", "right"), (left, right), longest[limb].tolist(), strict=True):
                if own > LIMB_RATIO * most:
                    messages.append(
                        f"{where} is {own:.3f} m on the {side}, at most {most:.3f} m in hypotheses"
                    )
            if lift.method == "nn" and max(left, right) > SIDES_RATIO * min(left, right):
                messages.append(f"{where} is {left:.3f} m on the left, {right:.3f} m on the right")
        if not (np.isnan(lengths).any() or ALL_LIMBS_M[0] < lengths.sum() < ALL_LIMBS_M[1]):
            messages.append(f"people[{i}]: {lengths.sum():.4g} m of arms and legs are no person's")
    return messages


def _limb_lengths(joints: Array, shape: Skeleton) -> Array:
    """(..., 4, 2) metres of the limbs of (..., J, 3), left and right."""
    ends = [[(f"{side}_{a}", f"{side}_{b}") for side in "lr"] for a, b in _LIMBS]
    at = np.array([[shape.indices(*pair) for pair in row] for row in ends])
    return np.asarray(np.linalg.norm(joints[..., at[..., 0], :] - joints[..., at[..., 1], :], axis=-1))


def _known(person: Person) -> Mask:
    """(J,) joints that are lifted; libraries may lack some of a skeleton."""
    if person.joints3d is None:
        return np.zeros(len(person.visibility), bool)
    return np.asarray(np.isfinite(person.joints3d).all(axis=-1))


def _lifted(subject: Subject) -> Iterator[tuple[int, Person, Lift]]:
    for i, person in enumerate(subject.sample.people):
        if person.lift is not None:
            yield i, person, person.lift
