"""Labels follow their picture exactly: against closed forms, joint by joint, and against the pixels themselves."""

from __future__ import annotations

import math
from dataclasses import replace

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from posecorpus.core.cameras import Camera
from posecorpus.core.codecs import encode
from posecorpus.core.errors import InputError
from posecorpus.core.parts import SMPL_24_PARTS
from posecorpus.core.sample import HIDDEN, UNLABELLED, VISIBLE, Person, Sample
from posecorpus.core.skeletons import COCO_17, LCR_13, Skeleton, opposite
from posecorpus.models.data.augment import AugmentParams, draw_view, plain_view, seen
from posecorpus.models.data.frame import fit_size
from posecorpus.models.data.view import View

PARAMS = AugmentParams(flip=0.5, scale=(0.4, 2.0), rotation_deg=180.0, shift=0.4)
seeds = st.integers(0, 2**32 - 1)


def crowd(random: np.random.Generator, width: int, height: int, one_focal: bool = False) -> Sample:
    """Two people of two joint sets, of a camera with any K; some joints and one person without labels in space."""
    fx, fy = random.uniform(0.7, 2.0, 2) * width
    K = np.array([[fx, random.normal(0, 3), width / 2 + 9], [0, fy, height / 2 - 4], [0, 0, 1.0]])
    if one_focal:
        K[0, 1], K[1, 1] = 0.0, fx
    R, _ = cv2.Rodrigues(random.normal(0, 1, 3))
    camera = Camera(K, R, random.normal(0, 1, 3), width, height)
    people = []
    for skeleton in (LCR_13, COCO_17):
        space = random.uniform((-1.5, -1.5, 2), (1.5, 1.5, 5), (len(skeleton), 3)).astype(np.float32)
        points = camera.project_camera(space)[0].astype(np.float32)
        visibility = random.integers(0, 3, len(skeleton)).astype(np.uint8)
        points[visibility == UNLABELLED] = np.nan
        people.append(
            Person(
                skeleton=skeleton.name,
                joints2d=points,
                joints3d=space if skeleton is LCR_13 or random.random() < 0.5 else None,
                visibility=visibility,
                bbox=np.array([5, 6, width - 7, height - 8], np.float32),
                pose=np.zeros((24, 3), np.float32),
                betas=np.zeros(10, np.float32),
                translation=np.zeros(3, np.float32),
            )
        )
    return Sample("crowd", width, height, people, camera=camera)


def everywhere(view: View) -> View:
    """The same view of a window so large that nobody leaves it."""
    far = 1 << 20
    matrix = view.matrix.copy()
    matrix[:, 2] += far / 2
    return View(matrix, far, far)


def mirror(width: int, height: int) -> View:
    return View(np.array([[-1.0, 0, width], [0, 1.0, 0]]), width, height)


@given(seed=seeds)
def test_joints_go_where_the_matrix_sends_them_and_sides_are_exchanged(seed: int) -> None:
    random = np.random.default_rng(seed)
    sample = crowd(random, 160, 120)
    view = everywhere(draw_view(160, 120, (120, 160), PARAMS, random))
    for skeleton, before, after in zip(
        (LCR_13, COCO_17), sample.people, seen(sample, view).people, strict=True
    ):
        for i, joint in enumerate(skeleton.joints):
            source = skeleton.index(opposite(joint)) if view.mirrored else i
            expected = view.matrix @ [*before.joints2d[source], 1.0]
            np.testing.assert_allclose(after.joints2d[i], expected, rtol=1e-6, atol=1e-3)
            assert after.visibility[i] == before.visibility[source]
        assert (after.joints3d is None) == (before.joints3d is None)
        assert after.pose is after.betas is after.translation is after.lift is None


