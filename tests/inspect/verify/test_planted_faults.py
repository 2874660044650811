"""A good corpus has no violation; each fault planted in it is found by the checks meant for it, at its key.

Where several labels hang together (a person's pose and every pixel that shows it), the fault of one
shows in all that are derived from it; then all those checks, and no others, must fire.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from small_corpus import KEY, edit_manifest, violations, write_corpus

from posecorpus.core.parts import SMPL_24_PARTS
from posecorpus.core.sample import HIDDEN, UNLABELLED, VISIBLE, Person, Sample
from posecorpus.core.skeletons import FULL_42
from posecorpus.inspect.verify import verify_corpus
from posecorpus.inspect.verify.run import RENDERED_CHECKS
from posecorpus.synth.bodies.model import load_body

Plant = Callable[[Sample], None]


def test_a_good_corpus_is_clean_and_nothing_went_unchecked(good: list[list[Sample]], tmp_path: Path) -> None:
    write_corpus(tmp_path, good)
    report = verify_corpus(tmp_path)
    assert report.violations == [] and report.ok and report.notes == []
    assert report.samples == 7
    rendered = {"camera", "bones", *(name for name, _ in RENDERED_CHECKS)} - {"visibility", "bbox"}
    assert {name: report.checked[name] for name in rendered} == dict.fromkeys(rendered, 6)
    assert report.checked["visibility"] == report.checked["bbox"] == report.checked["sample"] == 7


def test_workers_do_not_change_the_report(good: list[list[Sample]], tmp_path: Path) -> None:
    shards = copy.deepcopy(good)
    shift_pixels(shards[0][1])
    negate_flow(shards[1][0])
    write_corpus(tmp_path, shards)
    one, two = verify_corpus(tmp_path, workers=1), verify_corpus(tmp_path, workers=2)
    assert one == two
    assert [(v.key, v.check) for v in one.violations] == [("a-1", "reprojection"), ("b-0", "flow")]


# --- faults of one sample ----------------------------------------------------------------------------


def joint_seen(sample: Sample) -> tuple[Person, int, int, int]:
    """A visible joint of a limb or hip: person, joint, row and column of its pixel."""
    for person in sample.people:
        for name in ("l_elbow", "r_elbow", "l_knee", "r_knee", "l_hip", "r_hip"):
            j = FULL_42.index(name)
            if person.visibility[j] == VISIBLE:
                x, y = np.floor(person.joints2d[j]).astype(int)
                return person, j, y, x
    raise AssertionError("no limb is visible")


def reproject(sample: Sample, person: Person) -> None:
    assert sample.camera is not None and person.joints3d is not None
    person.joints2d = sample.camera.project_camera(person.joints3d)[0].astype(np.float32)


def shift_pixels(sample: Sample) -> None:
    person, j, _, _ = joint_seen(sample)
    towards_middle = 0.5 - person.joints2d[j] % 1
    person.joints2d[j] += 0.02 * np.sign(towards_middle) * (1, 0)


def stretch_bone(sample: Sample) -> None:
    person = sample.people[0]
    elbow, wrist, hand = FULL_42.indices("r_elbow", "r_wrist", "r_hand")
    person.joints3d[[wrist, hand]] += 0.08 * (person.joints3d[wrist] - person.joints3d[elbow])
    reproject(sample, person)


def move_person(sample: Sample) -> None:
    sample.people[0].joints3d += np.float32([0, 0, 0.004])
    reproject(sample, sample.people[0])


def bend_elbow(sample: Sample) -> None:
    person = sample.people[1]
    person.pose[FULL_42.index("r_elbow")] += np.float32([0, 0.25, 0])


def change_shape(sample: Sample) -> None:
    sample.people[0].betas = np.zeros(10, np.float32)


def exchange_joints(sample: Sample) -> None:
    for person in sample.people:
        person.joints2d = person.joints2d[FULL_42.mirror]
        person.joints3d = person.joints3d[FULL_42.mirror]
        person.visibility = person.visibility[FULL_42.mirror]


def mirror_everything(sample: Sample) -> None:
    """What SURREAL's camera does: the whole picture from the other side of a mirror, names left as they are."""
    for name in ("image", "parts", "instances", "depth_mm", "normals", "flow"):
        setattr(sample, name, np.ascontiguousarray(getattr(sample, name)[:, ::-1]))
    surface = sample.normals.any(-1)
    sample.normals[..., 0] = np.where(surface, 255 - sample.normals[..., 0], 0)
    sample.flow[..., 0] *= -1
    for person in sample.people:
        person.joints3d[:, 0] *= -1
        reproject(sample, person)
        person.bbox[[0, 2]] = sample.width - person.bbox[[2, 0]]


