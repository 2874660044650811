"""What a source adds is measured on other people's poses, and agrees with brute force."""

from __future__ import annotations

import numpy as np
import pytest
from library_people import moving_people, random_people

from posecorpus.core.skeletons import FULL_42, LSP_14, convert
from posecorpus.pseudogt.library import gains
from posecorpus.pseudogt.library.build import select_poses
from posecorpus.pseudogt.library.gains import Gains, measure_gains
from posecorpus.pseudogt.library.heading import torso_centred
from posecorpus.pseudogt.library.store import ClipEntry, view_rotations
from posecorpus.pseudogt.library.views import spread_views
from posecorpus.pseudogt.lift.simulate import simulate

SETTINGS = {"views": 8, "spacing_mm": 20.0, "elevation_deg": (-10.0, 30.0), "seed": 5}


def clips(*collections: str, subjects: str = "") -> tuple[ClipEntry, ...]:
    named = subjects or "abcdefghijklmnop"
    return tuple(ClipEntry(f"clip{i}", f"file{i}", named[i], c) for i, c in enumerate(collections))


def measured(people: np.ndarray, clip: np.ndarray, entries: tuple[ClipEntry, ...]) -> Gains:
    kept, _ = select_poses(people, SETTINGS["spacing_mm"], mirror=False)
    return measure_gains(people, clip, entries, kept, **SETTINGS)


def test_distances_equal_the_definition(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gains, "QUERIES", 30)
    monkeypatch.setattr(gains, "_BLOCK", 7)
    people = random_people(60, np.random.default_rng(0))
    rows = np.arange(60)
    subjects = rows % 5
    asked, libraries = rows[::13], [rows, rows[:20], rows[20:]]
    found = gains._nearest(people, subjects, asked, libraries, 8, (-10.0, 30.0), 5)

    photos = simulate(
        people[asked], LSP_14, gains._CONDITION, np.random.default_rng([5, *_stage("gains photos")])
    )
    azimuth, elevation = np.zeros((60, 8), np.float32), np.zeros((60, 8), np.float32)
    for start in range(0, 60, 7):  # views are numbered within the rows that are used, here all
        part = slice(start, min(start + 7, 60))
        azimuth[part], elevation[part] = spread_views(part.stop - start, 8, (-10.0, 30.0), 5, first=start)

    def unit(points: np.ndarray) -> np.ndarray:
        centred = points - points.mean(0)
        return centred / np.linalg.norm(centred)

    for number, library in enumerate(libraries):
        for q, row in enumerate(asked):
            distances = [
                np.linalg.norm(unit(photos.joints2d[q]) - unit(joints @ turn[:2].T))
                for p in library
                if subjects[p] != subjects[row]
                for joints in [convert(torso_centred(people[p]), FULL_42, LSP_14)]
                for turn in view_rotations(azimuth[p], elevation[p])
            ]
            assert found[number, q] == pytest.approx(
                min(distances), abs=2e-4
            )  # single precision of 1 - cosine


def _stage(name: str) -> tuple[int, int]:
    import zlib

    return zlib.crc32(name.encode()), 0


def test_a_copy_of_a_source_adds_nothing() -> None:
    people = moving_people(4, 60, np.random.default_rng(1))
    both = np.concatenate([people, people + [3.0, 0, 1]])
    clip = np.repeat(np.arange(8), 60)
    found = measured(both, clip, clips(*"aaaabbbb", subjects="wxyzwxyz"))
    first, second = found.sources
    assert (first.clips, first.frames, second.frames) == (4, 240, 240)
    assert first.kept == first.kept_alone == second.kept_alone > 0 and second.kept == 0
    assert found.distance == first.distance_alone == second.distance_without
    assert found.gain is not None and found.gain <= 1e-3


def test_sources_that_differ_help_each_other() -> None:
    rng = np.random.default_rng(2)
    people = moving_people(12, 40, rng)
    found = measured(people, np.repeat(np.arange(12), 40), clips(*"aaaabbbbcccc"))
    assert found.gain is not None and found.gain > 0.02
    for source in found.sources:
        assert found.distance is not None
        assert source.distance_alone is not None and source.distance_without is not None
        assert found.distance <= min(source.distance_without, source.distance_alone)
    assert sum(s.kept for s in found.sources) == len(select_poses(people, 20.0, mirror=False)[0])
    assert Gains.from_dict(found.as_dict()).as_dict() == found.as_dict()
    lines = found.lines()
    assert lines[0].split()[:3] == ["source", "clips", "poses"]
    assert [line.split()[0] for line in lines[1:5]] == ["a", "b", "c", "all"]
    assert f"{found.gain:.1%}" in lines[5]


def test_nobody_is_matched_with_himself() -> None:
    people = moving_people(3, 30, np.random.default_rng(3))
    alone = measured(people, np.repeat(np.arange(3), 30), clips("a", "a", "a", subjects="xxx"))
    assert alone.distance is None and alone.queries == 0 and alone.gain is None
    assert "-" in alone.lines()[-1]
    several = measured(people, np.repeat(np.arange(3), 30), clips("a", "a", "a", subjects="xyz"))
    assert several.distance is not None and several.distance > 0.01 and several.gain is None


def test_many_small_sources_are_taken_together() -> None:
    entries = clips(*[f"c{i:02d}" for i in range(16)])
    names, number = gains._sources(entries, np.arange(16, 0, -1))
    assert len(names) == 12 and names[-1] == gains.OTHERS
    assert number.tolist() == [*range(11), 11, 11, 11, 11, 11]
    assert gains._sources(entries[:12], np.ones(12, int))[0] == [e.collection for e in entries[:12]]
