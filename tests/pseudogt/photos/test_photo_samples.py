"""Boxes, sizes and rules by closed form."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from posecorpus.core.skeletons import COCO_17, LCR_13, LSP_14
from posecorpus.pseudogt.photos.pictures import Picture
from posecorpus.pseudogt.photos.records import AnnotatedPerson, AnnotatedPhoto, person
from posecorpus.pseudogt.photos.samples import JointRules, estimated_size, joint_box, photo_sample

POINTS = hnp.arrays(np.float64, (14, 2), elements=st.floats(-50, 500, width=32))
FLAGS = hnp.arrays(np.uint8, 14, elements=st.integers(0, 2))


@given(POINTS)
def test_boxes_hold_the_joints_with_a_tenth_around_them(points: np.ndarray) -> None:
    points[3] = np.nan
    known = np.delete(points, 3, 0)
    box = joint_box(points, None)
    width, height = np.ptp(known, axis=0)
    expected = [known[:, 0].min() - width / 10, known[:, 1].min() - height / 10]
    expected += [known[:, 0].max() + width / 10, known[:, 1].max() + height / 10]
    np.testing.assert_allclose(box, expected, atol=1e-9)
    cut = joint_box(points, (320, 240))
    np.testing.assert_allclose(cut, np.clip(expected, 0, [320, 240, 320, 240]), atol=1e-9)


def test_nobody_has_no_box() -> None:
    assert np.isnan(joint_box(np.full((14, 2), np.nan), (10, 10))).all()


def test_people_are_taken_to_be_in_the_middle() -> None:
    points = np.full((14, 2), np.nan)
    points[:2] = (100, 50), (200, 250)
    # the box is 90..210 by 30..270: as much to the right and below as to the left and above
    assert estimated_size([AnnotatedPerson(points, np.full(14, 2))]) == (300, 300)
    points[:2] = (-40, 5), (20, 5)
    assert estimated_size([AnnotatedPerson(points, np.full(14, 2))]) == (26, 10)


@given(POINTS, FLAGS, st.sampled_from(["keep", "drop"]), st.sampled_from(["keep", "drop"]))
def test_rules_for_hidden_and_outside_joints(
    points: np.ndarray, flags: np.ndarray, hidden: str, outer: str
) -> None:
    points = np.where(flags[:, None] > 0, points, np.nan)
    joints, visibility = JointRules(hidden, outer).apply(points, flags, (320, 240))  # type: ignore[arg-type]
    for (x, y), before, joint, after in zip(points, flags, joints, visibility, strict=True):
        beyond = before > 0 and not (-1 <= x <= 321 and -1 <= y <= 241)
        expected = 1 if beyond and before == 2 else before
        if (beyond and outer == "drop") or (expected == 1 and hidden == "drop"):
            expected = 0
        assert after == expected
        assert joint.tolist() == ([x, y] if expected else pytest.approx([np.nan] * 2, nan_ok=True))


def make(picture: Picture | None = None, size: tuple[int, int] | None = None, **rules: str) -> object:
    rng = np.random.default_rng(0)
    people = []
    for i in range(2):
        flags = rng.integers(1, 3, 14)
        flags[13] = 0
        box = None if i else np.array([1.0, 2, 30, 40])
        people.append(person(rng.uniform(5, 95, (14, 2)), flags, "x", box, {"n": i}))
    people[1].joints[0] = (250, 50)
    people[1].visibility[0] = 2
    photo = AnnotatedPhoto("a/b.jpg", "x", tuple(people), size, {"licence": "CC"})
    return photo_sample("b", photo, LSP_14, LCR_13, JointRules(**rules), {"format": "lsp"}, picture)  # type: ignore[arg-type]


def test_a_sample_says_where_it_comes_from() -> None:
    sample = make(Picture(b"bytes", 200, 100, "converted"))
    sample.validate()  # type: ignore[attr-defined]
    assert (sample.width, sample.height, sample.encoded) == (200, 100, {"image": b"bytes"})  # type: ignore[attr-defined]
    assert sample.provenance == {  # type: ignore[attr-defined]
        "format": "lsp", "image": "a/b.jpg", "size": "from the photo", "licence": "CC", "image_change": "converted",
        "people": [{"n": 0}, {"n": 1, "outside": ["r_ankle"]}],
    }  # fmt: skip
    first, second = sample.people  # type: ignore[attr-defined]
    assert first.bbox.tolist() == [1, 2, 30, 40]
    assert second.bbox[2] == 200  # cut at the edge
    assert second.skeleton == "lcr_13"
    assert second.visibility[LCR_13.index("r_ankle")] == 1  # nothing is visible outside the picture
    assert second.joints2d[LCR_13.index("r_ankle")].tolist() == [250, 50]
    assert second.visibility[LCR_13.index("head")] == 0  # LSP has the crown only
    assert np.isnan(second.joints2d[LCR_13.index("head")]).all()


def test_sizes_without_a_picture() -> None:
    given_size, estimated = make(size=(200, 100)), make()
    assert (given_size.width, given_size.height) == (200, 100)  # type: ignore[attr-defined]
    assert given_size.provenance["size"] == "given"  # type: ignore[attr-defined]
    assert estimated.provenance["size"] == "estimated"  # type: ignore[attr-defined]
    assert estimated.width > 250  # type: ignore[attr-defined]
    assert estimated.people[1].visibility[0] == 2  # type: ignore[attr-defined]
    assert "outside" not in estimated.provenance["people"][1]  # type: ignore[attr-defined]


def test_people_of_whom_nothing_is_left_are_no_people() -> None:
    rng = np.random.default_rng(0)
    hidden = person(rng.uniform(5, 95, (17, 2)), np.ones(17, int), "x")
    seen = person(rng.uniform(5, 95, (17, 2)), np.full(17, 2), "x", None, {"n": 1})
    photo = AnnotatedPhoto("b.jpg", "x", (hidden, seen))
    sample = photo_sample("b", photo, COCO_17, COCO_17, JointRules(hidden="drop"), {}, None)
    assert len(sample.people) == 1
    assert sample.provenance["people"] == [{"n": 1}]
