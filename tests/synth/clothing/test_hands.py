"""Fingers bend towards the palm without growing, and nothing else moves."""

from __future__ import annotations

import numpy as np
import pytest

from posecorpus.core.skeletons import SMPL_24
from posecorpus.synth.bodies.model import GENDERS, load_body
from posecorpus.synth.bodies.skinning import pose_body
from posecorpus.synth.clothing.hands import relaxed
from posecorpus.synth.clothing.mannequin import mannequin


@pytest.mark.parametrize("gender", GENDERS)
def test_fingers_bend_and_keep_their_length(gender: str) -> None:
    body = load_body("open", gender)
    fingers = mannequin(body).hands
    skin = body.v_template.astype(np.float64)
    side_of = np.sign(skin[fingers.vertices, 0])
    pairs = body.faces[np.isin(body.faces, fingers.vertices).all(axis=1)][:, :2]
    length = np.linalg.norm(skin[pairs[:, 0]] - skin[pairs[:, 1]], axis=1)
    assert np.abs(relaxed(fingers, 0.0).offsets).max() < 1e-6
    for curl in (0.4, 1.3):
        bent = skin.copy()
        bent[fingers.vertices] += relaxed(fingers, curl).offsets
        after = np.linalg.norm(bent[pairs[:, 0]] - bent[pairs[:, 1]], axis=1)
        assert np.quantile(np.abs(after / length - 1), 0.95) < 0.15 + 0.25 * curl
        assert abs(after.sum() / length.sum() - 1) < 0.03
        for side, sign in (("l_", 1), ("r_", -1)):
            knuckles = body.joints_template[SMPL_24.index(side + "hand")]
            own = fingers.vertices[side_of == sign]
            tips = own[np.argsort(-sign * skin[own, 0])[:20]]
            reach = sign * (skin[tips, 0].mean() - knuckles[0])
            # The end of an arc of that length and turn, a little less as the bend sets in softly.
            drop = skin[tips, 1].mean() - bent[tips, 1].mean()
            assert 0.6 < drop / (reach * (1 - np.cos(curl)) / curl) < 1.5
        knuckle = np.abs(body.joints_template[[22, 23], 0]).mean()
        near = np.abs(skin[fingers.vertices, 0]) < knuckle + 0.003
        assert np.abs(bent - skin)[fingers.vertices[near]].max() < 0.002


def test_left_mirrors_right_and_joints_stay() -> None:
    body = load_body("open", "neutral")
    fingers = mannequin(body).hands
    moved = relaxed(fingers, 1.0).offsets
    left, right = (body.v_template[fingers.vertices, 0] * sign > 0 for sign in (1, -1))
    for axis in (1, 2):
        for q in (0.1, 0.5, 0.9):
            one, other = (np.quantile(moved[which, axis], q) for which in (left, right))
            assert one == pytest.approx(other, abs=2e-3)
    assert moved[left, 0].mean() == pytest.approx(-moved[right, 0].mean(), abs=2e-3)


def test_bent_fingers_turn_with_the_hand() -> None:
    body = load_body("open", "male")
    fingers = mannequin(body).hands
    bent = relaxed(fingers, 0.9)
    poses = np.zeros((2, 24, 3))
    poses[1, SMPL_24.index("l_elbow")] = (0, -1.2, 0)
    posed = pose_body(body, np.zeros((2, 10)), poses, np.zeros((2, 3)))
    out = np.empty((2, len(fingers.vertices), 3), np.float32)
    bent.pose(posed.vertices, posed.transforms, out)
    own = body.v_template[fingers.vertices, 0] > body.joints_template[22, 0] + 0.03
    still, moved = out[0][own], out[1][own]
    gaps = [np.linalg.norm(a[:, None] - a[None], axis=-1) for a in (still[::40], moved[::40])]
    np.testing.assert_allclose(gaps[0], gaps[1], atol=1e-4)
