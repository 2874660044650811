"""Near-duplicates are dropped exactly: against brute force on all pairs."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from library_people import moving_people, random_people
from numpy.typing import NDArray

from posecorpus.core.skeletons import FULL_42
from posecorpus.pseudogt.library.build import BLOCK, select_poses
from posecorpus.pseudogt.library.distinct import DistinctPoses, distinct_poses
from posecorpus.pseudogt.library.heading import facing_forward, headings, mirrored, torso_centred, turned


def greedy(poses: NDArray[np.floating], spacing: float) -> list[int]:
    """The same by definition: every pose against all kept ones, in float64."""
    points = facing_forward(poses)
    apart = np.linalg.norm(points[:, None] - points[None], axis=-1).mean(-1)
    kept: list[int] = []
    for n in range(len(points)):
        if not (apart[n, kept] <= spacing).any():
            kept.append(n)
    return kept


@settings(max_examples=15)
@given(st.integers(0, 2**32), st.floats(0.005, 0.4), st.booleans())
def test_equals_the_definition(seed: int, spacing: float, moving: bool) -> None:
    rng = np.random.default_rng(seed)
    people = moving_people(4, 40, rng) if moving else random_people(150, rng, bend=0.2)
    poses = torso_centred(people)
    assert distinct_poses(poses, spacing).tolist() == greedy(poses, spacing)


def test_no_two_kept_poses_are_close_and_every_dropped_one_is_close_to_a_kept_one() -> None:
    people = moving_people(8, 100, np.random.default_rng(0)).astype(np.float32)
    kept, flipped = select_poses(people, 30.0, mirror=False)
    assert not flipped.any()
    assert 30 < len(kept) < len(people)
    points = facing_forward(torso_centred(people))
    apart = np.linalg.norm(points[:, None] - points[None, kept], axis=-1).mean(-1)
    assert (apart.min(1) <= 0.030 + 1e-6).all()
    among = apart[kept] + np.eye(len(kept))
    assert among.min() > 0.030 - 1e-6


def test_blocks_and_samples_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    people = moving_people(6, 100, np.random.default_rng(1))
    whole = select_poses(people, 30.0, mirror=True)
    monkeypatch.setattr("posecorpus.pseudogt.library.build.BLOCK", 37)
    assert BLOCK != 37
    pieces = select_poses(people, 30.0, mirror=True)
    assert all(np.array_equal(a, b) for a, b in zip(whole, pieces, strict=True))
    centred = torso_centred(people)
    for sample in (centred[:1], centred[::7]):
        assert np.array_equal(np.flatnonzero(DistinctPoses(0.03, sample).admit(centred)), whole[0][~whole[1]])


def test_turned_poses_are_duplicates_and_mirrored_ones_are_not() -> None:
    poses = torso_centred(random_people(40, np.random.default_rng(2)))
    angles = np.random.default_rng(3).uniform(-4, 4, len(poses))
    both = np.concatenate([poses, turned(poses, angles)])
    assert distinct_poses(both, 0.001).tolist() == list(range(40))
    kept, flipped = select_poses(both, 1.0, mirror=True)
    assert kept[0] == 0 and not flipped[0]
    kept, flipped = select_poses(both, 1.0 / 1000, mirror=True)
    assert len(kept) == 80 and flipped.sum() == 40
    assert np.array_equal(kept[flipped], kept[~flipped])


def test_headings_follow_turns_and_flip_in_the_mirror() -> None:
    poses = torso_centred(random_people(50, np.random.default_rng(4)))
    angles = np.random.default_rng(5).uniform(-4, 4, len(poses))
    difference = headings(turned(poses, angles)) - headings(poses) - angles
    assert np.abs((difference + np.pi) % (2 * np.pi) - np.pi).max() < 1e-9
    total = headings(mirrored(poses)) + headings(poses)
    assert np.abs((total + np.pi) % (2 * np.pi) - np.pi).max() < 1e-9
    assert np.array_equal(mirrored(mirrored(poses)), poses)
    forward = facing_forward(poses)
    left, right = (forward[:, FULL_42.index(name)] for name in ("l_hip", "r_hip"))
    assert np.abs(headings(forward)).max() < 1e-9
    assert ((left - right)[:, 0] > 0).mean() > 0.9  # +X is the left of who faces +Z


def test_spacing_zero_drops_exact_copies_only() -> None:
    poses = torso_centred(random_people(20, np.random.default_rng(6)))
    assert len(distinct_poses(np.concatenate([poses, poses]), 0.0)) == 20
