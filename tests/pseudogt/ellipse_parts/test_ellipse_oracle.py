"""Drawn ellipses against the oracle and against what must not change them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from ellipse_oracle import draw
from hypothesis import given, settings
from hypothesis import strategies as st
from random_people import SIDES, random_people

from posecorpus.core.ellipses import BOUNDS, MEASURES, default_constants, naive_constants, plan_shapes
from posecorpus.core.parts import taxonomy
from posecorpus.core.skeletons import FULL_42, LSP_14, SKELETONS
from posecorpus.pseudogt.ellipse_parts.draw import draw_batch

HEIGHT, WIDTH = SIDES
TAXONOMIES = ("h36m_25", "surreal_14")


def compare(joints2d, joints3d, skeleton, constants, height=HEIGHT, width=WIDTH, windows=None):
    """Draw and hold every image to the oracle; gives the share of pixels that are somebody's and of ties."""
    plan = plan_shapes(constants, skeleton)
    parts, instances = draw_batch(joints2d, joints3d, plan, height, width, windows)
    somebody = ties_seen = 0
    for n in range(len(joints2d)):
        window = None if windows is None else np.broadcast_to(windows, (len(joints2d), 4))[n]
        lifted = None if joints3d is None else joints3d[n]
        true_parts, true_instances, ties = draw(
            joints2d[n], lifted, skeleton, constants, height, width, window
        )
        wrong = ((parts[n] != true_parts) | (instances[n] != true_instances)) & ~ties
        assert not wrong.any(), f"image {n}: {wrong.sum()} pixels, first at {np.argwhere(wrong)[0]}"
        somebody += int((true_parts > 0).sum())
        ties_seen += int(ties.sum())
    return somebody / parts.size, ties_seen / parts.size


@pytest.mark.parametrize("depth", [True, False])
@pytest.mark.parametrize("skeleton", SKELETONS.values(), ids=lambda s: s.name)
@pytest.mark.parametrize("taxonomy_name", TAXONOMIES)
def test_masks_equal_the_oracle(taxonomy_name, skeleton, depth):
    rng = np.random.default_rng([len(skeleton), depth])
    joints2d, joints3d = random_people(rng, skeleton, images=6, count=3)
    for constants in (default_constants(taxonomy_name), naive_constants(taxonomy_name)):
        covered, ties = compare(joints2d, joints3d if depth else None, skeleton, constants)
        assert covered > 0.1
        assert ties < 0.01


@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=25)
def test_any_constants_and_windows(seed):
    rng = np.random.default_rng(seed)
    constants = naive_constants(TAXONOMIES[seed % 2])
    for key in constants.shapes:
        values = {m: rng.uniform(max(BOUNDS[m][0], -0.5), min(BOUNDS[m][1], 1.5)) for m in MEASURES}
        constants = constants.with_shape(key, **(values | {"radius": rng.uniform(0.02, 0.4)}))
        if rng.random() < 0.3:
            constants = constants.with_shape(key, cap=0.0, bulge=0.0)
    joints2d, joints3d = random_people(rng, FULL_42, images=2, count=2)
    corner = rng.uniform(-20, 40, (2, 2))
    windows = np.hstack([corner, corner + rng.uniform(5, 60, (2, 2))])
    compare(joints2d, joints3d, FULL_42, constants, 23, 31, windows)