@given(seed=seeds, one_focal=st.booleans())
def test_new_joints_in_space_seen_by_the_new_camera_are_the_new_joints(seed: int, one_focal: bool) -> None:
    random = np.random.default_rng(seed)
    sample = crowd(random, 160, 120, one_focal)
    view = draw_view(160, 120, (240, 320), PARAMS, random)
    moved = seen(sample, View(view.matrix, 1 << 20, 1 << 20))
    assert moved.camera is not None and sample.camera is not None
    for skeleton, before in zip((LCR_13, COCO_17), sample.people, strict=True):
        after = next((p for p in moved.people if p.skeleton == skeleton.name), None)
        if after is None or after.joints3d is None or before.joints3d is None:
            continue
        order = [skeleton.index(opposite(j)) if view.mirrored else i for i, j in enumerate(skeleton.joints)]
        expected = view.moved(sample.camera.project_camera(before.joints3d)[0])[order]
        np.testing.assert_allclose(moved.camera.project_camera(after.joints3d)[0], expected, atol=2e-3)
        # Nothing in space is bent: depths and distances stay.
        np.testing.assert_array_equal(after.joints3d[:, 2], before.joints3d[order, 2])
        np.testing.assert_allclose(
            np.linalg.norm(after.joints3d, axis=1), np.linalg.norm(before.joints3d[order], axis=1), rtol=1e-5
        )
    K = moved.camera.K
    assert K[1, 0] == K[2, 0] == K[2, 1] == 0 and K[0, 0] > 0 and K[1, 1] > 0
    if one_focal:
        np.testing.assert_allclose(K[[0, 1], [0, 1]], view.scale * sample.camera.K[0, 0])
        assert abs(K[0, 1]) < 1e-9


def test_without_a_camera_space_turns_as_the_picture_does() -> None:
    sample = replace(crowd(np.random.default_rng(0), 160, 120), camera=None)
    quarter = View(np.array([[0.0, -1.0, 120.0], [1.0, 0.0, 0.0]]), 120, 160)  # x to y, y to -x
    before, after = sample.people[0], seen(sample, quarter).people[0]
    assert before.joints3d is not None and after.joints3d is not None
    np.testing.assert_allclose(after.joints3d, before.joints3d[:, [1, 0, 2]] * [-1, 1, 1], atol=1e-6)


def test_a_world_seen_by_the_mirrored_camera() -> None:
    sample = crowd(np.random.default_rng(1), 160, 120)
    assert sample.camera is not None
    moved = seen(sample, mirror(160, 120)).camera
    assert moved is not None
    expected = sample.camera.flip()
    np.testing.assert_allclose(moved.R, expected.R, atol=1e-12)
    np.testing.assert_allclose(moved.t, expected.t, atol=1e-12)
    world = np.random.default_rng(2).normal(0, 1, (20, 3))
    np.testing.assert_allclose(
        moved.project(world * [-1, 1, 1])[0], sample.camera.project(world)[0] * [-1, 1] + [160, 0]
    )


@given(seed=seeds, width=st.integers(33, 64), height=st.integers(33, 64))
@settings(max_examples=25)
def test_mirrored_twice_is_as_before(seed: int, width: int, height: int) -> None:
    random = np.random.default_rng(seed)
    sample = crowd(random, width, height)
    sample.image = random.integers(0, 256, (height, width, 3), np.uint8)
    sample.parts = random.integers(0, 25, (height, width), np.uint8)
    sample.instances = random.integers(0, 3, (height, width), np.uint8)
    view = mirror(width, height)
    once = seen(sample, view, SMPL_24_PARTS)
    assert once.image is not None and once.parts is not None
    np.testing.assert_array_equal(once.image, sample.image[:, ::-1])
    np.testing.assert_array_equal(once.parts, SMPL_24_PARTS.mirror[sample.parts[:, ::-1]])
    twice = seen(once, view, SMPL_24_PARTS)
    stayed = [p for p in sample.people if inside(p, width, height)]
    assert len(twice.people) == len(stayed)
    for before, after in zip(stayed, twice.people, strict=True):
        np.testing.assert_allclose(after.joints2d, before.joints2d, atol=1e-4)
        np.testing.assert_allclose(after.bbox, before.bbox, atol=1e-4)
        if before.joints3d is not None:
            np.testing.assert_allclose(after.joints3d, before.joints3d, atol=1e-6)
    assert twice.camera is not None and sample.camera is not None
    np.testing.assert_allclose(twice.camera.K, sample.camera.K, atol=1e-9)
    np.testing.assert_allclose(twice.camera.R, sample.camera.R, atol=1e-12)
    np.testing.assert_array_equal(twice.image, sample.image)
    np.testing.assert_array_equal(twice.parts, sample.parts)
    numbers = np.zeros(3, np.uint8)
    for number, i in enumerate((i for i, p in enumerate(sample.people) if inside(p, width, height)), 1):
        numbers[i + 1] = number
    np.testing.assert_array_equal(twice.instances, numbers[sample.instances])


def inside(person: Person, width: int, height: int) -> bool:
    """Whether any labelled joint is in the picture, joint by joint."""
    return any(
        flag != UNLABELLED and 0 <= x < width and 0 <= y < height
        for (x, y), flag in zip(person.joints2d, person.visibility, strict=True)
    )


