"""Canvases against brute force, and one of a body against measuring it anew."""

from __future__ import annotations

import gc
import weakref

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from wearers import foreign_body

from posecorpus.synth.appearance.atlas import HEAD, measure_atlas
from posecorpus.synth.appearance.canvas import FINEST, Canvas, reduce, worn_canvas
from posecorpus.synth.bodies.model import load_body


def random_canvas(rng: np.random.Generator, size: int) -> Canvas:
    """Some texels covered, the others repeating any of them."""
    covered = rng.random(size**2) < rng.uniform(0, 1)
    covered[rng.integers(size**2)] = True
    index, gutter = np.flatnonzero(covered).astype(np.int32), np.flatnonzero(~covered).astype(np.int32)
    rng.shuffle(index)
    return Canvas(
        size,
        index,
        rng.integers(0, 6, len(index)).astype(np.uint8),
        rng.random((len(index), 4), np.float32),
        rng.integers(0, 256, (len(index), 8)).astype(np.uint8),
        gutter,
        rng.choice(index, len(gutter)),
    )


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 17), st.integers(1, 17))
def test_reduced_canvas_equals_brute_force(seed: int, one: int, other: int) -> None:
    coarse, fine = sorted((one, other))
    canvas = random_canvas(np.random.default_rng(seed), fine)
    got = reduce(canvas, coarse)
    assert sorted([*got.index, *got.gutter]) == list(range(coarse**2))
    assert (np.diff(got.region.astype(int)) >= 0).all()
    middles = (
        np.stack(np.divmod(canvas.index, fine), axis=1) + 0.5
    ) * coarse  # in 1 / fine of a coarse texel
    holder = (middles // fine).astype(int) @ (coarse, 1)
    assert set(got.index) == set(holder)
    for n, flat in enumerate(got.index):
        centre = (np.array(divmod(int(flat), coarse)) + 0.5) * fine
        away = ((middles - centre) ** 2).sum(1)
        shown = np.flatnonzero((canvas.coordinates == got.coordinates[n]).all(1))
        assert len(shown) == 1 and holder[shown[0]] == flat
        assert away[shown[0]] == away[holder == flat].min()
        assert canvas.region[shown[0]] == got.region[n]
        assert (canvas.marks[shown[0]] == got.marks[n]).all()
    source = np.arange(fine**2)
    source[canvas.gutter] = canvas.gutter_source
    for flat, repeated in zip(got.gutter, got.gutter_source, strict=True):
        row, column = ((np.array(divmod(int(flat), coarse)) + 0.5) * fine / coarse).astype(int)
        y, x = ((np.array(divmod(int(source[row * fine + column]), fine)) + 0.5) * coarse / fine).astype(int)
        assert repeated == y * coarse + x
        assert repeated in got.index


def test_a_coarse_canvas_shows_what_measuring_at_its_size_finds() -> None:
    """Coordinates where texels are covered either way; they differ by less than half a texel of the finest."""
    body, size = load_body("open", "female"), 160
    atlas, canvas = measure_atlas(body, size), worn_canvas(body, size)
    assert set(atlas.texels.index) - set(canvas.index) == set()
    assert len(canvas.index) < 1.12 * len(atlas.texels.index)
    order = np.argsort(canvas.index)
    both = np.isin(canvas.index[order], atlas.texels.index)
    region, coordinates = canvas.region[order][both], canvas.coordinates[order][both]
    assert (region == atlas.region).mean() > 0.99
    same = (region == atlas.region) & (region < HEAD)
    off = np.abs(coordinates - atlas.worn_coordinates())[same]
    assert np.quantile(off[:, 0], 0.99) < 2.3 / FINEST
    assert np.quantile(off[:, 3], 0.99) < 2.3 / FINEST


def test_canvases_are_made_once_per_body_and_forgotten_with_it() -> None:
    body = foreign_body()
    made = weakref.ref(worn_canvas(body, 32))
    assert worn_canvas(body, 32) is made()
    assert worn_canvas(foreign_body(), 32) is not made()
    del body
    gc.collect()
    assert made() is None