@pytest.mark.parametrize("depth", [True, False])
def test_degenerate_people(depth):
    rng = np.random.default_rng(3)
    joints2d, joints3d = random_people(rng, FULL_42, images=1, count=1)
    (a, z), constants = (joints2d[0, 0], joints3d[0, 0]), default_constants("h36m_25")
    i = FULL_42.index
    folded = a.copy()
    folded[i("l_knee")] = folded[i("l_hip_lsp")]
    upright = a.copy()
    upright[:, 0] = a[i("pelvis"), 0]
    cases = {
        "zero-length thigh": (folded, z),
        "on a vertical line": (upright, z),
        "on one point": (np.full_like(a, 20.0), z),
        "in one place in 3D": (a, np.ones_like(z)),
        "mirrored 3D": (a, z * (-1, -1, 1)),
        "end-on": (a, z * (1e-3, 1e-3, 5)),
        "tiny": (25 + (a - 25) * 1e-3, z),
        "huge": (25 + (a - 25) * 1e4, z),
        "absurd": (25 + (a - 25) * 1e30, z),
        "beside": (a + (500, 0), z),
        "just beyond the corner": (a - a.min(0) + (WIDTH, HEIGHT), z),
        "infinite joint": (np.where(np.arange(42)[:, None] == i("neck"), np.inf, a), z),
        "behind the camera": (a, z - (0, 0, 10)),
        "nobody": (np.full_like(a, np.nan), z),
        "one joint": (np.where(np.arange(42)[:, None] == i("l_knee"), a, np.nan), z),
    }
    pairs = np.stack([case[0] for case in cases.values()])[:, None]
    lifted = np.stack([case[1] for case in cases.values()])[:, None]
    compare(pairs, lifted if depth else None, FULL_42, constants)
    parts, _ = draw_batch(pairs, lifted if depth else None, plan_shapes(constants, FULL_42), HEIGHT, WIDTH)
    names = list(cases)
    for name in ("on one point", "beside", "nobody", "one joint"):
        assert not parts[names.index(name)].any(), name
    for name in ("zero-length thigh", "on a vertical line", "infinite joint", "mirrored 3D"):
        assert parts[names.index(name)].any(), name


def test_one_pixel_and_wide_masks():
    joints2d, joints3d = random_people(np.random.default_rng(8), LSP_14, images=4, count=2)
    constants = default_constants("surreal_14")
    compare(joints2d, joints3d, LSP_14, constants, 1, 1, np.array([24.0, 20, 25, 21]))
    compare(joints2d, joints3d, LSP_14, constants, 3, 400, np.array([0.0, 0, 52, 44]))


@given(scale=st.floats(0.01, 100), x=st.floats(-1e3, 1e3), y=st.floats(-1e3, 1e3))
@settings(max_examples=15)
def test_scaling_and_moving_the_image_changes_nothing(scale, x, y):
    joints2d, joints3d = random_people(np.random.default_rng(4), LSP_14, images=3, count=2)
    plan = plan_shapes(default_constants("h36m_25"), LSP_14)
    window = np.array([0, 0, WIDTH, HEIGHT])
    moved = window * scale + (x, y, x, y)
    for lifted in (joints3d, None):
        before, _ = draw_batch(joints2d, lifted, plan, HEIGHT, WIDTH, window)
        after, _ = draw_batch(joints2d * scale + (x, y), lifted, plan, HEIGHT, WIDTH, moved)
        assert (before != after).mean() < 1e-3  # rounding of ties only


def test_a_window_is_a_crop():
    joints2d, joints3d = random_people(np.random.default_rng(5), LSP_14, images=3, count=2)
    plan = plan_shapes(default_constants("h36m_25"), LSP_14)
    whole = draw_batch(joints2d, joints3d, plan, HEIGHT, WIDTH)
    cut = draw_batch(joints2d, joints3d, plan, 20, 30, np.array([7, 9, 37, 29]))
    for a, b in zip(whole, cut, strict=True):
        np.testing.assert_array_equal(a[:, 9:29, 7:37], b)