def mirror_image(sample: Sample) -> None:
    sample.image = np.ascontiguousarray(sample.image[:, ::-1])


def turn_image(sample: Sample) -> None:
    sample.image = np.ascontiguousarray(sample.image[::-1])


def mirror_bodiless(sample: Sample) -> None:
    mirror_everything(sample)
    forget_bodies(sample)


def forget_bodies(sample: Sample) -> None:
    for person in sample.people:
        person.body = person.pose = person.betas = person.translation = None


def dent_depth(sample: Sample) -> None:
    _, _, y, x = joint_seen(sample)
    sample.depth_mm[y, x] += 100


def ray_distance(sample: Sample) -> None:
    y, x = np.mgrid[: sample.height, : sample.width] + 0.5
    rays = sample.camera.unproject(np.stack([x, y], -1), np.ones_like(x))
    sample.depth_mm = np.rint(sample.depth_mm * np.linalg.norm(rays, axis=-1)).astype(np.uint16)


def exchange_part_sides(sample: Sample) -> None:
    sample.parts = SMPL_24_PARTS.mirror[sample.parts]


def repaint_one_part(sample: Sample) -> None:
    _, _, y, x = joint_seen(sample)
    sample.parts[y, x] = FULL_42.index("head") + 1


def unknown_part(sample: Sample) -> None:
    y, x = np.argwhere(sample.parts > 0)[50]
    sample.parts[y, x] = 25


def exchange_instances(sample: Sample) -> None:
    sample.instances = np.array([0, 2, 1], np.uint8)[sample.instances]


def hole_in_depth(sample: Sample) -> None:
    y, x = np.argwhere(sample.instances > 0)[50]
    sample.depth_mm[y, x] = 0


def depth_of_nothing(sample: Sample) -> None:
    sample.depth_mm[0, 0] = 5000


def person_of_nothing(sample: Sample) -> None:
    sample.instances[0, 0] = 1


def negate_flow(sample: Sample) -> None:
    sample.flow = -sample.flow


def transpose_flow(sample: Sample) -> None:
    sample.flow = np.ascontiguousarray(sample.flow[..., ::-1])


def stray_flow(sample: Sample) -> None:
    sample.flow[0, 0] = 1


def infinite_flow(sample: Sample) -> None:
    y, x = np.argwhere(sample.instances > 0)[50]
    sample.flow[y, x] = np.inf


def edit_normals(change: Callable[[np.ndarray], np.ndarray]) -> Plant:
    """Change the unit vectors of all normals, (N, 3)."""

    def plant(sample: Sample) -> None:
        surface = sample.normals.any(-1)
        vectors = change(sample.normals[surface] / 127.5 - 1)
        sample.normals[surface] = np.clip(np.rint(127.5 * (vectors + 1)), 0, 255)

    return plant


def grow_box(sample: Sample) -> None:
    sample.people[0].bbox[2] += 1


def no_box(sample: Sample) -> None:
    sample.people[0].bbox[:] = sample.people[0].bbox[[2, 1, 0, 3]]


def hide_joint(sample: Sample) -> None:
    person, j, _, _ = joint_seen(sample)
    person.visibility[j] = HIDDEN


def show_joint(sample: Sample) -> None:
    """Flag a joint visible whose pixel shows something else."""
    for i, person in enumerate(sample.people):
        for j in np.flatnonzero(person.visibility == HIDDEN):
            x, y = np.floor(person.joints2d[j]).astype(int)
            inside = 0 <= x < sample.width and 0 <= y < sample.height
            if not inside or sample.instances[y, x] != i + 1:
                person.visibility[j] = VISIBLE
                return
    raise AssertionError("every joint is visible")


def show_covered_face(sample: Sample) -> None:
    """Flag a point of the face visible that is on the far side of its own head."""
    for i, person in enumerate(sample.people):
        for j in FULL_42.indices("nose", "l_eye", "r_eye", "l_ear", "r_ear"):
            x, y = np.floor(person.joints2d[j]).astype(int)
            if person.visibility[j] == HIDDEN and sample.instances[y, x] == i + 1:
                person.visibility[j] = VISIBLE
                return
    raise AssertionError("no head covers its own face")


