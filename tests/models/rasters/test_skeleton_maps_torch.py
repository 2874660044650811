"""The torch rasteriser: no pixel differs from the ray oracle, and none from the numba one, for every skeleton."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from posecorpus.core.errors import InputError
from posecorpus.core.skeletons import FULL_42, LCR_13, MPII_16, SKELETONS, Skeleton, convert
from posecorpus.models.rasters import skeleton_maps as on_torch
from posecorpus.pseudogt.skeleton_maps import maps as on_numba

sys.path.insert(0, str(Path(__file__).parents[2] / "pseudogt" / "skeleton_maps"))
from stick_oracle import oracle, random_person, random_view


def draw(
    joints: np.ndarray, K: np.ndarray, skeleton: Skeleton, windows: np.ndarray, size: int, width: np.ndarray | float
) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    stick_px = torch.from_numpy(width) if isinstance(width, np.ndarray) else width
    tensors = torch.from_numpy(joints), torch.from_numpy(K)
    front, back = on_torch.skeleton_maps(*tensors, skeleton, torch.from_numpy(windows), size, stick_px)
    assert front.dtype == back.dtype == torch.uint8
    return front.numpy(), back.numpy()


@pytest.mark.parametrize("wild", [False, True])
def test_no_pixel_differs_from_the_oracle(wild: bool) -> None:
    rng = np.random.default_rng(17 + wild)
    for _ in range(12):
        points, (K, window) = random_person(rng, wild), random_view(rng)
        size, width = int(rng.choice([13, 56, 64])), float(rng.uniform(0.4, 12))
        front, back, tied = oracle(points, K, window, size, width)
        foreground, background = draw(points[None], K, MPII_16, window[None], size, width)
        assert not (((foreground[0] != front) | (background[0] != back)) & ~tied).any()


@pytest.mark.parametrize("size", [56, 224])
def test_a_batch_equals_numba_pixel_for_pixel(size: int) -> None:
    rng = np.random.default_rng(size)
    people = np.stack([random_person(rng, wild=i % 2 == 1) for i in range(24)])
    views = [random_view(rng) for _ in people]
    K, windows = (np.stack(values) for values in zip(*views, strict=True))
    widths = rng.uniform(0.4, size / 15, len(people))
    ours = draw(people, K, MPII_16, windows, size, widths)
    theirs = on_numba.skeleton_maps(people, K, MPII_16, windows, size, widths)
    assert (ours[0] != ours[1]).sum() > 300
    np.testing.assert_array_equal(ours[0], theirs[0])
    np.testing.assert_array_equal(ours[1], theirs[1])


@pytest.mark.parametrize("skeleton", SKELETONS.values(), ids=SKELETONS)
def test_every_joint_set(skeleton: Skeleton) -> None:
    rng = np.random.default_rng(5)
    joints = rng.uniform((-0.8, -0.8, 1.0), (0.8, 0.8, 3.0), (6, len(skeleton), 3)).astype(np.float32)
    joints[rng.random(joints.shape[:2]) < 0.05] = np.nan
    K, window = random_view(rng)
    ours = draw(joints, K, skeleton, np.stack([window] * 6), 48, 3.0)
    theirs = on_numba.skeleton_maps(joints, K, skeleton, window, 48, 3.0)
    np.testing.assert_array_equal(ours, theirs)
    assert ours[0].any()


def test_points_straight_bones_and_nobody() -> None:
    straight = np.full((3, 16, 3), np.nan)
    straight[0, :, :] = (0.1, 0.2, 2.0)  # all joints at one point
    straight[1] = np.arange(16)[:, None] * (0.0, 0.0, 0.2) + (0.0, 0.0, 0.5)  # all bones on one ray
    straight[1, :, :2] = straight[1, :, 2:] * 0.03
    K = np.array([[200.0, 0, 50], [0, 200, 50], [0, 0, 1]])
    windows = np.array([[0.0, 0, 100, 100]] * 3)
    ours, theirs = (
        draw(straight, K, MPII_16, windows, 50, 5.0),
        on_numba.skeleton_maps(straight, K, MPII_16, windows, 50, 5.0),
    )
    np.testing.assert_array_equal(ours, theirs)
    assert [int((ours[0][i] > 0).sum()) for i in range(3)] == [16, 16, 0]  # centres within 2.5 of a corner
    front, _ = draw(straight[:0], K, MPII_16, windows[:0], 50, 5.0)
    assert front.shape == (0, 50, 50)


def test_absurd_numbers_are_the_same_nonsense() -> None:
    rng = np.random.default_rng(9)
    absurd = (0.0, 1e-9, 1.0, 1e9, 1e100, 1e308, -1.0, -1e308)
    for _ in range(30):
        people = rng.choice(absurd, (2, 16, 3)) * rng.uniform(0.1, 1, (2, 16, 3))
        K = np.diag([*rng.choice([1e-9, 1.0, 1e9, 1e308], 2), 1.0])
        windows = np.array([[0.0, 0, *rng.choice([1e-9, 1.0, 1e9], 2)]] * 2)
        width = float(rng.choice([1e-9, 1.0, 1e9, 1e300]))
        ours = draw(people, K, MPII_16, windows, 9, width)
        np.testing.assert_array_equal(ours, on_numba.skeleton_maps(people, K, MPII_16, windows, 9, width))


def test_single_precision_joints_and_one_window_for_all() -> None:
    rng = np.random.default_rng(1)
    joints = convert(random_person(rng)[None], MPII_16, MPII_16).astype(np.float32)
    K, window = random_view(rng)
    one = on_torch.skeleton_maps(
        torch.from_numpy(joints),
        torch.from_numpy(K).float(),
        MPII_16,
        torch.from_numpy(window).float(),
        56,
        3,
    )
    rounded = K.astype(np.float32), window.astype(np.float32)
    np.testing.assert_array_equal(
        one[0], on_numba.skeleton_maps(joints, rounded[0], MPII_16, rounded[1], 56, 3)[0]
    )


def test_colours_come_with_channels_first() -> None:
    ids = np.random.default_rng(0).integers(0, 20, (2, 5, 5), dtype=np.uint8)
    colours = on_torch.colour(torch.from_numpy(ids))
    np.testing.assert_array_equal(colours.permute(0, 2, 3, 1), on_numba.colour(ids))


def test_joints_of_another_skeleton_are_refused() -> None:
    joints = torch.zeros(1, len(FULL_42), 3)
    with pytest.raises(InputError, match=r"\(N, 13, 3\)"):
        on_torch.skeleton_maps(joints, torch.eye(3), LCR_13, torch.tensor([0.0, 0, 1, 1]), 8, 1.0)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_a_gpu_draws_the_same() -> None:
    rng = np.random.default_rng(2)
    people = torch.from_numpy(np.stack([random_person(rng, wild=i % 2 == 1) for i in range(64)]))
    K, window = (torch.from_numpy(value) for value in random_view(rng))
    here = on_torch.skeleton_maps(people, K, MPII_16, window, 224, 7.0)
    there = on_torch.skeleton_maps(people.cuda(), K.cuda(), MPII_16, window.cuda(), 224, 7.0)
    for ours, theirs in zip(here, there, strict=True):
        assert theirs.device.type == "cuda"
        assert torch.count_nonzero(ours != theirs.cpu()) <= 3  # fused multiply-adds may break a tie
