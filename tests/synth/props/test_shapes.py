"""The built-in shapes: they fill their sizes, are closed, and their faces look outward."""

from __future__ import annotations

import numpy as np
import pytest

from posecorpus.synth.appearance.draws import Draws
from posecorpus.synth.props import KINDS, place_prop, prop_surface
from posecorpus.synth.props.catalogue import design_of, draw_size
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