def one(points: np.ndarray, flags: np.ndarray, skeleton: Skeleton = LCR_13) -> Person:
    return Person(
        skeleton.name, points.astype(np.float32), flags.astype(np.uint8), np.array([0, 0, 9, 9], np.float32)
    )


def test_who_and_what_leaves_the_view() -> None:
    flags = np.full(13, VISIBLE)
    there, half, gone = np.full((13, 2), 50.0), np.full((13, 2), 50.0), np.full((13, 2), 5.0)
    half[:6], half[6] = 5.0, np.nan
    half_flags = flags.copy()
    half_flags[6] = UNLABELLED
    unmarked = one(np.full((13, 2), np.nan), np.zeros(13))  # only a box, about the corner that is cut off
    sample = Sample("s", 100, 100, [one(there, flags), one(gone, flags), one(half, half_flags), unmarked])
    sample.instances = np.repeat(np.arange(5, dtype=np.uint8), 20)[:, None].repeat(100, 1)
    view = View(np.array([[1.0, 0, -20], [0, 1.0, -20]]), 80, 80)
    moved = seen(sample, view)
    assert [p.visibility.tolist() for p in moved.people] == [
        [VISIBLE] * 13,
        [HIDDEN] * 6 + [UNLABELLED] + [VISIBLE] * 6,
    ]
    np.testing.assert_array_equal(moved.people[1].joints2d[0], [-15, -15])
    assert moved.instances is not None
    assert moved.instances[::20, 0].tolist() == [1, 0, 2, 0]
    moved.validate()
    assert (
        len(seen(replace(sample, people=[unmarked], instances=None), plain_view(100, 100, (100, 100))).people)
        == 1
    )


@given(seed=seeds)
def test_the_box_is_the_hull_of_its_corners(seed: int) -> None:
    random = np.random.default_rng(seed)
    sample = crowd(random, 160, 120)
    view = everywhere(draw_view(160, 120, (120, 160), PARAMS, random))
    x0, y0, x1, y1 = sample.people[0].bbox
    corners = np.array([view.matrix @ [x, y, 1] for x in (x0, x1) for y in (y0, y1)])
    expected = [*corners.min(0), *corners.max(0)]
    np.testing.assert_allclose(seen(sample, view).people[0].bbox, expected, rtol=1e-6, atol=1e-2)


@pytest.mark.parametrize("stored", ["array", "jpeg", "png"])
@pytest.mark.parametrize(
    ("width", "height", "shorter"), [(160, 120, 240), (321, 243, 240), (641, 487, 240), (1203, 907, 120)]
)
def test_what_is_in_the_picture_goes_with_the_joints(
    stored: str, width: int, height: int, shorter: int
) -> None:
    """A blob drawn at a joint is found at the new joint to a fifth of a pixel, for each size it may be decoded at."""
    random = np.random.default_rng(width)
    params = AugmentParams(
        flip=0.5,
        scale=(0.7, 1.3),
        rotation_deg=40,
        shift=0.1,
        brightness=0,
        contrast=0,
        saturation=0,
        hue_deg=0,
    )
    for _ in range(6):
        view = draw_view(width, height, (shorter, 4 * shorter), params, random)
        point = random.uniform(0.3, 0.7, 2) * (width, height)
        sigma = 3 / view.scale
        y, x = np.mgrid[:height, :width] + 0.5
        glow = np.exp(-((x - point[0]) ** 2 + (y - point[1]) ** 2) / (2 * sigma**2))
        image = np.round(40 + 200 * glow[..., None].repeat(3, 2)).astype(np.uint8)
        points = np.full((13, 2), np.nan)
        points[LCR_13.index("l_wrist")] = point
        sample = Sample("s", width, height, [one(points, np.isfinite(points[:, 0]) * VISIBLE)])
        if stored == "array":
            sample.image = image
        else:
            sample.encoded["image"] = (
                encode("image", image) if stored == "jpeg" else cv2.imencode(".png", image)[1].tobytes()
            )
        moved = seen(sample, view)
        (person,) = moved.people
        found = person.joints2d[LCR_13.index("r_wrist" if view.mirrored else "l_wrist")]
        assert moved.image is not None and moved.image.shape == (view.height, view.width, 3)
        # Around it only: the border is brighter than the picture's ground.
        column, row = np.floor(found).astype(int)
        patch = moved.image[row - 12 : row + 13, column - 12 : column + 13, 0].astype(float) - 40
        assert patch.max() > 180
        v, u = np.mgrid[row - 12 : row + 13, column - 12 : column + 13] + 0.5
        patch[patch < 8] = 0
        centre = np.array([(u * patch).sum(), (v * patch).sum()]) / patch.sum()
        np.testing.assert_allclose(centre, found, atol=0.2)


