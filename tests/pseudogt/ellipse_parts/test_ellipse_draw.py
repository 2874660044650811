"""The calls around the kernels: samples, shapes, refusals."""

from __future__ import annotations

import numpy as np
import pytest
from random_people import SIDES, random_people

from posecorpus.core.ellipses import default_constants, plan_for
from posecorpus.core.errors import InputError
from posecorpus.core.sample import Person
from posecorpus.core.skeletons import COCO_17, LSP_14, SKELETONS
from posecorpus.pseudogt.ellipse_parts.draw import draw_batch, draw_sample, ellipse_masks

HEIGHT, WIDTH = SIDES
PLAN = plan_for(default_constants("h36m_25"), "lsp_14")


def person(skeleton, joints2d, joints3d):
    """As a corpus holds them."""
    seen = np.where(np.isfinite(joints2d).all(-1), 2, 0).astype(np.uint8)
    lifted = None if joints3d is None else joints3d.astype(np.float32)
    box = np.zeros(4, np.float32)
    return Person(skeleton.name, joints2d.astype(np.float32), seen, box, joints3d=lifted)


@pytest.mark.parametrize("depth", [True, False])
def test_a_sample_is_a_batch_of_one(depth):
    joints2d, joints3d = random_people(np.random.default_rng(1), LSP_14, images=1, count=4)
    joints2d, joints3d = joints2d.astype(np.float32), joints3d.astype(np.float32)
    people = [person(LSP_14, joints2d[0, p], joints3d[0, p] if depth else None) for p in range(4)]
    drawn = draw_sample(people, WIDTH, HEIGHT, default_constants("h36m_25"))
    batch = draw_batch(joints2d, joints3d if depth else None, PLAN, HEIGHT, WIDTH)
    for a, b in zip(drawn, batch, strict=True):
        np.testing.assert_array_equal(a, b[0])
        assert a.any() and a.dtype == np.uint8


def test_people_of_different_skeletons_share_an_image():
    constants = default_constants("surreal_14")
    both = [random_people(np.random.default_rng(i), s, 1, 1) for i, s in enumerate((LSP_14, COCO_17))]
    far, near = both[0][1] + (0, 0, 100), both[1][1]
    people = [person(LSP_14, both[0][0][0, 0], far[0, 0]), person(COCO_17, both[1][0][0, 0], near[0, 0])]
    parts, instances = draw_sample(people, WIDTH, HEIGHT, constants)
    alone = draw_sample(people[1:], WIDTH, HEIGHT, constants)[0]
    np.testing.assert_array_equal(instances == 2, alone > 0)
    np.testing.assert_array_equal(parts[alone > 0], alone[alone > 0])
    behind = draw_sample(people[:1], WIDTH, HEIGHT, constants)[0]
    np.testing.assert_array_equal(parts[alone == 0], behind[alone == 0])


@pytest.mark.parametrize("skeleton", SKELETONS.values(), ids=lambda s: s.name)
@pytest.mark.parametrize("taxonomy", ["h36m_25", "surreal_14"])
def test_every_part_is_drawn_from_every_skeleton(taxonomy, skeleton):
    joints2d, _ = random_people(np.random.default_rng(2), skeleton, images=1, count=1)
    constants = default_constants(taxonomy)
    plan = plan_for(constants, skeleton.name)
    drawn = set(plan.labels[plan.ends[:, 0, 0] >= 0].tolist())
    assert drawn == set(constants.parts.legend) - {0}
    assert draw_batch(joints2d, None, plan, HEIGHT, WIDTH)[0].any()


def test_one_person_an_image():
    joints2d, joints3d = random_people(np.random.default_rng(3), LSP_14, images=5, count=1)
    parts, instances = draw_batch(joints2d, joints3d, PLAN, HEIGHT, WIDTH)
    np.testing.assert_array_equal(ellipse_masks(joints2d[:, 0], joints3d[:, 0], PLAN, HEIGHT, WIDTH), parts)
    np.testing.assert_array_equal(instances > 0, parts > 0)


def test_nobody():
    assert not draw_sample([], WIDTH, HEIGHT, default_constants("h36m_25"))[0].any()
    assert draw_batch(np.zeros((0, 2, 14, 2)), None, PLAN, 4, 5)[0].shape == (0, 4, 5)
    assert not draw_batch(np.zeros((2, 0, 14, 2)), None, PLAN, 4, 5)[0].any()


@pytest.mark.parametrize(
    ("joints2d", "joints3d", "size", "windows"),
    [
        (np.zeros((2, 14, 2)), None, (4, 4), None),
        (np.zeros((2, 1, 14, 3)), None, (4, 4), None),
        (np.zeros((2, 1, 13, 2)), None, (4, 4), None),
        (np.zeros((2, 256, 14, 2)), None, (4, 4), None),
        (np.zeros((2, 1, 14, 2)), np.zeros((2, 14, 3)), (4, 4), None),
        (np.zeros((2, 1, 14, 2)), None, (0, 4), None),
        (np.zeros((2, 1, 14, 2)), None, (4, 4), np.zeros((3, 4))),
        (np.zeros((2, 1, 14, 2)), None, (4, 4), (0, 0, 0, 5)),
        (np.zeros((2, 1, 14, 2)), None, (4, 4), (0, 0, np.nan, 5)),
    ],
)
def test_what_cannot_be_drawn_is_refused(joints2d, joints3d, size, windows):
    with pytest.raises(InputError, match="ellipses"):
        draw_batch(joints2d, joints3d, PLAN, *size, windows)


def test_too_many_people_are_refused():
    joints2d, _ = random_people(np.random.default_rng(3), LSP_14, images=1, count=1)
    with pytest.raises(InputError, match="255"):
        draw_sample([person(LSP_14, joints2d[0, 0], None)] * 256, 4, 4, default_constants("h36m_25"))


def test_the_same_input_gives_the_same_bytes_however_it_is_laid_out():
    joints2d, joints3d = random_people(np.random.default_rng(4), LSP_14, images=3, count=2)
    frozen = joints2d.copy()
    frozen.flags.writeable = False
    expected = draw_batch(joints2d, joints3d, PLAN, HEIGHT, WIDTH)
    strided = np.asfortranarray(joints3d)
    for a, b in zip(draw_batch(frozen, strided, PLAN, HEIGHT, WIDTH), expected, strict=True):
        np.testing.assert_array_equal(a, b)