def unlabel_joint(sample: Sample) -> None:
    sample.people[0].visibility[FULL_42.index("l_knee")] = UNLABELLED


SAMPLE_FAULTS: list[tuple[Plant, set[str]]] = [
    (shift_pixels, {"reprojection"}),
    (stretch_bone, {"body", "bones"}),
    (move_person, {"body"}),
    (bend_elbow, {"body", "instances", "parts", "depth", "normals", "flow", "flow before"}),
    (change_shape, {"body", "bones", "instances", "parts", "depth", "normals", "flow", "flow before"}),
    (exchange_joints, {"body", "sides", "parts", "visibility"}),
    (mirror_everything, {"body", "sides", "instances", "parts", "depth", "normals", "flow"}),
    (mirror_bodiless, {"sides"}),
    (mirror_image, {"image"}),
    (turn_image, {"image"}),
    (dent_depth, {"depth", "visibility"}),
    (ray_distance, {"depth", "visibility"}),
    (exchange_part_sides, {"parts", "visibility"}),
    (repaint_one_part, {"parts", "visibility"}),
    (unknown_part, {"ids"}),
    (exchange_instances, {"instances", "visibility", "bbox"}),
    (hole_in_depth, {"masks", "depth"}),
    (depth_of_nothing, {"masks"}),
    (person_of_nothing, {"masks", "bbox", "instances"}),
    (negate_flow, {"flow"}),
    (transpose_flow, {"flow"}),
    (stray_flow, {"masks"}),
    (infinite_flow, {"flow"}),
    (edit_normals(lambda n: -n), {"normals"}),
    (edit_normals(lambda n: n * 0.8), {"normals"}),
    (edit_normals(lambda n: n * [-1, 1, 1]), {"normals"}),
    (edit_normals(lambda n: n[:, [0, 2, 1]]), {"normals"}),
    (grow_box, {"bbox"}),
    (no_box, {"bbox"}),
    (hide_joint, {"visibility"}),
    (show_joint, {"visibility"}),
    (show_covered_face, {"visibility", "depth"}),
    (unlabel_joint, {"visibility"}),
]


@pytest.mark.parametrize(
    ("plant", "expected"),
    [
        pytest.param(plant, expected, id=f"{plant.__name__}-{i}")
        for i, (plant, expected) in enumerate(SAMPLE_FAULTS)
    ],
)
def test_fault_of_a_sample(
    plant: Plant, expected: set[str], good: list[list[Sample]], tmp_path: Path
) -> None:
    shards = copy.deepcopy(good)
    plant(shards[0][1])
    write_corpus(tmp_path, shards)
    before = {"a-0": {"flow"}} if "flow before" in expected else {}  # flow leads into the faulty sample
    assert violations(tmp_path) == {KEY: expected - {"flow before"}} | before


def test_samples_without_bodies_are_checked_as_far_as_their_labels_go(
    good: list[list[Sample]], tmp_path: Path
) -> None:
    shards = copy.deepcopy(good)
    for sample in shards[0]:
        forget_bodies(sample)
    write_corpus(tmp_path, shards)
    assert violations(tmp_path) == {}
    dent = shards[0][1]
    _, _, y, x = joint_seen(dent)
    dent.depth_mm[y, x] -= 1000
    stretch_bone(shards[0][0])
    write_corpus(tmp_path, shards)
    assert violations(tmp_path) == {"a-0": {"bones"}, "a-1": {"depth"}}


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e30])
@pytest.mark.parametrize("name", ["joints2d", "joints3d", "pose", "betas", "translation", "bbox"])
def test_no_number_breaks_the_verifier(
    name: str, value: float, good: list[list[Sample]], tmp_path: Path
) -> None:
    shards = copy.deepcopy(good)
    person = shards[0][1].people[0]
    values = getattr(person, name).copy()
    values.reshape(-1)[2] = value
    if name == "joints2d" and np.isnan(value):
        values[:] = value
        person.visibility[:] = UNLABELLED
    setattr(person, name, values)
    write_corpus(tmp_path, shards)
    found = violations(tmp_path)
    assert KEY in found and found.keys() <= {"a-0", "a-1"}, "only flow that leads here may fail beside it"
    assert found.get("a-0", {"flow"}) == {"flow"}


