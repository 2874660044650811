"""The verifier's visibility against the labeller's on rasters of noise: every flag is right, every flip is found."""

from __future__ import annotations

import numpy as np
import pytest

from posecorpus.core.parts import SMPL_24_PARTS
from posecorpus.core.sample import HIDDEN, VISIBLE, Person, Sample
from posecorpus.core.skeletons import FULL_42
from posecorpus.inspect.verify.rasters import check_joint_parts
from posecorpus.inspect.verify.subject import Subject
from posecorpus.inspect.verify.visibility import check_visibility
from posecorpus.synth.labels import (
    BEHIND_M,
    INNER_DEPTH_M,
    JOINT_PARTS,
    SURFACE_JOINTS,
    SURFACE_TOLERANCE_M,
    visibility,
)
from posecorpus.synth.quantise import quantise
from posecorpus.synth.scene import Frame

WIDTH, HEIGHT = 40, 30


def noise(seed: int) -> tuple[Subject, np.ndarray]:
    """One person among pixels of anything, at depths around the bounds; and each joint's clearance from them."""
    rng = np.random.default_rng(seed)
    shape = (HEIGHT, WIDTH)
    joints2d = rng.uniform((-2, -2), (WIDTH + 2, HEIGHT + 2), (42, 2)).astype(np.float32)
    z = rng.uniform(1.9, 2.1, 42)
    parts = rng.integers(0, 25, shape).astype(np.uint8)
    depth = rng.uniform(1.6, 2.3, shape)
    for j, (x, y) in enumerate(np.floor(joints2d).astype(int)):  # most joints have some of their own around
        for dx, dy in rng.integers(-1, 2, (3, 2)):
            if 0 <= x + dx < WIDTH and 0 <= y + dy < HEIGHT:
                parts[y + dy, x + dx] = rng.choice(np.flatnonzero(JOINT_PARTS[j]))
                depth[y + dy, x + dx] = z[j] - rng.normal(0, 0.04)
    instances = np.where(parts > 0, rng.choice([1, 1, 1, 2], shape), 0).astype(np.uint8)
    depth[(parts == 0) & (rng.random(shape) < 0.5)] = 0  # elsewhere an occluder
    frame = Frame(
        np.zeros((*shape, 3), np.uint8), depth.astype(np.float32), parts, instances,
        np.zeros((*shape, 3), np.float32), np.zeros((*shape, 2), np.float32),
    )  # fmt: skip
    flags = visibility(joints2d, z, frame, 1)
    joints3d = np.column_stack([np.zeros((42, 2)), z]).astype(np.float32)
    box = np.array([0, 0, WIDTH, HEIGHT], np.float32)
    person = Person("full_42", joints2d, flags, box, joints3d=joints3d, body="open", gender="neutral")
    other = Person("full_42", joints2d, flags * 0, box)
    other.joints2d = np.full_like(joints2d, np.nan)
    sample = Sample(
        "noise",
        WIDTH,
        HEIGHT,
        [person, other],
        parts=parts,
        instances=instances,
        depth_mm=quantise(frame)[0],
    )
    gaps = np.abs(z[:, None] - depth.ravel())
    bounds = np.array([0, SURFACE_TOLERANCE_M, BEHIND_M, INNER_DEPTH_M])
    near = np.abs(gaps[..., None] - bounds).min(-1).reshape(42, *shape) < 3e-3
    undecided = np.zeros(42, bool)
    for j, (x, y) in enumerate(np.floor(joints2d).astype(int)):
        undecided[j] = near[j, max(y - 1, 0) : max(y + 2, 0), max(x - 1, 0) : max(x + 2, 0)].any()
    return Subject(sample, None, SMPL_24_PARTS), undecided


@pytest.mark.parametrize("seed", range(40))
def test_true_flags_hold(seed: int) -> None:
    subject, _ = noise(seed)
    assert check_visibility(subject) == []
    assert check_joint_parts(subject) == []


def test_every_flipped_flag_is_found() -> None:
    flipped: dict[int, set[str]] = {VISIBLE: set(), HIDDEN: set()}
    outlined = set()
    for seed in range(160):
        subject, undecided = noise(seed)
        flags = subject.sample.people[0].visibility
        for j in np.flatnonzero(~undecided):
            before = flags[j]
            flags[j] = HIDDEN if before == VISIBLE else VISIBLE
            (message,) = check_visibility(subject) or [""]
            assert message.startswith(f"people[0].{FULL_42.joints[j]} is")
            flags[j] = before
            x, y = np.floor(subject.sample.people[0].joints2d[j]).astype(int)
            if before == VISIBLE and subject.sample.instances[y, x] != 1:
                outlined.add(FULL_42.joints[j])
            flipped[before].add(FULL_42.joints[j])
    assert flipped[VISIBLE] == flipped[HIDDEN] == set(FULL_42.joints)
    assert outlined == set(SURFACE_JOINTS)