@given(seed=seeds)
@settings(max_examples=30)
def test_ids_at_a_joint_stay_with_it(seed: int) -> None:
    random = np.random.default_rng(seed)
    point = random.uniform(30, 70, 2)
    y, x = np.mgrid[:100, :100] + 0.5
    disc = np.hypot(x - point[0], y - point[1]) < 5
    left = next(i for i, name in SMPL_24_PARTS.legend.items() if name == "l_wrist")
    points = np.full((13, 2), np.nan)
    points[LCR_13.index("l_wrist")] = point
    person = one(points, np.isfinite(points[:, 0]) * VISIBLE)
    sample = Sample(
        "s", 100, 100, [person], parts=(disc * left).astype(np.uint8), instances=disc.astype(np.uint8)
    )
    view = draw_view(100, 100, (100, 100), replace(PARAMS, shift=0.0), random)
    moved = seen(sample, view, SMPL_24_PARTS)
    assert moved.parts is not None and moved.instances is not None
    if not moved.people:
        return
    side = "r_wrist" if view.mirrored else "l_wrist"
    column, row = np.floor(moved.people[0].joints2d[LCR_13.index(side)]).astype(int)
    if 0 <= column < 100 and 0 <= row < 100:
        assert SMPL_24_PARTS.legend[int(moved.parts[row, column])] == side
        assert moved.instances[row, column] == 1
    assert moved.parts.sum() > 0 or moved.instances.sum() == 0


def test_parts_of_no_taxonomy_cannot_be_mirrored() -> None:
    sample = Sample("s", 4, 4, [], parts=np.zeros((4, 4), np.uint8))
    assert seen(sample, plain_view(4, 4, (4, 4))).parts is not None
    with pytest.raises(ValueError, match="taxonomy"):
        seen(sample, mirror(4, 4))


@given(seed=seeds, width=st.integers(20, 2000), height=st.integers(20, 2000))
def test_a_drawn_view_is_a_similarity_within_its_ranges(seed: int, width: int, height: int) -> None:
    params = AugmentParams(flip=0.5, scale=(0.8, 1.5), rotation_deg=25, shift=0.2)
    plain, view = (
        draw_view(width, height, (240, 320), p, np.random.default_rng(seed))
        for p in (AugmentParams.none(), params)
    )
    linear = view.matrix[:, :2]
    np.testing.assert_allclose(linear @ linear.T, np.eye(2) * view.scale**2, atol=1e-12)
    assert 0.8 - 1e-9 <= view.scale / plain.scale <= 1.5 + 1e-9
    upright = linear @ np.diag([-1.0 if view.mirrored else 1.0, 1.0])
    assert abs(math.degrees(math.atan2(upright[1, 0], upright[0, 0]))) <= 25 + 1e-9
    assert (plain.width, plain.height) == (view.width, view.height)
    middle = np.array([width, height]) / 2
    moved = view.moved(middle) - plain.moved(middle)
    assert (np.abs(moved) <= 0.2 * np.array([view.width, view.height]) + 1e-9).all()
    np.testing.assert_array_equal(plain.matrix, plain_view(width, height, (240, 320)).matrix)
    assert plain.colours is None


@given(
    width=st.integers(1, 9000),
    height=st.integers(1, 9000),
    shorter=st.integers(1, 900),
    more=st.integers(0, 900),
)
def test_one_side_of_a_fitted_picture_is_the_frame_s(
    width: int, height: int, shorter: int, more: int
) -> None:
    longest = shorter + more
    wide, high, scale = fit_size(width, height, shorter, longest)
    assert abs(wide - width * scale) <= 0.5 or wide == 1
    assert abs(high - height * scale) <= 0.5 or high == 1
    assert max(wide, high) <= longest and min(wide, high) <= shorter
    assert min(wide, high) == shorter or max(wide, high) == longest