@pytest.mark.parametrize("taxonomy_name", TAXONOMIES)
def test_a_mirrored_person_has_the_mirrored_mask(taxonomy_name):
    rng = np.random.default_rng(6)
    joints2d, joints3d = random_people(rng, LSP_14, images=8, count=1)
    constants = default_constants(taxonomy_name)
    plan = plan_shapes(constants, LSP_14)
    flipped2d = (joints2d * (-1, 1) + (WIDTH, 0))[:, :, LSP_14.mirror]
    flipped3d = (joints3d * (-1, 1, 1))[:, :, LSP_14.mirror]
    parts, _ = draw_batch(joints2d, joints3d, plan, HEIGHT, WIDTH)
    mirrored, _ = draw_batch(flipped2d, flipped3d, plan, HEIGHT, WIDTH)
    expected = taxonomy(taxonomy_name).mirror[parts[:, :, ::-1]]
    for n in range(8):
        _, _, ties = draw(flipped2d[n], flipped3d[n], LSP_14, constants, HEIGHT, WIDTH)
        known = np.isfinite(joints3d[n][np.isfinite(joints2d[n]).all(-1)]).all()
        if known:  # the fixed order draws the right side over the left
            np.testing.assert_array_equal(mirrored[n][~ties], expected[n][~ties])


def test_the_naive_ellipse_has_the_segment_as_major_axis():
    joints2d = np.full((1, 1, 14, 2), np.nan)
    for joint, place in {"l_hip": (60, 50), "l_knee": (20, 50)}.items():
        joints2d[0, 0, LSP_14.index(joint)] = place
    constants = naive_constants("h36m_25")
    constants = replace(constants, proportions={**constants.proportions, "l_thigh": 1.0})
    constants = constants.with_shape("knee", radius=1e-3).with_shape("hip", radius=1e-3)
    parts, _ = draw_batch(joints2d, None, plan_shapes(constants, LSP_14), 100, 80)
    # The only reference segment is the thigh, so size is its 40 px and the minor semi-axis .17 of that.
    y, x = np.mgrid[:100, :80] + 0.5
    expected = ((x - 40) / 20) ** 2 + ((y - 50) / 6.8) ** 2 <= 1
    np.testing.assert_array_equal(parts[0] == 38, expected)
    assert set(np.unique(parts)) == {0, 38}


def crossing_arms(front: float, back: float):
    """An LSP person whose left forearm lies over the right one in the image, at the given depths."""
    joints2d, joints3d = np.full((14, 2), np.nan), np.full((14, 3), np.nan)
    places = {"l_elbow": (10, 10), "l_wrist": (50, 50), "r_elbow": (50, 10), "r_wrist": (10, 50)}
    for name, (x, y) in places.items():
        joints2d[LSP_14.index(name)] = x, y
        joints3d[LSP_14.index(name)] = x / 100, y / 100, front if name[0] == "l" else back
    return joints2d[None, None], joints3d[None, None]


def test_the_nearer_limb_covers_the_farther():
    constants = naive_constants("h36m_25")
    plan = plan_shapes(constants, LSP_14)
    for front, back, expected in ((3.0, 4.0, 50), (4.0, 3.0, 58)):
        joints2d, joints3d = crossing_arms(front, back)
        parts, _ = draw_batch(joints2d, joints3d, plan, 60, 60)
        assert parts[0, 30, 30] == expected
    fixed, _ = draw_batch(joints2d, None, plan, 60, 60)
    assert fixed[0, 30, 30] == 58  # the last of the table


def test_people_cover_each_other_whole():
    joints2d, joints3d = crossing_arms(3.0, 4.0)
    plan = plan_shapes(naive_constants("h36m_25"), LSP_14)

    def owner(deeper, larger=1.0):
        centre = np.array([30, 30])
        people = np.concatenate([joints2d, (joints2d - centre) * larger + centre], axis=1)
        lifted = None if deeper is None else np.concatenate([joints3d, joints3d + (0, 0, deeper)], axis=1)
        return draw_batch(people, lifted, plan, 60, 60)[1][0, 30, 30]

    assert (owner(0.5), owner(-0.5), owner(0.0)) == (1, 2, 1)
    assert (owner(None, 1.1), owner(None, 0.9), owner(None, 1.0)) == (2, 1, 1)
    gone = np.concatenate([joints2d, joints2d * np.nan], axis=1)
    _, instances = draw_batch(gone, None, plan, 60, 60)
    assert set(np.unique(instances)) == {0, 1}
