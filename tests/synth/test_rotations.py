"""Turning about the vertical, against general rotation objects."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from posecorpus.synth.bodies.model import load_body
from posecorpus.synth.measures import measure
from posecorpus.synth.rotations import turned_about_y

COORDINATES = st.floats(-4, 4) | st.floats(-1e-8, 1e-8) | st.just(0.0)


@given(st.lists(st.tuples(COORDINATES, COORDINATES, COORDINATES), min_size=1), st.floats(-7, 7))
def test_turned_about_y(vectors: list[tuple[float, float, float]], angle: float) -> None:
    turned = turned_about_y(vectors, angle)
    expected = Rotation.from_euler("y", angle) * Rotation.from_rotvec(vectors)
    np.testing.assert_allclose(Rotation.from_rotvec(turned).as_matrix(), expected.as_matrix(), atol=1e-12)
    assert np.linalg.norm(turned, axis=1).max() <= np.pi + 1e-12


def test_soles_are_found_among_all_vertices() -> None:
    rng = np.random.default_rng(0)
    for gender in ("neutral", "female", "male"):
        body = load_body("open", gender)
        for betas in rng.uniform(-2, 2, (20, 10)):
            lowest = (body.v_template + body.shapedirs @ betas)[:, 1].min()
            assert abs(measure(body, betas).sole - lowest) < 1e-6
