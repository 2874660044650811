"""The built-in shapes: they fill their sizes, are closed, and their faces look outward."""

from __future__ import annotations

import numpy as np
import pytest

from posecorpus.core.errors import InputError
from posecorpus.synth.appearance.draws import Draws
from posecorpus.synth.props import KINDS, place_prop, prop_surface
from posecorpus.synth.props.catalogue import DESIGNS, design_of, draw_size
from posecorpus.synth.scene import Prop

SEEDS = range(6)


def _prop(kind: str, seed: int) -> Prop:
    return Prop(kind, seed, draw_size(kind, seed, Draws(np.random.default_rng(seed))), (0.0, 0.0, 0.0))


@pytest.mark.parametrize("kind", KINDS)
def test_a_shape_fills_exactly_its_size(kind: str) -> None:
    for seed in SEEDS:
        prop = _prop(kind, seed)
        _, vertices = prop_surface(prop)
        x, y, z = prop.size
        low, high = vertices.min(0), vertices.max(0)
        assert np.allclose(low, (-x / 2, 0, -z / 2), atol=0.02 * max(prop.size))
        assert np.allclose(high, (x / 2, y, z / 2), atol=0.02 * max(prop.size))


def test_a_prop_stands_where_it_is_put() -> None:
    prop = Prop("crate", 1, (0.5, 0.4, 0.3), (1.0, 0.0, -2.0), (0.0, np.pi / 2, 0.0))
    _, vertices = prop_surface(prop)
    world = place_prop(prop, vertices)
    assert np.allclose(world.min(0), (1 - 0.15, 0, -2 - 0.25), atol=1e-6)
    assert np.allclose(world.max(0), (1 + 0.15, 0.4, -2 + 0.25), atol=1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_solids_hold_the_shape_and_lie_within_its_size(kind: str) -> None:
    for seed in SEEDS:
        prop = _prop(kind, seed)
        solids = design_of(kind, seed).solids_at(prop.size)
        half = np.array([prop.size[0] / 2, np.inf, prop.size[2] / 2])
        assert (solids[:, 0] < solids[:, 1]).all()
        assert (solids[:, 0] >= -half - 1e-9).all() and (solids[:, 1] <= half + 1e-9).all()
        assert solids[..., 1].min() >= -1e-9 and solids[..., 1].max() <= prop.size[1] + 1e-9


@pytest.mark.parametrize("kind", KINDS)
def test_closed_pieces_look_outward(kind: str) -> None:
    for number in range(4):
        size = design_of(kind, number).size
        shape = KINDS[kind].build(size, Draws(np.random.default_rng([number, 5])))
        for piece in shape.pieces:
            points, index = np.unique(piece.vertices.round(7), axis=0, return_inverse=True)
            faces = index.reshape(-1)[piece.faces]
            faces = faces[(faces != np.roll(faces, 1, axis=1)).all(1)]
            edges = {tuple(e) for f in faces.tolist() for e in zip(f, f[1:] + f[:1], strict=True)}
            if any((b, a) not in edges for a, b in edges):
                assert (
                    shape.double_sided or kind in OPEN
                )  # a sheet: seen from both sides, or covered by other pieces
                continue
            a, b, c = np.moveaxis(points[faces], 1, 0)
            assert np.einsum("fi,fi->", a, np.cross(b, c)) > 0  # six times the volume
            assert piece.uv.min() >= 0 and piece.uv.max() <= 1


OPEN = {"cone", "lamp_post", "bottle"}
"""Kinds with pieces that are only closed together."""


@pytest.mark.parametrize("kind", KINDS)
def test_same_seed_same_bytes_another_seed_another_look(kind: str) -> None:
    prop = _prop(kind, 3)
    (one, vertices), (same, _) = prop_surface(prop), prop_surface(prop)
    other, _ = prop_surface(Prop(kind, 3 + DESIGNS, prop.size, prop.position))
    assert all(np.array_equal(a, b) for a, b in zip(one.texture.levels, same.texture.levels, strict=True))
    assert np.array_equal(one.faces, other.faces) and vertices.dtype == np.float32
    assert not np.array_equal(one.texture.levels[0], other.texture.levels[0])


def test_unknown_kinds_are_refused() -> None:
    with pytest.raises(InputError, match="spaceship"):
        prop_surface(Prop("spaceship", 0, (1.0, 1.0, 1.0), (0.0, 0.0, 0.0)))
