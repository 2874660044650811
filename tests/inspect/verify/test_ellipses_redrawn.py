"""Drawn part masks are drawn again: what was drawn passes, every planted fault is found."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from posecorpus.core.ellipses import default_constants
from posecorpus.core.parts import H36M_25_PARTS, SURREAL_14_PARTS
from posecorpus.core.sample import VISIBLE, Person, Sample
from posecorpus.core.skeletons import COCO_17
from posecorpus.inspect.verify.ellipses import check_ellipses
from posecorpus.inspect.verify.subject import Subject
from posecorpus.pseudogt.ellipse_parts.draw import draw_sample

CONSTANTS = default_constants("h36m_25")
WIDTH, HEIGHT = 80, 60


def labelled() -> Subject:
    """Two people beside each other, one with 3D, and their ellipses."""
    rng = np.random.default_rng(1)
    people = []
    for left in (10, 45):
        joints2d = rng.uniform((left, 5), (left + 25, 55), (len(COCO_17), 2)).astype(np.float32)
        visible = np.full(len(COCO_17), VISIBLE, np.uint8)
        people.append(Person("coco_17", joints2d, visible, np.array([left, 5, left + 25, 55], np.float32)))
    depth = rng.uniform(2.9, 3.1, (len(COCO_17), 1))
    people[0].joints3d = np.hstack([people[0].joints2d / 50, depth]).astype(np.float32)
    parts, instances = draw_sample(people, WIDTH, HEIGHT, CONSTANTS)
    assert set(np.unique(instances)) == {0, 1, 2}
    sample = Sample("drawn", WIDTH, HEIGHT, people, parts=parts, instances=instances)
    configuration = {"parts": "ellipses", "ellipses": CONSTANTS.as_json()}
    return Subject(sample, taxonomy=H36M_25_PARTS, configuration=configuration)


def test_what_was_drawn_passes():
    assert check_ellipses(labelled()) == []


def test_rendered_parts_are_left_alone():
    subject = labelled()
    subject.configuration = {"parts": "rendered"}
    assert check_ellipses(subject) is None
    subject = labelled()
    subject.sample.parts = None
    assert check_ellipses(subject) is None


def test_instances_of_another_source_are_left_alone():
    subject = labelled()
    subject.sample.instances[:5] = 1
    assert check_ellipses(subject) == []


def one_pixel(subject):
    y, x = np.argwhere(subject.sample.parts > 0)[7]
    subject.sample.parts[y, x] = 0


def no_depth(subject):
    subject.sample.people[0].joints3d = None


def moved_joint(subject):
    subject.sample.people[1].joints2d[COCO_17.index("l_knee")] += 3


def other_constants(subject):
    changed = CONSTANTS.with_shape("thigh", radius=0.3)
    subject.configuration = {**subject.configuration, "ellipses": changed.as_json()}


def exchanged_people(subject):
    instances = subject.sample.instances
    subject.sample = replace(subject.sample, instances=np.array([0, 2, 1], np.uint8)[instances])


def no_constants(subject):
    subject.configuration = {"parts": "ellipses"}


def other_taxonomy(subject):
    subject.taxonomy = SURREAL_14_PARTS


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        (one_pixel, "1 pixels are not the ellipses"),
        (no_depth, "are not the ellipses"),
        (moved_joint, "are not the ellipses"),
        (other_constants, "are not the ellipses"),
        (exchanged_people, "another person's"),
        (no_constants, "cannot be drawn again"),
        (other_taxonomy, "ellipses of h36m_25 in a corpus of surreal_14"),
    ],
)
def test_planted_faults_are_found(fault, told):
    subject = labelled()
    fault(subject)
    messages = check_ellipses(subject)
    assert messages is not None and len(messages) == 1
    assert told in messages[0]