def test_boxes_of_photos_need_only_hold_the_pixels(good: list[list[Sample]], tmp_path: Path) -> None:
    shards = copy.deepcopy(good)
    photo = shards[1][-1]
    photo.instances = np.zeros((30, 40), np.uint8)
    photo.instances[4:21, 4:18] = 1
    write_corpus(tmp_path, shards)
    assert violations(tmp_path) == {}
    photo.instances[4:21, 4:30] = 1
    write_corpus(tmp_path, shards)
    assert violations(tmp_path) == {"photo-1": {"bbox"}}
    photo.instances[:] = 0
    photo.people[0].joints2d[:] = np.nan
    photo.people[0].visibility[:] = UNLABELLED
    write_corpus(tmp_path, shards)
    assert violations(tmp_path) == {}


def test_another_versions_corpus_is_noted(good: list[list[Sample]], tmp_path: Path) -> None:
    write_corpus(tmp_path, good[1:])
    edit_manifest(lambda m: m["packages"].update(posecorpus="0.0.1"))(tmp_path)
    report = verify_corpus(tmp_path)
    assert report.ok and "0.0.1" in report.notes[0]


def test_flow_of_stills_is_checked_by_the_provenance(good: list[list[Sample]], tmp_path: Path) -> None:
    """Where no next sample tells how people move, their next pose is part of the provenance."""
    shards = copy.deepcopy(good)
    for sample in shards[0]:
        sample.clip = sample.frame = None
    shards[0][0].provenance["next"] = [{"pose": 3}]
    del shards[0][1].provenance["next"]
    negate_flow(shards[0][0])  # not known
    negate_flow(shards[0][1])  # not known
    negate_flow(shards[0][2])
    write_corpus(tmp_path, shards)
    report = verify_corpus(tmp_path)
    assert [(v.key, v.check) for v in report.violations] == [("a-2", "flow")]
    assert len(report.notes) == 1 and "provenance.next" in report.notes[0]


def test_a_body_that_is_not_here_is_noted(good: list[list[Sample]], tmp_path: Path) -> None:
    shards = copy.deepcopy(good)
    for sample in shards[0]:
        sample.people[0].body = "/nowhere/SMPL_NEUTRAL.npz"
    write_corpus(tmp_path, shards)
    report = verify_corpus(tmp_path)
    assert report.ok
    assert len(report.notes) == 1 and "SMPL_NEUTRAL.npz" in report.notes[0]
    assert report.checked["body"] == 6 and report.checked["instances"] == 3


def test_a_corpus_of_other_bodies_is_noted(good: list[list[Sample]], tmp_path: Path) -> None:
    """Bodies change between versions: labels must not be blamed for it, nor other labels go unchecked."""
    shards = copy.deepcopy(good)
    write_corpus(tmp_path, shards)
    here = {f"body open {gender}": load_body("open", gender).digest for gender in ("female", "male")}
    edit_manifest(lambda m: m.update(inputs=here))(tmp_path)
    report = verify_corpus(tmp_path)
    assert report.ok and report.notes == [] and report.checked["body"] == 6

    change_shape(shards[0][1])  # of the first person, who has the female body
    bend_elbow(shards[0][2])  # of the second
    write_corpus(tmp_path, shards)
    edit_manifest(lambda m: m.update(inputs=here | {"body open female": "0" * 64}))(tmp_path)
    report = verify_corpus(tmp_path)
    assert [(v.key, v.check) for v in report.violations] == [("a-2", "body")]
    assert len(report.notes) == 1 and "body open female" in report.notes[0] and "made with" in report.notes[0]
    assert report.checked["bones"] == report.checked["body"] == report.checked["visibility"] - 1 == 6
    assert report.checked["instances"] == 0


def test_other_cameras_of_a_clip_are_taken_from_its_samples(good: list[list[Sample]], tmp_path: Path) -> None:
    """Flow leads into the NEXT sample's camera: a camera that jumps makes the flow before it wrong."""
    shards = copy.deepcopy(good)
    moved = shards[0][2]
    moved.camera = replace(moved.camera, t=moved.camera.t + [0.05, 0, 0])
    write_corpus(tmp_path, shards)
    found = violations(tmp_path)
    assert found.keys() == {"a-1", "a-2"} and found["a-1"] == {"flow"}
