"""Anchors: what clustering makes of known clusters, and the file they are kept in."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from posecorpus.anchors.bank import Anchors, load_anchors, make_anchors, save_anchors
from posecorpus.anchors.boxes import in_box_units, joint_boxes, upper_body
from posecorpus.anchors.distance import pose_distances
from posecorpus.anchors.poses import PoseSet, joined, pose_set
from posecorpus.core.errors import InputError
from posecorpus.core.metrics import centre_on_torso
from posecorpus.core.skeletons import LCR_13

KINDS = 5


def poses_about(kinds: np.ndarray, count: int, spread_m: float, seed: int, name: str = "made") -> PoseSet:
    """Poses around given ones (K, 13, 3), ``count`` of each in turn, seen by an orthographic camera."""
    rng = np.random.default_rng(seed)
    joints = np.tile(kinds, (count, 1, 1)) + rng.normal(0, spread_m, (count * len(kinds), 13, 3))
    offset = rng.uniform(-3, 3, (len(joints), 1, 3))
    return pose_set(LCR_13, name, joints + offset, 200 * joints[..., :2] + 50 * offset[..., :2])


@pytest.fixture
def kinds() -> np.ndarray:
    return np.random.default_rng(0).normal(0, 0.4, (KINDS, 13, 3))


@pytest.fixture
def anchors(kinds: np.ndarray) -> Anchors:
    return make_anchors(poses_about(kinds, 60, 0.01, 1), KINDS, upper_body=True, seed=3)


def test_known_kinds_of_poses_are_found(kinds: np.ndarray, anchors: Anchors) -> None:
    apart = pose_distances(centre_on_torso(kinds, LCR_13), anchors.poses3d)
    which = apart.argmin(1)
    assert sorted(which) == list(range(KINDS))
    assert apart.min(1).max() < 0.005
    np.testing.assert_array_equal(anchors.counts, 60)
    assert (anchors.spread_m < 0.02).all()
    assert (anchors.spread_m > 0.01).all()
    assert (anchors.farthest_m > anchors.spread_m).all()
    units = in_box_units(kinds[..., :2], joint_boxes(kinds[..., :2]))
    np.testing.assert_allclose(anchors.poses2d[:KINDS][which], units, atol=0.02)
    upper = joint_boxes(kinds[:, upper_body(LCR_13), :2])
    np.testing.assert_allclose(anchors.poses2d[KINDS:][which], in_box_units(kinds[..., :2], upper), atol=0.05)


def test_members_are_named_and_are_what_is_said_of_them(kinds: np.ndarray) -> None:
    one, two = poses_about(kinds, 20, 0.05, 1, "one"), poses_about(kinds, 30, 0.05, 2, "two")
    poses = joined([one, two])
    found = make_anchors(poses, KINDS, seed=0)
    assert found.sources == {"one": 20 * KINDS, "two": 30 * KINDS}
    names = [poses.name(i) for i in range(len(poses))]
    for k in range(KINDS):
        near, far = (poses.joints3d[names.index(group[k])] for group in (found.near_names, found.far_names))
        np.testing.assert_array_equal(near, found.near[k])
        np.testing.assert_array_equal(far, found.far[k])
        distances = pose_distances(found.poses3d[k : k + 1], np.stack([near, far]))[0]
        assert distances[0] < found.spread_m[k] < distances[1] == pytest.approx(found.farthest_m[k])


def test_poses_that_lack_a_joint_are_left_out() -> None:
    rng = np.random.default_rng(0)
    joints3d, joints2d = rng.normal(size=(6, 13, 3)), rng.normal(size=(6, 13, 2))
    joints3d[1, 4], joints2d[4, 0] = np.nan, np.nan
    poses = pose_set(LCR_13, "c", joints3d, joints2d)
    assert poses.left_out == 2
    assert [poses.name(i) for i in range(len(poses))] == ["c#0", "c#2", "c#3", "c#5"]


def test_same_seed_same_file(kinds: np.ndarray, tmp_path: Path) -> None:
    for name in ("a.npz", "b.npz"):
        save_anchors(make_anchors(poses_about(kinds, 60, 0.1, 1), 12, seed=5), tmp_path / name)
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()
    assert (tmp_path / "a.json").read_bytes() == (tmp_path / "b.json").read_bytes()


def test_kept_and_read_again(anchors: Anchors, tmp_path: Path) -> None:
    save_anchors(anchors, tmp_path / "anchors.npz")
    again = load_anchors(tmp_path / "anchors.npz")
    assert (again.skeleton, again.sources, again.seed) == (anchors.skeleton, anchors.sources, anchors.seed)
    assert (again.near_names, again.far_names) == (anchors.near_names, anchors.far_names)
    assert again.inertia == anchors.inertia
    assert (len(again), again.classes, again.upper_body) == (KINDS, 2 * KINDS, True)
    for name in ("poses3d", "poses2d", "counts", "spread_m", "farthest_m", "near", "far"):
        np.testing.assert_array_equal(getattr(again, name), getattr(anchors, name))
    told = json.loads((tmp_path / "anchors.json").read_text())
    assert told["joints"] == list(LCR_13.joints)


def test_broken_files_are_refused(anchors: Anchors, tmp_path: Path) -> None:
    path, beside = tmp_path / "anchors.npz", tmp_path / "anchors.json"
    with pytest.raises(InputError, match=r"\.npz"):
        save_anchors(anchors, tmp_path / "anchors")
    save_anchors(anchors, path)
    arrays, told = dict(np.load(path)), json.loads(beside.read_text())

    def refused(match: str, arrays: dict[str, np.ndarray], **changed: object) -> None:
        np.savez(path, **arrays)
        beside.write_text(json.dumps(told | changed))
        with pytest.raises(InputError, match=match):
            load_anchors(path)

    refused("format 1", arrays, format=2)
    refused("poses3d: expected shape", arrays, anchors=KINDS + 1)
    refused("classes", arrays | {"poses2d": arrays["poses2d"][:7]}, classes=7)
    refused("lcr_13", arrays, skeleton="lcr_12")
    refused("seed", arrays, seed="x")
    refused("nearest members", arrays, nearest_members=[])
    refused("farthest members", arrays, farthest_members=told["farthest_members"] * 2)
    refused("joints of lcr_13", arrays, joints=told["joints"][::-1])
    refused(
        "at least one",
        {n: v[:0] for n, v in arrays.items()},
        anchors=0,
        classes=0,
        nearest_members=[],
        farthest_members=[],
    )
    refused("finite", arrays | {"near": arrays["near"] * np.nan})
    refused("counts", {name: value for name, value in arrays.items() if name != "counts"})
    path.write_bytes(b"PK\x03\x04 and no more")
    with pytest.raises(InputError, match="intact"):
        load_anchors(path)
    beside.unlink()
    with pytest.raises(InputError, match=r"anchors\.json"):
        load_anchors(path)


def test_sets_of_several_skeletons_do_not_join(kinds: np.ndarray) -> None:
    with pytest.raises(InputError, match="one skeleton"):
        joined([])
