"""The masked search against an independent brute force in float64."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from search_oracle import assert_nearest, body_like, distances_by_formula, without

from posecorpus.core.errors import InputError
from posecorpus.core.skeletons import LSP_14, TORSO
from posecorpus.pseudogt.search.index import ViewIndex


@pytest.fixture(scope="module")
def views() -> np.ndarray:
    return body_like(np.random.default_rng(0), 20_000)


@pytest.fixture(scope="module")
def index(views: np.ndarray) -> ViewIndex:
    groups = np.random.default_rng(1).integers(0, 5, len(views)).astype(np.int32)
    return ViewIndex.build(views, groups)


def noisy(rng: np.random.Generator, views: np.ndarray, count: int, noise: float = 0.1) -> np.ndarray:
    picked = views[rng.integers(0, len(views), count)].astype(np.float64)
    return picked + rng.normal(scale=noise, size=picked.shape)


@pytest.mark.parametrize("missing", range(11))
@pytest.mark.parametrize("k", [1, 50])
def test_equals_the_formula_for_any_number_of_missing_joints(
    views: np.ndarray, index: ViewIndex, missing: int, k: int
) -> None:
    rng = np.random.default_rng(missing)
    poses = without(rng, noisy(rng, views, 12), missing)
    found = index.search(poses, k)
    assert_nearest(found.views, found.distances, distances_by_formula(views, poses))


def test_equals_the_formula_without_a_torso_and_with_nothing_else(
    views: np.ndarray, index: ViewIndex
) -> None:
    torso = LSP_14.indices(*TORSO)
    poses = noisy(np.random.default_rng(3), views, 10)
    poses[:5, torso] = np.nan
    poses[5:, np.setdiff1d(np.arange(14), torso)] = np.nan
    found = index.search(poses, 20)
    assert_nearest(found.views, found.distances, distances_by_formula(views, poses))


@settings(max_examples=60)
@given(
    seed=st.integers(0, 2**32),
    joints=st.integers(4, 20),
    count=st.integers(1, 3000),
    k=st.integers(1, 40),
    data=st.data(),
)
def test_equals_the_formula_on_anything(
    seed: int, joints: int, count: int, k: int, data: st.DataObject
) -> None:
    rng = np.random.default_rng(seed)
    kind = data.draw(st.sampled_from(["noise", "surface", "clumps", "lattice", "one body, one limb"]))
    if kind == "noise":
        views = rng.normal(size=(count, joints, 2))
    elif kind == "surface":
        views = body_like(rng, count, joints)
    elif kind == "clumps":
        views = rng.normal(size=(3, joints, 2))[rng.integers(0, 3, count)]
        views = views + rng.normal(scale=1e-3, size=(count, joints, 2))
    elif kind == "lattice":  # duplicates, equal distances, and joints that all lie on one point
        views = rng.integers(-1, 2, size=(count, joints, 2)) * (rng.random((count, 1, 1)) < 0.9)
    else:  # nearly all that differs is one joint: cones are thin, and masked ones have no direction
        views = np.zeros((count, joints, 2)) + 1e-3 * rng.normal(size=(1, joints, 2))
        views[:, 0] = rng.normal(size=(count, 2))
    views = (views * data.draw(st.sampled_from([1e-3, 1.0, 300.0]))).astype(np.float32)
    poses = views[rng.integers(0, count, 6)] + rng.normal(scale=0.05, size=(6, joints, 2))
    poses[3:] = rng.normal(size=(3, joints, 2))
    poses = without(rng, poses, data.draw(st.integers(0, joints - 4)))
    found = ViewIndex.build(views).search(poses, k)
    assert_nearest(found.views, found.distances, distances_by_formula(views, poses))


def test_a_radius_too_short_is_found_out(views: np.ndarray, index: ViewIndex) -> None:
    """The oracle sees what a wrong bound would do."""
    rng = np.random.default_rng(7)
    poses = without(rng, noisy(rng, views, 40), 3)
    tree = index._tree
    shorter = tree._replace(radii=tree.radii * np.float32(0.2), tile_radii=tree.tile_radii * np.float32(0.2))
    found = ViewIndex(shorter, index._usable).search(poses, 20)
    with pytest.raises(AssertionError):
        assert_nearest(found.views, found.distances, distances_by_formula(views, poses))


def test_every_cone_holds_its_views(views: np.ndarray, index: ViewIndex) -> None:
    """For random masks, the angle of each view of a block to the block's centre is within the cone's."""
    tree, rng = index._tree, np.random.default_rng(9)
    for missing in (0, 4, 9):
        on = np.sort(rng.permutation(14)[missing:])
        for tile in rng.integers(0, len(tree.centres), 5):
            for block in range(tree.first[tile], tree.first[tile + 1]):
                lane = block - tree.first[tile]
                centre = tree.centres[tile, :, lane].astype(np.float64).reshape(14, 2)[on]
                centre -= centre.mean(0)
                x = views[tree.order[block][tree.order[block] >= 0]][:, on].astype(np.float64)
                x -= x.mean(1, keepdims=True)
                radii = tree.radii[tile, :, lane].astype(np.float64)
                sine = min(np.sqrt((radii[on] ** 2).sum()), radii[-1]) / np.linalg.norm(centre)
                cosine = (x * centre).sum((1, 2)) / np.linalg.norm(x, axis=(1, 2)) / np.linalg.norm(centre)
                assert sine >= 1 or np.arccos(cosine.clip(-1, 1)).max() <= np.arcsin(sine) + 1e-7


def test_fewer_views_than_k(views: np.ndarray) -> None:
    poses = noisy(np.random.default_rng(0), views, 3)
    found = ViewIndex.build(views[:5]).search(poses, 8)
    assert_nearest(found.views, found.distances, distances_by_formula(views[:5], poses))


def test_equal_distances_are_ordered_by_view(views: np.ndarray) -> None:
    repeated = np.repeat(views[:40], 50, axis=0)[np.random.default_rng(0).permutation(2000)]
    found = ViewIndex.build(repeated).search(repeated[:1].astype(np.float64), 30)
    same = np.flatnonzero((repeated == repeated[0]).all((1, 2)))
    assert (found.views[0] == same[:30]).all()


def test_excluded_groups_are_left_out(views: np.ndarray, index: ViewIndex) -> None:
    poses = noisy(np.random.default_rng(2), views, 8)
    exclude = np.array([0, 1, 2, 3, 4, -1, 0, 77])
    found = index.search(poses, 25, exclude=exclude)
    expected = distances_by_formula(views, poses)
    expected[index._tree.groups[None] == exclude[:, None]] = np.inf
    assert_nearest(found.views, found.distances, expected)


def test_poses_that_cannot_be_searched(views: np.ndarray, index: ViewIndex) -> None:
    poses = noisy(np.random.default_rng(2), views, 5)
    poses[0, 3:] = np.nan
    poses[1] = (1280.1, 720.7)
    poses[2] = np.nan
    poses[3, 4:] = np.nan
    found = index.search(poses, 4)
    assert (found.views[:3] == -1).all() and np.isinf(found.distances[:3]).all()
    assert_nearest(found.views[3:], found.distances[3:], distances_by_formula(views, poses[3:]))
    assert index.search(poses[:0], 4).views.shape == (0, 4)


def test_views_on_one_point_under_the_mask_never_match() -> None:
    views = body_like(np.random.default_rng(4), 500)
    views[::3, 2:7] = views[::3, 2:3]
    poses = np.full((4, 14, 2), np.nan)
    poses[:, 2:7] = np.random.default_rng(0).normal(size=(4, 5, 2))
    found = ViewIndex.build(views).search(poses, 400)
    assert not (set(found.views.ravel().tolist()) & set(range(0, 500, 3)))
    assert ((found.views >= 0).sum(1) == 333).all()


def test_place_and_size_do_not_matter(views: np.ndarray, index: ViewIndex) -> None:
    poses = without(np.random.default_rng(0), noisy(np.random.default_rng(5), views, 10), 2)
    found, moved = index.search(poses, 5), index.search(poses * 217.0 + (640, 360), 5)
    assert (found.views == moved.views).all()
    np.testing.assert_allclose(found.distances, moved.distances, atol=1e-11)


@pytest.mark.parametrize("approximate", [False, True])
def test_neither_threads_nor_company_matter(views: np.ndarray, index: ViewIndex, approximate: bool) -> None:
    rng = np.random.default_rng(8)
    poses = without(rng, noisy(rng, views, 60), 3)
    poses[::4] = poses[0]
    found = index.search(poses, 9, approximate=approximate)
    for threads in (2, 5):
        again = index.search(poses, 9, approximate=approximate, threads=threads)
        assert (again.views == found.views).all() and (again.distances == found.distances).all()
    for row in range(0, 60, 7):
        alone = index.search(poses[row : row + 1], 9, approximate=approximate)
        assert (alone.views == found.views[row]).all() and (alone.distances == found.distances[row]).all()


@pytest.mark.parametrize("missing", [0, 4])
def test_the_approximate_mode_finds_nearly_all(views: np.ndarray, index: ViewIndex, missing: int) -> None:
    rng = np.random.default_rng(missing)
    poses = without(rng, noisy(rng, views, 300, 0.05), missing)
    found, exact = index.search(poses, 50, approximate=True), index.search(poses, 50)
    assert (found.views[:, 0] == exact.views[:, 0]).mean() >= 0.99
    assert (found.distances <= exact.distances[:, -1:]).mean() >= 0.98
    expected = distances_by_formula(views, poses[:20])
    np.testing.assert_allclose(found.distances[:20], np.take_along_axis(expected, found.views[:20], 1))


def test_a_joint_that_no_view_has_is_never_used(views: np.ndarray) -> None:
    lacking = views[:3000].copy()
    lacking[:, 6] = np.nan
    poses = noisy(np.random.default_rng(3), views, 5)
    poses[4, :11] = np.nan  # four joints, of which views have three
    poses[4, 6] = 1
    found = ViewIndex.build(lacking).search(poses, 10)
    rest = np.delete(np.arange(14), 6)
    expected = distances_by_formula(lacking[:, rest], poses[:4][:, rest])
    assert_nearest(found.views[:4], found.distances[:4], expected)
    assert (found.views[4] == -1).all()


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda v: v[:0], "shape"),
        (lambda v: v[..., :1], "shape"),
        (lambda v: np.where(np.arange(len(v))[:, None, None] == 9, np.nan, v), "finite"),
        (lambda v: np.where(np.arange(len(v))[:, None, None] == 9, np.inf, v), "finite"),
        (lambda v: np.where((np.arange(len(v)) < 9)[:, None, None] & (np.arange(14) == 3)[:, None], np.nan, v), "in some"),
    ],
)  # fmt: skip
def test_views_that_cannot_be_indexed(views: np.ndarray, spoil: object, message: str) -> None:
    with pytest.raises(InputError, match=message):
        ViewIndex.build(spoil(views[:100]))  # type: ignore[operator]


def test_questions_that_make_no_sense(views: np.ndarray, index: ViewIndex) -> None:
    poses = noisy(np.random.default_rng(3), views, 2)
    with pytest.raises(InputError, match="at least 1"):
        index.search(poses, 0)
    with pytest.raises(InputError, match="shape"):
        index.search(poses[:, :13], 1)
    with pytest.raises(InputError, match="shape"):
        index.search(poses, 1, exclude=np.zeros(3, np.int32))
    with pytest.raises(InputError, match="pose 1"):
        index.search(np.where(np.arange(2)[:, None, None] == 1, np.inf, poses), 1)
    with pytest.raises(InputError, match="groups"):
        ViewIndex.build(views[:50]).search(poses, 1, exclude=np.zeros(2, np.int32))
    with pytest.raises(InputError, match="groups"):
        ViewIndex.build(views[:50], np.zeros(49, np.int32))
