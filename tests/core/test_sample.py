"""A good sample passes; each planted fault is named with its field."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable

import numpy as np
import pytest

from posecorpus.core.cameras import Camera
from posecorpus.core.errors import InputError
from posecorpus.core.sample import HIDDEN, UNLABELLED, VISIBLE, Person, Sample


def make_person() -> Person:
    joints2d = np.full((17, 2), 3, np.float32)
    joints2d[4] = np.nan
    visibility = np.full(17, VISIBLE, np.uint8)
    visibility[4], visibility[5] = UNLABELLED, HIDDEN
    return Person(
        skeleton="coco_17",
        joints2d=joints2d,
        visibility=visibility,
        bbox=np.array([0, 0, 6, 4], np.float32),
        joints3d=np.zeros((17, 3), np.float32),
        pose=np.zeros((24, 3), np.float32),
        betas=np.zeros(10, np.float32),
        translation=np.zeros(3, np.float32),
    )


def make_sample() -> Sample:
    return Sample(
        key="clip-000001.f_12",
        width=6,
        height=4,
        people=[make_person()],
        image=np.zeros((4, 6, 3), np.uint8),
        camera=Camera.from_fov(60, 6, 4),
        parts=np.zeros((4, 6), np.uint8),
        instances=np.ones((4, 6), np.uint8),
        depth_mm=np.zeros((4, 6), np.uint16),
        normals=np.zeros((4, 6, 3), np.uint8),
        flow=np.zeros((4, 6, 2), np.float16),
    )


def test_a_good_sample_and_a_bare_one_pass() -> None:
    make_sample().validate()
    Sample(key="photo", width=6, height=4, people=[]).validate()


def person_fault(name: str, value: object) -> Callable[[Sample], None]:
    return lambda sample: setattr(sample.people[0], name, value)


def fault(name: str, value: object) -> Callable[[Sample], None]:
    return lambda sample: setattr(sample, name, value)


@pytest.mark.parametrize(
    ("plant", "where"),
    [
        (fault("key", ""), "sample key"),
        (fault("key", "a/b"), "sample key"),
        (fault("key", "../a"), "sample key"),
        (fault("key", ".hidden"), "sample key"),
        (fault("image", np.zeros((4, 6), np.uint8)), "image"),
        (fault("image", np.zeros((4, 6, 3), np.float32)), "image"),
        (fault("parts", np.zeros((6, 4), np.uint8)), "parts"),
        (fault("instances", np.zeros((4, 6), np.int32)), "instances"),
        (fault("instances", np.full((4, 6), 2, np.uint8)), "instances"),
        (fault("depth_mm", np.zeros((4, 6), np.float32)), "depth_mm"),
        (fault("normals", np.zeros((4, 6, 2), np.uint8)), "normals"),
        (fault("flow", np.zeros((4, 6, 2), np.float32)), "flow"),
        (fault("camera", Camera.from_fov(60, 6, 5)), "camera"),
        (person_fault("skeleton", "coco"), "skeleton"),
        (person_fault("skeleton", "lsp_14"), r"people\[0\].joints2d"),
        (person_fault("joints2d", None), r"people\[0\].joints2d"),
        (person_fault("bbox", None), r"people\[0\].bbox"),
        (person_fault("joints2d", np.zeros((17, 2))), r"people\[0\].joints2d"),
        (person_fault("joints2d", np.full((17, 2), np.nan, np.float32)), r"people\[0\].joints2d"),
        (person_fault("visibility", np.zeros(16, np.uint8)), r"people\[0\].visibility"),
        (person_fault("visibility", np.full(17, 3, np.uint8)), r"people\[0\].visibility"),
        (person_fault("bbox", np.zeros(3, np.float32)), r"people\[0\].bbox"),
        (person_fault("joints3d", np.zeros((17, 2), np.float32)), r"people\[0\].joints3d"),
        (person_fault("pose", np.zeros(72, np.float32)), r"people\[0\].pose"),
        (person_fault("betas", np.zeros((1, 10), np.float32)), r"people\[0\].betas"),
        (person_fault("translation", np.zeros((1, 3), np.float32)), r"people\[0\].translation"),
    ],
)
def test_each_fault_is_named(plant: Callable[[Sample], None], where: str) -> None:
    sample = make_sample()
    plant(sample)
    with pytest.raises(InputError, match=where) as caught:
        sample.validate()
    assert "\n" not in str(caught.value)


def test_key_is_part_of_the_message() -> None:
    sample = copy.deepcopy(make_sample())
    sample.parts = np.zeros((1, 1), np.uint8)
    with pytest.raises(InputError, match=r"^clip-000001\.f_12: parts: expected uint8 of shape \(4, 6\), got"):
        sample.validate()


def test_errors_come_home_from_a_worker_unchanged() -> None:
    error = InputError("file.bvh:12", "three\nnumbers", "two", "cut the line")
    again = pickle.loads(pickle.dumps(error))
    assert str(again) == str(error) == "file.bvh:12: expected three numbers, got two; cut the line"
