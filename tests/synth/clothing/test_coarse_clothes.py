"""Clothes of coarser versions of a body: fewer faces, the same cut."""

from __future__ import annotations

import numpy as np
import pytest
from test_dressed import BLANK, demanding_poses, person, posed

from posecorpus.synth.appearance.landmarks import landmarks, same_vertices, unlike_a_person
from posecorpus.synth.bodies.model import GENDERS, LEVEL_FACES, load_body
from posecorpus.synth.clothing import dress
from posecorpus.synth.clothing.loft import thinned
from posecorpus.synth.clothing.mannequin import mannequin

LEVELS = range(1, len(LEVEL_FACES))
STILL = np.zeros((1, 24, 3))


@pytest.mark.parametrize("gender", GENDERS)
@pytest.mark.parametrize("level", LEVELS)
def test_landmarks_are_those_of_the_finest(gender: str, level: int) -> None:
    whole, body = load_body("open", gender), load_body("open", gender, level)
    at, same = landmarks(body), same_vertices(body)
    assert unlike_a_person(at) is None
    np.testing.assert_array_equal(whole.v_template[same], body.v_template)
    for name in ("joints", "eyes", "sole"):
        np.testing.assert_array_equal(getattr(at, name), getattr(landmarks(whole), name))
    np.testing.assert_array_equal(at.eyeball, landmarks(whole).eyeball[same])


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize(
    ("gender", "seed", "skirt"), [("male", 3, False), ("female", 4, True), ("neutral", 8, False)]
)
def test_pieces_end_where_they_do_on_the_finest_body(gender: str, seed: int, skirt: bool, level: int) -> None:
    """Hems, waists and sleeves lie within half a pixel of the largest picture that the level is drawn in."""
    boxes = []
    for one in (0, level):
        body, betas, look = person(gender, seed, skirt, one)
        dressed = dress(body, betas, look, BLANK)
        points, faces = dressed.pose(posed(body, betas, STILL))[1][0], dressed.surfaces[1].faces
        starts = np.cumsum([0] + [len(piece.seam) for piece in dressed.bound])
        ends = np.append(starts[1:], len(points))
        used = [
            np.unique(faces[(faces >= a).all(axis=1) & (faces < b).all(axis=1)])
            for a, b in zip(starts, ends, strict=True)
        ]
        boxes.append([(points[u].min(axis=0), points[u].max(axis=0)) for u in used if len(u)])
    assert len(boxes[0]) == len(boxes[1])
    for fine, coarse in zip(*boxes, strict=True):
        np.testing.assert_allclose(coarse, fine, atol=0.012 * level)


@pytest.mark.parametrize("gender", GENDERS)
def test_faces_become_fewer_in_proportion(gender: str) -> None:
    whole, _, _ = person(gender, 0)
    counts = []
    for level in range(len(LEVEL_FACES)):
        found = []
        for seed in range(4):
            body, betas, look = person(gender, seed, seed == 3 and gender != "male", level)
            found.append(sum(len(surface.faces) for surface in dress(body, betas, look, BLANK).surfaces))
        counts.append(np.mean(found))
        assert counts[-1] < 2.2 * counts[0] * len(load_body("open", gender, level).faces) / len(whole.faces)


@pytest.mark.parametrize("level", LEVELS)
def test_cloth_lies_where_that_of_the_finest_does(level: int) -> None:
    """What a coarse body wears is the same cloth at fewer places."""
    fine, coarse = (mannequin(load_body("open", "female", one)) for one in (0, level))
    same = same_vertices(load_body("open", "female", level))[coarse.own]
    rows = np.searchsorted(fine.own, same)
    np.testing.assert_array_equal(fine.own[rows], same)
    for name in ("skin", "smooth"):
        np.testing.assert_array_equal(getattr(fine, name)[rows], getattr(coarse, name))
    np.testing.assert_allclose(fine.fields[rows], coarse.fields[: len(same)], atol=1e-5)


@pytest.mark.parametrize("closed", [True, False])
@pytest.mark.parametrize("grain", [1.0, 1.4, 2.0, 3.2, 50.0])
def test_a_thinned_grid_keeps_its_ends(grain: float, closed: bool) -> None:
    kept = thinned(31, 28, grain, closed)
    assert (kept[0] // 28 == 0).all()
    assert (kept[-1] // 28 == 30).all()
    assert (np.diff(kept[:, 0]) > 0).all()
    assert (kept % 28 == kept[0]).all()
    assert (np.diff(kept[0]) > 0).all()
    if closed:
        assert np.ptp(np.diff(np.append(kept[0], 28))) <= 1
    else:
        assert kept[0, -1] == 27
    assert kept.shape[0] >= 9
    assert kept.shape[1] >= 8
    if grain == 1:
        np.testing.assert_array_equal(kept.ravel(), np.arange(31 * 28))


def test_the_same_person_dressed_at_every_level_stands_in_one_place() -> None:
    poses = demanding_poses()
    middles = []
    for level in range(len(LEVEL_FACES)):
        body, betas, look = person("neutral", 6, level=level)
        _, worn = dress(body, betas, look, BLANK).pose(posed(body, betas, poses))
        middles.append((worn.min(axis=1) + worn.max(axis=1)) / 2)
    for level in LEVELS:
        np.testing.assert_allclose(middles[level], middles[0], atol=0.03)
