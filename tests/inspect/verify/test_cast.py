"""Rays against a plane whose depth is known in closed form: sides, order, and what lies in one another."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from posecorpus.core.cameras import Camera
from posecorpus.inspect.verify.cast import Hits, Target, cast
from posecorpus.inspect.verify.surfaces import _in_one_another

CAMERA = Camera(np.array([[40.0, 0, 16], [0, 40, 12], [0, 0, 1]]), np.eye(3), np.zeros(3), 32, 24)
FACES = np.array([(0, 1, 2), (0, 2, 3)], np.int32)


def wall(z: float, slope: float = 0.0) -> np.ndarray:
    """A wall that faces the camera (counter-clockwise from there), its depth ``z + slope x``."""
    corners = np.array([(-9.0, -9.0), (-9.0, 9.0), (9.0, 9.0), (9.0, -9.0)])
    return np.column_stack([corners, z + slope * corners[:, 0]])


def test_depth_of_a_slanted_wall() -> None:
    hits = cast([Target(wall(4.0, 0.25), FACES)], CAMERA, 0.01)
    x = (np.arange(32) + 0.5 - 16) / 40  # z = 4 + s X, X = x z
    np.testing.assert_allclose(hits.z, np.broadcast_to(4 / (1 - 0.25 * x), (24, 32)), rtol=1e-12)
    assert (hits.mesh == 1).all()


def test_only_cloth_has_two_sides() -> None:
    turned = FACES[:, ::-1]
    assert not np.isfinite(cast([Target(wall(4.0), turned)], CAMERA, 0.01).z).any()
    hits = cast([Target(wall(4.0), turned, double_sided=True)], CAMERA, 0.01)
    np.testing.assert_allclose(hits.z, 4.0, rtol=1e-12)
    np.testing.assert_allclose(hits.weights.sum(-1), 1.0, rtol=1e-12)
    assert hits.weights.min() >= 0


def test_beyond_the_first_surface_is_the_second_even_in_the_same_place() -> None:
    targets = [Target(wall(4.0), FACES), Target(wall(4.0 + 1e-7), FACES), Target(wall(5.0), FACES)]
    first = cast(targets, CAMERA, 0.01)
    assert (first.mesh == 1).all()
    second = cast(targets, CAMERA, 0.01, beyond=np.nextafter(first.z, np.inf))
    assert (second.mesh == 2).all()
    third = cast(targets, CAMERA, 0.01, (3, 4, 9, 8), beyond=np.nextafter(second.z, np.inf)[4:8, 3:9])
    assert third.mesh.shape == (4, 6) and (third.mesh == 3).all()
    assert not np.isfinite(cast(targets, CAMERA, 0.01, beyond=np.full((24, 32), 5.1)).z).any()


@pytest.mark.parametrize(
    ("left_px", "behind_m", "counts"),
    [(20.5 - 1e-5, 0.0, True), (20.5 + 1e-5, 0.0, True), (20.6, 0.0, False), (20.5 - 1e-5, 0.01, False)],
)
def test_a_second_surface_in_the_place_of_the_first_counts_up_to_its_border(
    left_px: float, behind_m: float, counts: bool
) -> None:
    """A patch on a wall, whose left border runs ``1e-5`` px beside the middle of pixel 20."""
    left, z = (left_px - 16) / 40 * 4.0, 4.0 + behind_m
    patch = np.array([(left, -9.0, z), (left, 9.0, z), (9.0, 9.0, z), (9.0, -9.0, z)])
    targets = [Target(wall(4.0 - 1e-9), FACES), Target(patch, FACES)]

    def cast_at(
        window: tuple[int, int, int, int], offset: object = (0.0, 0.0), beyond: object = None
    ) -> Hits:
        return cast(targets, CAMERA, 0.01, window, offset, beyond)  # type: ignore[arg-type]

    def is_patch(hits: Hits, pixels: object, at: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
        return hits.mesh[at] == 2

    where = np.array([12]), np.array([20])
    found = _in_one_another(SimpleNamespace(cast=cast_at), is_patch, *where)  # type: ignore[arg-type]
    assert found.tolist() == [counts]
