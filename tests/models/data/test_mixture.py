"""The order of a mixture: everything once an epoch, weights kept at every moment, the same from any position."""

from __future__ import annotations

import math
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from posecorpus.core.errors import InputError
from posecorpus.core.sample import Sample
from posecorpus.models.data import mixture
from posecorpus.models.data.mixture import Mixture, Source, turn_at

ROW_GROUP = 50


def blank(number: int, image: np.ndarray | None = None) -> Sample:
    return Sample(f"s{number}", 4, 4, [], image=image)


@given(weights=st.lists(st.integers(1, 10**6), min_size=1, max_size=6), start=st.integers(0, 10**12))
def test_turns_are_taken_one_by_one_and_as_evenly_as_can_be(weights: list[int], start: int) -> None:
    total, had = sum(weights), {}
    for position in range(start, start + 60):
        source, turn = turn_at(weights, position)
        assert turn == had.get(source, turn)  # no turn is left out, none is taken twice
        had[source] = turn + 1
        assert abs(turn - position * weights[source] / total) <= len(weights)
    # From the beginning all counts are those of a plain count.
    counts: Counter[int] = Counter()
    for position in range(60):
        source, turn = turn_at(weights, position)
        assert turn == counts[source]
        counts[source] += 1


def test_weights_are_shares_of_the_pictures(write_corpus) -> None:
    places = [
        write_corpus(name, [[blank(i) for i in range(size)]])
        for name, size in (("a", 7), ("b", 60), ("c", 3))
    ]
    mixed = Mixture([Source(str(p), w) for p, w in zip(places, (0.5, 0.3, 0.2), strict=True)], seed=0)
    assert Counter(mixed.at(i).source for i in range(1000)) == {0: 500, 1: 300, 2: 200}
    assert len(mixed) == 70


@pytest.mark.parametrize("buffer", [1, 3, 100])
def test_every_row_once_an_epoch_and_blocks_together(write_corpus, buffer: int) -> None:
    sizes = [120, 50, 3, 0, 77]
    place = write_corpus("c", [[blank(1000 * s + i) for i in range(n)] for s, n in enumerate(sizes)])
    mixed = Mixture([Source(str(place))], seed=5, buffer=buffer)
    everything = {(s, row) for s, n in enumerate(sizes) for row in range(n)}
    epochs = []
    for epoch in range(3):
        rows = [mixed.at(epoch * 250 + i) for i in range(250)]
        epochs.append([(row.shard, row.row) for row in rows])
        assert set(epochs[-1]) == everything
        # Whoever reads in this order needs `buffer` blocks at hand, and each block once.
        blocks = [(row.shard, row.row // ROW_GROUP) for row in rows]
        first = {block: blocks.index(block) for block in set(blocks)}
        last = {block: len(blocks) - 1 - blocks[::-1].index(block) for block in set(blocks)}
        assert max(sum(first[b] <= i <= last[b] for b in first) for i in range(250)) <= buffer
    assert epochs[0] != epochs[1] != epochs[2]


def test_neighbours_on_disk_are_no_neighbours_in_training(write_corpus) -> None:
    place = write_corpus("c", [[blank(i) for i in range(500)], [blank(500 + i) for i in range(500)]])
    mixed = Mixture([Source(str(place))], seed=0)
    order = np.array([1000 * 0 + 500 * mixed.at(i).shard + mixed.at(i).row for i in range(1000)])
    assert sorted(order) == list(range(1000))
    # Ranks of a random order are uncorrelated (standard error 0.03) and few steps go to the next row.
    assert abs(np.corrcoef(order, np.arange(1000))[0, 1]) < 0.13
    assert abs(np.corrcoef(order[1:], order[:-1])[0, 1]) < 0.13
    assert (np.diff(order) == 1).sum() < 10


def test_the_same_from_any_position(write_corpus) -> None:
    places = [
        write_corpus(n, [[blank(i) for i in range(90)], [blank(90 + i) for i in range(33)]]) for n in "ab"
    ]
    sources = [Source(str(places[0]), 2.0), Source(str(places[1]), 1.0)]
    one, other = (Mixture(sources, seed=1, buffer=2) for _ in range(2))
    in_order = [one.at(i) for i in range(400)]
    for i in np.random.default_rng(0).permutation(400)[:100].tolist():
        assert other.at(i) == in_order[i]
    assert Mixture(sources, seed=1, buffer=2).at(10**15) == other.at(10**15)
    another = Mixture(sources, seed=2, buffer=2)
    assert [another.at(i) for i in range(400)] != in_order
    # A corpus of no weight changes nothing, and need not be there.
    with_nothing = Mixture([*sources, Source("nowhere", 0.0)], seed=1, buffer=2)
    assert [with_nothing.at(i) for i in range(400)] == in_order


def test_the_order_stays_what_it_was(write_corpus) -> None:
    """Golden: a run that resumes with a later version must go on in the same order."""
    place = write_corpus("c", [[blank(i) for i in range(70)], [blank(70 + i) for i in range(60)]])
    mixed = Mixture([Source(str(place))], seed=0, buffer=2)
    found = [(row.shard, row.row) for row in (mixed.at(i) for i in (0, 1, 2, 129, 130))]
    assert found == [(0, 42), (0, 14), (1, 56), (1, 27), (1, 39)]


def test_large_pictures_are_shuffled_in_smaller_companies(
    write_corpus, monkeypatch: pytest.MonkeyPatch
) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (4, 4, 3), np.uint8)
    place = write_corpus("c", [[blank(i, noise) for i in range(500)]])
    size = mixture._picture_bytes(Mixture([Source(str(place))], seed=0).corpora[0])
    assert 500 < size < 1500  # a JPEG is mostly its header
    monkeypatch.setattr(mixture, "WINDOW_BYTES", 2 * ROW_GROUP * size)
    mixed = Mixture([Source(str(place))], seed=0)
    assert len({mixed.at(i).row // ROW_GROUP for i in range(100)}) == 2


@pytest.mark.parametrize("weight", [-1.0, math.nan, math.inf])
def test_a_weight_must_be_a_number(tmp_path: Path, weight: float) -> None:
    with pytest.raises(InputError, match="somewhere: weight: expected a number from 0, got"):
        Mixture([Source("somewhere", weight)], seed=0)


def test_there_must_be_something_to_learn_from(write_corpus, tmp_path: Path) -> None:
    for sources in ([], [Source("nowhere", 0.0)]):
        with pytest.raises(InputError, match="at least one corpus with a weight above 0"):
            Mixture(sources, seed=0)
    empty = write_corpus("empty", [])
    with pytest.raises(InputError, match=f"{empty}: expected a corpus with samples, got none"):
        Mixture([Source(str(empty))], seed=0)
    with pytest.raises(InputError, match="no such file"):
        Mixture([Source(str(tmp_path / "nowhere"))], seed=0)


def test_a_manifest_that_claims_too_much(write_corpus) -> None:
    place = write_corpus("c", [[blank(0)]])
    manifest = place / "manifest.json"
    manifest.write_text(manifest.read_text().replace('"samples": 1', '"samples": 99999999999999'))
    with pytest.raises(InputError, match="samples"):
        Mixture([Source(str(place))], seed=0)
