"""Left and right: what contradicts itself is told, what only looks unusual is not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from posecorpus.core.skeletons import COCO_17, LCR_13, LSP_14, MPII_16, TORSO, Skeleton, opposite
from posecorpus.pseudogt.photos.checks import check_sides, outside
from posecorpus.pseudogt.photos.read import PhotoFormat, read_annotations
from posecorpus.pseudogt.photos.records import AnnotatedPerson

# Someone who stands 200 px tall and faces us: their right is on the left of the picture.
FRONT = {
    "r_ankle": (88, 250), "r_knee": (88, 200), "r_hip": (88, 150), "l_hip": (112, 150), "l_knee": (112, 200),
    "l_ankle": (112, 250), "r_wrist": (70, 145), "r_elbow": (72, 120), "r_shoulder": (80, 95),
    "l_shoulder": (120, 95), "l_elbow": (128, 120), "l_wrist": (130, 145), "neck": (100, 90), "head_top": (100, 60),
    "nose": (100, 78), "l_eye": (105, 73), "r_eye": (95, 73), "l_ear": (110, 75), "r_ear": (90, 75),
    "pelvis": (100, 150), "thorax": (100, 95), "upper_neck": (100, 88), "head": (100, 72),
}  # fmt: skip
LIMBS = ("shoulder", "elbow", "wrist")


def someone(
    joints: Skeleton, turn: float = 0.0, exchange: tuple[str, ...] = (), missing: tuple[str, ...] = ()
) -> AnnotatedPerson:
    """The person, turned in the picture, with left and right of some joints exchanged."""
    points = np.array([FRONT[name] for name in joints.joints], float)
    for part in exchange:
        pair = joints.indices(f"l_{part}", f"r_{part}")
        points[pair] = points[pair[::-1]]
    c, s = np.cos(turn), np.sin(turn)
    points = (points - 150) @ np.array([[c, s], [-s, c]]) + 150
    flags = np.full(len(joints), 2, np.uint8)
    for name in missing:
        points[joints.index(name)], flags[joints.index(name)] = np.nan, 0
    return AnnotatedPerson(points, flags)


PARTS = ("shoulder", "elbow", "wrist", "hip", "knee", "ankle")


@pytest.mark.parametrize("joints", [LSP_14, MPII_16, COCO_17, LCR_13])
@pytest.mark.parametrize("turn", [0, 1, 2, 3, 4, 5])
def test_people_whose_arms_or_legs_are_exchanged(joints: Skeleton, turn: float) -> None:
    people = [
        someone(joints, turn),
        someone(joints, turn, LIMBS),
        someone(joints, turn, ("hip", "knee", "ankle")),
        someone(joints, turn, PARTS),  # consistent: as if seen from behind
        someone(joints, turn, LIMBS, missing=("l_hip",)),  # nothing to compare with
        someone(joints, turn, ("knee", "ankle")),  # legs can be crossed
    ]
    found = check_sides(people, joints)
    assert found.body.tolist() == [False, True, True, False, False, False]
    assert not found.face.any()
    assert not found.file_exchanged


@pytest.mark.parametrize("turn", [0, 1, 2, 3, 4, 5])
def test_faces_that_are_exchanged(turn: float) -> None:
    face = ("eye", "ear")
    people = [someone(COCO_17, turn), someone(COCO_17, turn, face), someone(COCO_17, turn, face)]
    people[2].visibility[COCO_17.index("r_eye")] = 1  # a hidden eye is a guess
    found = check_sides(people, COCO_17)
    assert found.face.tolist() == [False, True, False]


@pytest.mark.parametrize(("behind", "told"), [(10, False), (40, False), (60, True), (100, True)])
def test_a_file_in_which_most_are_seen_from_behind(behind: int, told: bool) -> None:
    people = [someone(LSP_14, 0.1 * i, PARTS if i < behind else ()) for i in range(100)]
    found = check_sides(people, LSP_14)
    assert found.facing == pytest.approx(1 - behind / 100)
    assert found.judged == 100
    assert found.file_exchanged is told
    assert not check_sides(people[:40], LSP_14).file_exchanged  # too few to tell


def test_nobody_to_judge() -> None:
    found = check_sides([], MPII_16)
    assert (found.judged, found.file_exchanged, len(found.body)) == (0, False, 0)


REAL: list[tuple[PhotoFormat, str, int, int]] = [
    ("lsp", "lsp/joints.mat", 2000, 12),
    ("lspet", "lspet/joints.mat", 10_000, 134),
    ("mpii", "mpii/valid.h5", 2958, 34),
    ("coco", "coco/person_keypoints_val2017_subset_538.json.gz", 1354, 1),
]


@pytest.mark.parametrize(("form", "name", "count", "doubted"), REAL)
def test_real_files_are_as_they_should_be_and_exchanged_ones_are_told(
    data: Path, form: PhotoFormat, name: str, count: int, doubted: int
) -> None:
    annotations = read_annotations(form, data / "pose2d" / name)
    joints = {14: LSP_14, 16: MPII_16, 17: COCO_17}[len(annotations.photos[0].people[0].joints)]
    people = [person for photo in annotations.photos for person in photo.people]
    found = check_sides(people, joints)
    assert len(people) == count
    assert found.body.sum() == doubted
    assert 0.6 < found.facing < 0.85
    assert not found.file_exchanged
    arms = np.array([joints.index(opposite(j)) if j[2:] in LIMBS else i for i, j in enumerate(joints.joints)])
    turned = [AnnotatedPerson(p.joints[joints.mirror], p.visibility[joints.mirror]) for p in people]
    exchanged = check_sides(turned, joints)
    assert exchanged.file_exchanged
    assert exchanged.facing == pytest.approx(1 - found.facing, abs=0.01)
    np.testing.assert_array_equal(exchanged.body, found.body)
    halves = check_sides([AnnotatedPerson(p.joints[arms], p.visibility[arms]) for p in people], joints)
    whole = np.array([np.isfinite(p.joints[joints.indices(*TORSO)]).all() for p in people])
    assert halves.body[whole].mean() > 0.66  # someone whose arms are exchanged
    if form == "coco":
        assert found.face.sum() == 1
        assert exchanged.face.sum() == 537  # the faces seen whole, but for those too small and the one above


@given(
    st.tuples(st.integers(1, 500), st.integers(1, 500)),
    st.floats(-50, 600, allow_nan=False),
    st.floats(-50, 600, allow_nan=False),
)
def test_outside_an_image(size: tuple[int, int], x: float, y: float) -> None:
    inside = -1 <= x <= size[0] + 1 and -1 <= y <= size[1] + 1
    joints = np.array([[x, y], [np.nan, np.nan]])
    assert outside(joints, size).tolist() == [not inside, False]
    assert outside(joints, None).tolist() == [x < -1 or y < -1, False]