def test_draws_fill_their_ranges_evenly() -> None:
    views = [draw_view(100, 100, (100, 100), AugmentParams(), np.random.default_rng(i)) for i in range(1000)]
    assert abs(np.mean([v.mirrored for v in views]) - 0.5) < 0.05
    scales = np.array([v.scale for v in views])
    np.testing.assert_allclose(np.quantile(scales, [0.25, 0.5, 0.75]), [0.875, 1.0, 1.125], atol=0.025)


def test_a_picture_of_the_frames_size_is_left_as_it_is() -> None:
    image = np.random.default_rng(0).integers(0, 256, (240, 320, 3), np.uint8)
    moved = seen(Sample("s", 320, 240, [], image=image), plain_view(320, 240, (240, 320)))
    np.testing.assert_array_equal(moved.image, image)


LEVELS = np.random.default_rng(5).uniform(70, 180, (500, 3))


def coloured(**amounts: float) -> tuple[np.ndarray, np.ndarray]:
    """Levels before and after a draw of only these amounts, and the draws 0 to 1 that led to it."""
    amounts = dict.fromkeys(("brightness", "contrast", "saturation", "hue_deg"), 0.0) | amounts
    params = AugmentParams(0.0, (1.0, 1.0), 0.0, 0.0, **amounts)
    view = draw_view(10, 10, (10, 10), params, np.random.default_rng(11))
    assert view.colours is not None
    draws = 2 * np.random.default_rng(11).random(9)[5:] - 1
    return LEVELS @ view.colours[:, :3].T + view.colours[:, 3], draws


def test_each_colour_change_does_what_it_says() -> None:
    grey = (LEVELS @ [0.299, 0.587, 0.114])[:, None]
    result, (by, _, _, _) = coloured(brightness=0.3)
    np.testing.assert_allclose(result, LEVELS * (1 + 0.3 * by))
    result, (_, by, _, _) = coloured(contrast=0.5)
    middle = (124 + 116 + 104) / 3
    np.testing.assert_allclose(result, middle + (LEVELS - middle) * (1 + 0.5 * by))
    result, (_, _, by, _) = coloured(saturation=0.5)
    np.testing.assert_allclose(result, grey + (LEVELS - grey) * (1 + 0.5 * by))
    result, (_, _, _, by) = coloured(hue_deg=180)
    np.testing.assert_allclose(result.sum(1), LEVELS.sum(1))
    np.testing.assert_allclose(np.linalg.norm(result, axis=1), np.linalg.norm(LEVELS, axis=1))
    assert not np.allclose(result, LEVELS)
    # A third of a turn about the greys exchanges red, green and blue in a circle.
    result, (_, _, _, by) = coloured(hue_deg=abs(120 / by))
    np.testing.assert_allclose(result, np.roll(LEVELS, 1 if by > 0 else -1, axis=1), atol=1e-9)


def test_colours_reach_the_pixels() -> None:
    image = np.random.default_rng(0).integers(0, 256, (24, 32, 3), np.uint8)
    random = np.random.default_rng(3)
    params = AugmentParams(0.0, (1.0, 1.0), 0.0, 0.0)
    view = draw_view(32, 24, (24, 32), params, random)
    assert view.colours is not None
    expected = np.clip(image @ view.colours[:, :3].T + view.colours[:, 3], 0, 255)
    moved = seen(Sample("s", 32, 24, [], image=image), view).image
    assert moved is not None and np.abs(moved - expected).max() < 1


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"flip": 1.5}, "flip"),
        ({"flip": math.nan}, "flip"),
        ({"scale": (0.0, 1.0)}, "scale"),
        ({"scale": (1.2, 1.0)}, "scale"),
        ({"scale": (1.0, math.inf)}, "scale"),
        ({"rotation_deg": -1.0}, "rotation_deg"),
        ({"hue_deg": 200.0}, "hue_deg"),
        ({"shift": -0.1}, "shift"),
    ],
)
def test_ranges_that_make_no_sense(changes: dict[str, object], named: str) -> None:
    with pytest.raises(InputError, match=f"augmentation: {named}"):
        replace(AugmentParams(), **changes)


def test_a_damaged_picture_is_named() -> None:
    whole = encode("image", np.zeros((480, 640, 3), np.uint8))
    for data in (
        whole[: len(whole) // 3],
        b"\xff\xd8 nothing",
        b"",
        encode("image", np.zeros((480, 600, 3), np.uint8)),
    ):
        sample = Sample("cat", 640, 480, [], encoded={"image": data})
        with pytest.raises(InputError, match="cat: image: expected"):
            seen(sample, plain_view(640, 480, (240, 320)))
