"""What skeleton maps promise: order along the ray, common ends that are no crossing, the near plane, windows, flips."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial import cKDTree
from stick_oracle import random_person, random_view

from posecorpus.core.cameras import Camera
from posecorpus.core.errors import InputError
from posecorpus.core.skeletons import FULL_42, LSP_14, MPII_16, convert
from posecorpus.core.sticks import MIRROR_TABLE, STICKS
from posecorpus.pseudogt.skeleton_maps.maps import colour, skeleton_maps

K = np.array([[100.0, 0, 50], [0, 100, 50], [0, 0, 1]])
WINDOW = np.array([0.0, 0, 100, 100])
SEED = st.integers(0, 2**32 - 1)
ID = {stick.name: i for i, stick in enumerate(STICKS, 1)}


def joints(**places: tuple[float, float, float]) -> np.ndarray:
    """(1, 16, 3) of ``mpii_16``: x and y in metres AT depth 1 (so 100 px each), z in metres; others missing."""
    result = np.full((1, len(MPII_16), 3), np.nan)
    for name, (x, y, z) in places.items():
        result[0, MPII_16.index(name)] = x * z, y * z, z
    return result


def draw(people: np.ndarray, width: float = 5.0, size: int = 100) -> tuple[np.ndarray, np.ndarray]:
    foreground, background = skeleton_maps(people, K, MPII_16, WINDOW, size, width)
    return foreground[0], background[0]


def test_a_stick_is_the_pixels_within_half_a_width() -> None:
    foreground, background = draw(joints(r_elbow=(-0.2, 0.0, 2), r_wrist=(0.2, 0.0, 3)), width=6.0)
    y, x = np.mgrid[:100, :100] + 0.5
    beyond = np.maximum(np.abs(x - 50) - 20, 0)
    np.testing.assert_array_equal(foreground == ID["r_forearm"], np.hypot(beyond, y - 50) <= 3)
    np.testing.assert_array_equal(foreground, background)
    assert set(np.unique(foreground)) == {0, ID["r_forearm"]}


def test_depth_is_that_of_the_bone_point_on_the_pixels_ray() -> None:
    # The forearm runs from 1 m to 10 m. Halfway along its IMAGE it is 2 / (1/1 + 1/10) = 1.82 m away, before the shin
    # at 3 m; a linear blend would say 5.5 m. Where 1/z = 1/3 it is passed: at 74 % of its image, x = 50 + 40 * .4815.
    people = joints(
        r_elbow=(-0.4, 0, 1), r_wrist=(0.4, 0, 10), l_knee=(-0.4, 0.004, 3), l_ankle=(0.4, 0.004, 3)
    )  # fmt: skip
    foreground, background = draw(people, width=5.0)
    swap = 50 + 80 * ((1 - 1 / 3) / (1 - 1 / 10) - 0.5)
    for column in range(12, 88):
        near, far = (
            ("r_forearm", "l_shin") if column + 0.5 < swap else ("l_shin", "r_forearm")
        )  # fmt: skip
        assert (foreground[50, column], background[50, column]) == (ID[near], ID[far])


def test_of_three_bones_the_nearest_and_the_farthest_are_shown() -> None:
    people = joints(
        r_elbow=(-0.3, 0, 2.0), r_wrist=(0.3, 0, 2.0),
        l_elbow=(0, -0.3, 2.5), l_wrist=(0, 0.3, 2.5),
        r_knee=(-0.2, -0.2, 3.0), r_ankle=(0.2, 0.2, 3.0),
    )  # fmt: skip
    foreground, background = draw(people)
    assert (foreground[50, 50], background[50, 50]) == (ID["r_forearm"], ID["r_shin"])
    assert (foreground[30, 50], foreground[64, 64], foreground[50, 30]) == (
        ID["l_forearm"], ID["r_shin"], ID["r_forearm"],
    )  # fmt: skip


@settings(max_examples=60)
@given(st.floats(60.5, 180), st.floats(0, 360), st.floats(-0.8, 0.8), st.floats(-0.8, 0.8), st.floats(2, 8))
def test_a_common_end_is_no_crossing(
    bend: float, turn: float, upper: float, fore: float, width: float
) -> None:
    """Bones of one limb that are bent to 60 degrees or more meet only near their joint: the maps are the same."""
    places = {"r_elbow": (0.03, 0.02, 2.0)}
    for name, degrees, dz in (("r_shoulder", turn, upper), ("r_wrist", turn + bend, fore)):
        x, y = 0.3 * np.cos(np.radians(degrees)), 0.3 * np.sin(np.radians(degrees))
        places[name] = (0.03 + x, 0.02 + y, 2.0 + dz)
    foreground, background = draw(joints(**places), width)
    np.testing.assert_array_equal(foreground, background)
    # Each pixel of the common end belongs to the bone whose direction is nearer to its own.
    y, x = np.mgrid[:100, :100] + 0.5
    dx, dy = x - 53, y - 52
    angles = [np.radians(degrees) - np.arctan2(dy, dx) for degrees in (turn, turn + bend)]
    off = [np.abs(np.arctan2(np.sin(angle), np.cos(angle))) for angle in angles]
    end = (np.hypot(dx, dy) <= width / 2 - 1e-6) & (np.abs(off[0] - off[1]) > 1e-6)
    expected = np.where(off[0] < off[1], ID["r_upper_arm"], ID["r_forearm"])
    np.testing.assert_array_equal(foreground[end], expected[end])


def test_a_folded_limb_crosses_itself_away_from_the_joint() -> None:
    # The forearm comes back towards the shoulder, in front of the upper arm, on the same line of the image.
    people = joints(r_shoulder=(-0.3, 0.001, 2.5), r_elbow=(0.2, 0, 2.0), r_wrist=(-0.2, 0, 1.6))
    foreground, background = draw(people, width=6.0)
    assert {*foreground[48:52, 32:63].ravel()} == {ID["r_forearm"]}
    assert {*background[48:52, 32:63].ravel()} == {ID["r_upper_arm"]}
    within = np.hypot(*(np.mgrid[:100, :100] + 0.5 - np.array([50, 70])[:, None, None])) <= 6
    np.testing.assert_array_equal(foreground[within], background[within])


def test_a_third_bone_crosses_a_common_end() -> None:
    elbow = {"r_shoulder": (-0.3, 0.0, 2.0), "r_elbow": (0.0, 0.0, 2.0), "r_wrist": (0.0, 0.3, 2.0)}
    alone, _ = draw(joints(**elbow))
    for depth in (1.5, 2.5):
        shin = {"l_knee": (-0.2, -0.21, depth), "l_ankle": (0.2, 0.19, depth)}
        only, _ = draw(joints(**shin))
        foreground, background = draw(joints(**elbow, **shin))
        both = (alone > 0) & (only > 0)
        assert both.sum() > 20
        near, far = (only, alone) if depth < 2 else (alone, only)
        np.testing.assert_array_equal(foreground[both], near[both])
        np.testing.assert_array_equal(background[both], far[both])


def test_a_bone_between_two_others_that_it_joins_does_not_hide_their_crossing() -> None:
    # The upper arm points at the camera: elbow and shoulder are seen at nearly the same pixel, 30 cm apart.
    people = joints(
        thorax=(-0.2, 0, 2.0), r_shoulder=(0.0, 0, 2.0), r_elbow=(0.002, 0.001, 1.7), r_wrist=(-0.15, 0.05, 1.7)
    )  # fmt: skip
    foreground, background = draw(people, width=8.0)
    crossing = foreground != background
    assert crossing.sum() > 30
    assert set(foreground[crossing]) == {ID["r_forearm"]} and set(background[crossing]) == {ID["r_shoulder"]}


def test_bones_behind_the_camera() -> None:
    gone = joints(r_elbow=(0.1, 0, -1), r_wrist=(0, 0.2, 0.049), l_elbow=(-0.1, 0, 2), l_wrist=(0.1, 0, 2))
    foreground, _ = draw(gone)
    assert set(np.unique(foreground)) == {0, ID["l_forearm"]}
    partly = np.full((1, 16, 3), np.nan)
    start, end = np.array([0.2, 0.1, 2.0]), np.array([-0.1, 0.3, -1.0])
    partly[0, MPII_16.indices("r_elbow", "r_wrist")] = start, end
    foreground, background = draw(partly, width=4.0)
    np.testing.assert_array_equal(foreground, background)
    walk = start + np.linspace(0, (2 - 0.05) / 3, 200_001)[:, None] * (end - start)  # up to the near plane
    seen, _ = Camera(K, np.eye(3), np.zeros(3), 100, 100).project_camera(walk)
    y, x = np.mgrid[:100, :100] + 0.5
    distance, _ = cKDTree(seen).query(np.column_stack([x.ravel(), y.ravel()]))
    sure = np.abs(distance - 2) > 1e-3
    np.testing.assert_array_equal((foreground > 0).ravel()[sure], (distance <= 2)[sure])


def test_a_missing_joint_leaves_its_sticks_out_and_nothing_else() -> None:
    rng = np.random.default_rng(0)
    person, (intrinsics, window) = random_person(rng), random_view(rng)
    for name in MPII_16.joints:
        gapped = person.copy()
        gapped[MPII_16.index(name), rng.integers(3)] = rng.choice([np.nan, np.inf])
        foreground, background = skeleton_maps(gapped[None], intrinsics, MPII_16, window, 80, 3.0)
        lost = {i for i, stick in enumerate(STICKS, 1) if name in (stick.start, stick.end)}
        assert lost and not lost & {*foreground.ravel(), *background.ravel()}


ABSURD = (0.0, 1e-300, 1e-9, 1.0, 1e9, 1e100, 1e308, -1.0, -1e308)


@settings(max_examples=60)
@given(SEED)
def test_absurd_numbers_draw_nothing_worse_than_nonsense(seed: int) -> None:
    """Files are hostile: whatever finite numbers they hold, no pixel outside the map is touched."""
    rng = np.random.default_rng(seed)
    people = rng.choice(ABSURD, (3, 16, 3)) * rng.uniform(0.1, 1, (3, 16, 3))
    focal = rng.choice([1e-300, 1e-9, 1.0, 1e100, 1e308], 2)
    intrinsics = np.array([[focal[0], rng.choice(ABSURD), 0], [0, focal[1], 0], [0, 0, 1]])
    low = rng.choice(ABSURD[:6], 2)
    window = np.concatenate([low, low * 2 + rng.choice([1e-300, 1e-9, 1.0, 1e100], 2)])
    width = float(rng.choice([1e-300, 1.0, 1e9, 1e300]))
    foreground, background = skeleton_maps(people, intrinsics, MPII_16, window, 9, width)
    np.testing.assert_array_equal(foreground > 0, background > 0)
    assert max(foreground.max(), background.max()) <= len(STICKS)


def test_a_bone_that_ends_too_far_away_to_be_exact_is_left_out() -> None:
    for away, drawn in ((0.9e9, True), (1.1e9, False)):
        foreground, _ = draw(
            joints(r_elbow=(0, 0, 2), r_wrist=(away / 100, 0, 2), l_elbow=(0, 0.2, 2), l_wrist=(0.1, 0.2, 2))
        )
        assert set(np.unique(foreground)) == {0, ID["l_forearm"]} | ({ID["r_forearm"]} if drawn else set())


@settings(max_examples=40)
@given(SEED, st.booleans())
def test_flipping_the_view_flips_the_maps(seed: int, wild: bool) -> None:
    rng = np.random.default_rng(seed)
    person, (intrinsics, window) = random_person(rng, wild), random_view(rng)
    flipped = person[MPII_16.mirror] * (-1, 1, 1)
    camera = Camera(intrinsics, np.eye(3), np.zeros(3), 200, 180).flip()
    mirrored = np.array([200 - window[2], window[1], 200 - window[0], window[3]])
    maps = skeleton_maps(person[None], intrinsics, MPII_16, window, 64, 4.3)
    for there, back in zip(
        skeleton_maps(flipped[None], camera.K, MPII_16, mirrored, 64, 4.3), maps, strict=True
    ):
        # Rounding may break ties differently: hardly ever.
        assert (MIRROR_TABLE[there[:, :, ::-1]] != back).sum() <= 1


@settings(max_examples=40)
@given(SEED, st.integers(-20, 20), st.integers(-20, 20), st.integers(1, 3))
def test_windows_are_views_of_one_plane(seed: int, right: int, down: int, finer: int) -> None:
    """Shifting a window by whole pixels of the map shifts the map; a camera of the crop gives the same map."""
    rng = np.random.default_rng(seed)
    person, (intrinsics, _) = random_person(rng), random_view(rng)
    window = np.array([10.0, 20.0, 10 + 64 / finer, 20 + 64 / finer])
    whole = skeleton_maps(person[None], intrinsics, MPII_16, window, 64, 3.7)
    moved = window + np.array([right, down, right, down]) / finer
    part = skeleton_maps(person[None], intrinsics, MPII_16, moved, 64, 3.7)
    camera = Camera(intrinsics, np.eye(3), np.zeros(3), 300, 300).crop(10, 20, 64, 64)
    camera = replace(camera, K=np.diag([finer, finer, 1.0]) @ camera.K)
    cropped = skeleton_maps(person[None], camera.K, MPII_16, np.array([0.0, 0, 64, 64]), 64, 3.7)
    for ours, theirs, same in zip(whole, part, cropped, strict=True):
        rows, columns = slice(max(down, 0), 64 + min(down, 0)), slice(max(right, 0), 64 + min(right, 0))
        there = ours[0, rows, columns]
        back = theirs[0, max(-down, 0) : 64 - max(down, 0), max(-right, 0) : 64 - max(right, 0)]
        assert (there != back).sum() <= 1 and (ours != same).sum() <= 1


@settings(max_examples=40)
@given(SEED)
def test_maps_show_the_same_pixels_and_wider_sticks_hold_thinner_ones(seed: int) -> None:
    rng = np.random.default_rng(seed)
    person, (intrinsics, window) = random_person(rng, wild=True), random_view(rng)
    widths = np.sort(rng.uniform(0.3, 12, 4))
    maps = skeleton_maps(np.stack([person] * 4), intrinsics, MPII_16, window, 48, widths)
    np.testing.assert_array_equal(maps[0] > 0, maps[1] > 0)
    assert max(maps[0].max(), maps[1].max()) <= len(STICKS)
    for thin, wide in zip(maps[0][:-1], maps[0][1:], strict=True):
        assert not ((thin > 0) & (wide == 0)).any()


def test_a_batch_is_its_people_one_by_one_and_repeats_itself() -> None:
    rng = np.random.default_rng(4)
    people = np.stack([random_person(rng) for _ in range(5)])
    views = [random_view(rng) for _ in people]
    batch = [np.stack(values) for values in zip(*views, strict=True)]
    widths = np.array([1.0, 2, 3, 4, 5])
    together = skeleton_maps(people, batch[0], MPII_16, batch[1], 40, widths)
    again = skeleton_maps(people, batch[0], MPII_16, batch[1], 40, widths)
    np.testing.assert_array_equal(together, again)
    for i, (person, (intrinsics, window)) in enumerate(zip(people, views, strict=True)):
        alone = skeleton_maps(person[None], intrinsics, MPII_16, window, 40, widths[i])
        np.testing.assert_array_equal(alone, [m[i : i + 1] for m in together])
    assert [m.shape for m in skeleton_maps(people[:0], K, MPII_16, WINDOW, 8, 1.0)] == [(0, 8, 8)] * 2


def test_joint_sets_draw_the_sticks_whose_joints_they_share() -> None:
    rng = np.random.default_rng(8)
    person = rng.uniform((-0.8, -0.8, 1.5), (0.8, 0.8, 3.0), (1, len(FULL_42), 3))
    full, mpii = (
        skeleton_maps(convert(person, FULL_42, s), K, s, WINDOW, 64, 3.0) for s in (FULL_42, MPII_16)
    )
    np.testing.assert_array_equal(full, mpii)
    limbs = [
        i for i, stick in enumerate(STICKS, 1) if {stick.start, stick.end}.isdisjoint({"pelvis", "thorax"})
    ]
    for i in limbs:  # alone, so that nothing hides them
        only = np.full((1, 14, 3), np.nan)
        ends = LSP_14.indices(
            *(n.replace("upper_neck", "neck") for n in (STICKS[i - 1].start, STICKS[i - 1].end))
        )
        only[0, ends] = convert(person, FULL_42, LSP_14)[0, ends]
        drawn = skeleton_maps(only, K, LSP_14, WINDOW, 64, 3.0)[0]
        bare = np.full((1, 16, 3), np.nan)
        bare[0, MPII_16.indices(STICKS[i - 1].start, STICKS[i - 1].end)] = only[0, ends]
        np.testing.assert_array_equal(drawn, skeleton_maps(bare, K, MPII_16, WINDOW, 64, 3.0)[0])


def test_colours() -> None:
    ids = np.array([[0, 5, 255]], np.uint8)
    assert colour(ids).tolist() == [[[0, 0, 0], [255, 0, 0], [255, 0, 255]]]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"joints3d": np.zeros((16, 3))}, r"\(N, J, 3\)"),
        ({"joints3d": np.zeros((1, 14, 3))}, r"\(\.\.\., 16, D\)"),
        ({"K": np.zeros((2, 3, 3))}, r"\(1, 3, 3\)"),
        ({"K": np.eye(3)[::-1]}, "0 0 1"),
        ({"windows": [0, 0, 0, 5]}, "x0 < x1"),
        ({"windows": [0, 0, np.nan, 5]}, "finite"),
        ({"stick_px": 0.0}, "above 0"),
        ({"size": 0}, "1 to 4096"),
        ({"size": 100_000}, "1 to 4096"),
    ],
)  # fmt: skip
def test_mistakes_are_refused(change: dict[str, object], message: str) -> None:
    good = {
        "joints3d": np.zeros((1, 16, 3)),
        "K": K,
        "skeleton": MPII_16,
        "windows": WINDOW,
        "size": 8,
        "stick_px": 2.0,
    }
    with pytest.raises(InputError, match=message):
        skeleton_maps(**(good | change))
