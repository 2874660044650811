"""Maps as labels of samples: which, in what windows, through a shard and back, and verified."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from stick_oracle import random_person

from posecorpus.core.cameras import Camera
from posecorpus.core.errors import InputError
from posecorpus.core.manifest import Manifest
from posecorpus.core.sample import Person, Sample, SkeletonMap
from posecorpus.core.shards import Corpus, write_shard
from posecorpus.core.skeletons import MPII_16
from posecorpus.core.sticks import describe_sticks
from posecorpus.inspect.verify.sticks import check_skeleton_maps
from posecorpus.inspect.verify.subject import Subject
from posecorpus.pseudogt.skeleton_maps.label import (
    EXAMPLE_CROPS,
    EXAMPLE_WIDTHS,
    draw_sample,
    person_window,
)
from posecorpus.pseudogt.skeleton_maps.maps import skeleton_maps

CAMERA = Camera.from_fov(50, 320, 240)


def person(seed: int) -> Person:
    joints3d = random_person(np.random.default_rng(seed)).astype(np.float32)
    joints3d[:, 2] += 2
    joints2d = CAMERA.project_camera(joints3d)[0].astype(np.float32)
    box = np.concatenate([joints2d.min(0), joints2d.max(0)])
    return Person("mpii_16", joints2d, np.full(16, 2, np.uint8), box, joints3d)


@pytest.fixture
def sample() -> Sample:
    made = Sample("a-1", 320, 240, [person(1), person(2)], camera=CAMERA)
    made.skeleton_maps = draw_sample(made, (3, 5.5), (1.0, 0.7), size=56)
    return made


def test_every_width_in_every_window_of_every_person(sample: Sample) -> None:
    maps = sample.skeleton_maps
    assert maps is not None
    assert [(m.person, m.stick_px) for m in maps] == [
        (i, w) for i in (0, 1) for _ in (1.0, 0.7) for w in (3.0, 5.5)
    ]
    for k, drawn in enumerate(maps):
        i, crop = drawn.person, (1.0, 0.7)[k // 2 % 2]
        joints = sample.people[i].joints2d.astype(float)
        middle, side = (joints.min(0) + joints.max(0)) / 2, 1.25 * crop * np.ptp(joints, axis=0).max()
        np.testing.assert_allclose(drawn.window, [*(middle - side / 2), *(middle + side / 2)], atol=1e-3)
        expected = skeleton_maps(
            sample.people[i].joints3d[None], CAMERA.K, MPII_16, drawn.window, 56, drawn.stick_px
        )
        np.testing.assert_array_equal([drawn.foreground, drawn.background], [e[0] for e in expected])
    whole, cut = maps[0].foreground, maps[2].foreground
    assert not whole[[0, -1]].any() and not whole[:, [0, -1]].any(), "a whole person does not touch the edge"
    assert cut[[0, -1]].any() or cut[:, [0, -1]].any(), "a crop cuts limbs off"
    sample.validate()


def test_eighteen_maps_as_the_paper_has_hypotheses(sample: Sample) -> None:
    maps = draw_sample(sample, EXAMPLE_WIDTHS, EXAMPLE_CROPS)
    assert len(maps) == 2 * 18
    assert {m.foreground.shape for m in maps} == {(224, 224)}


def test_who_gets_no_maps(sample: Sample) -> None:
    sample.people[0].joints3d = None
    sample.people[1].joints2d = np.full_like(sample.people[1].joints2d, np.nan)
    maps = draw_sample(sample, (3,))  # seen by the box
    box = sample.people[1].bbox.astype(float)
    assert [m.person for m in maps] == [1]
    assert maps[0].window[2] - maps[0].window[0] == pytest.approx(
        1.25 * max(box[2] - box[0], box[3] - box[1])
    )
    sample.people[1].bbox = np.full(4, np.nan, np.float32)
    assert draw_sample(sample, (3,)) == []
    sample = copy.deepcopy(sample)
    sample.camera = None
    assert draw_sample(sample, (3,)) == []


def test_a_person_on_one_point_has_a_window() -> None:
    someone = person(0)
    someone.joints2d = np.full((16, 2), 7.0, np.float32)
    np.testing.assert_array_equal(person_window(someone), np.float32([6.375, 6.375, 7.625, 7.625]))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (((),), "widths"), (((0.0,),), "widths"), (((300.0,),), "widths"), (((np.nan,),), "widths"),
        (((3,), ()), "crops"), (((3,), (-1.0,)), "crops"), (((3,), (1e9,)), "crops"),
        ((tuple(range(1, 12)), (1.0,) * 6), "at most 64 maps"),
    ],
)  # fmt: skip
def test_mistakes_are_refused(sample: Sample, arguments: tuple[object, ...], message: str) -> None:
    with pytest.raises(InputError, match=message):
        draw_sample(sample, *arguments)


def test_through_a_shard_and_verified(sample: Sample, tmp_path: Path) -> None:
    entry = write_shard(tmp_path, 0, [sample])
    manifest = Manifest(
        kind="label", seed=0, configuration={}, sticks=describe_sticks(), planned_samples=1, planned_shards=1,
        shards=[entry],
    )  # fmt: skip
    manifest.write(tmp_path / "manifest.json")
    (again,) = Corpus(tmp_path)
    assert again.skeleton_maps is not None and sample.skeleton_maps is not None
    for ours, theirs in zip(sample.skeleton_maps, again.skeleton_maps, strict=True):
        np.testing.assert_array_equal(ours.foreground, theirs.foreground)
        np.testing.assert_array_equal(ours.background, theirs.background)
    assert check_skeleton_maps(Subject(again)) == []


def swap_maps(drawn: SkeletonMap) -> None:
    drawn.foreground, drawn.background = drawn.background, drawn.foreground


def one_pixel(drawn: SkeletonMap) -> None:
    drawn.background[20, 30] += 1


def stranger(drawn: SkeletonMap) -> None:
    drawn.foreground[0, 0] = 77


def move(drawn: SkeletonMap) -> None:
    drawn.window = drawn.window + np.float32(1.5)


def widen(drawn: SkeletonMap) -> None:
    drawn.stick_px += 0.5


def other_person(drawn: SkeletonMap) -> None:
    drawn.person = 0


def no_area(drawn: SkeletonMap) -> None:
    drawn.window = drawn.window[[2, 1, 0, 3]]


def no_width(drawn: SkeletonMap) -> None:
    drawn.stick_px = float("nan")


@pytest.mark.parametrize(
    ("plant", "message"),
    [
        (swap_maps, "foreground differ"), (one_pixel, r"1 pixels of the background differ .* \(30, 20\)"),
        (stranger, "id 77, which there is not, not none"), (move, "differ"), (widen, "differ"),
        (other_person, "differ"), (no_area, "x0 < x1"), (no_width, "finite"),
    ],
)  # fmt: skip
def test_planted_faults_are_found(sample: Sample, plant: Callable[[SkeletonMap], None], message: str) -> None:
    assert sample.skeleton_maps is not None
    plant(sample.skeleton_maps[6])
    found = check_skeleton_maps(Subject(sample))
    assert found is not None and len(found) == 1
    assert re.search(message, found[0]) and found[0].startswith("skeleton_maps[6] (person")


def test_maps_of_nothing(sample: Sample) -> None:
    assert check_skeleton_maps(Subject(Sample("b", 320, 240, []))) is None
    sample.people[1].joints3d = None
    found = check_skeleton_maps(Subject(sample))
    assert found is not None and len(found) == 4 and all("no 3D" in message for message in found)
