"""Lifting a corpus: what stands in it is what the lifter and the trust model say, however it is run."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from posecorpus.core.cameras import Camera
from posecorpus.core.errors import InputError
from posecorpus.core.manifest import Manifest, describe_skeletons
from posecorpus.core.sample import HIDDEN, Person, Sample
from posecorpus.core.shards import Corpus, write_shard
from posecorpus.core.skeletons import FULL_42, LSP_14, TORSO, convert
from posecorpus.inspect.verify import verify_corpus
from posecorpus.pipelines.lifting.lift_corpus import LiftRequest, lift_corpus
from posecorpus.pseudogt.library.build import build_library
from posecorpus.pseudogt.library.files import open_library, save_library
from posecorpus.pseudogt.library.store import ClipEntry
from posecorpus.pseudogt.lift.lift import Lifter
from posecorpus.pseudogt.lift.lifted import LiftSettings
from posecorpus.pseudogt.lift.trust import TRUST
from posecorpus.pseudogt.lift.trust_calibrate import calibrate
from posecorpus.synth.bodies.model import load_body
from posecorpus.synth.bodies.skinning import landmarks_of
from posecorpus.synth.builtin import builtin_clip

CLIPS, EVERY = 8, 6


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A few built-in motions, and trust calibrated on few people."""
    folder = tmp_path_factory.mktemp("library") / "lib"
    body = load_body("open", "neutral")
    motions = [builtin_clip(i, seed=1, seconds=None) for i in range(CLIPS)]
    tracks = [
        landmarks_of(body, np.zeros((len(m.poses), 1)), m.poses, m.translations)[::EVERY] for m in motions
    ]
    made = build_library(
        np.concatenate(tracks).astype(np.float32),
        np.concatenate([np.full(len(t), i, np.int32) for i, t in enumerate(tracks)]),
        np.concatenate([EVERY * np.arange(len(t), dtype=np.int32) for t in tracks]),
        tuple(ClipEntry(m.name, m.source, m.name, "built-in") for m in motions),
        views=24,
        spacing_mm=60,
        seed=0,
    )
    save_library(made, folder)
    calibrate(made, queries=120, methods=("depth",), settings=LiftSettings(k=12)).save(folder / TRUST)
    return folder


def request(library: Path, **changes: object) -> LiftRequest:
    return LiftRequest(**({"library": library, "settings": LiftSettings(k=12)} | changes))  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def lifted(annotated: Path, renders: Path, library: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("lifted") / "corpus"
    lift_corpus(annotated, request(library, truth=renders), out)
    return out


def contents(folder: Path) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in sorted(folder.iterdir())}


def test_people_carry_what_the_lifter_found(lifted: Path, annotated: Path, library: Path) -> None:
    opened = open_library(library)
    lifter = Lifter(opened, LSP_14, LiftSettings(k=12))
    for before, after in zip(Corpus(annotated), Corpus(lifted), strict=True):
        person, lift = after.people[0], after.people[0].lift
        assert lift is not None and person.joints3d is not None and after.camera is not None
        found = lifter.lift(before.people[0].joints2d[None].astype(float), after.camera.K[None])
        np.testing.assert_allclose(person.joints3d, found.joints3d[0], atol=1e-5)
        np.testing.assert_allclose(lift.hypotheses, found.hypotheses[0], atol=1e-5)
        assert lift.match_distance == pytest.approx(found.distances[0, 0], rel=1e-5)
        assert person.motion in {clip.name for clip in opened.clips}
        assert 0 <= lift.pose_interval_mm[0] <= lift.pose_error_mm <= lift.pose_interval_mm[1]


def test_the_error_against_the_truth_is_measured(lifted: Path, renders: Path) -> None:
    torso = LSP_14.indices(*TORSO)
    for true, after in zip(Corpus(renders), Corpus(lifted), strict=True):
        person = after.people[0]
        assert person.lift is not None and person.joints3d is not None and true.people[0].joints3d is not None
        wanted = convert(true.people[0].joints3d.astype(float), FULL_42, LSP_14)
        offset = (person.joints3d - person.joints3d[torso].mean(0)) - (wanted - wanted[torso].mean(0))
        assert person.lift.measured_error_mm == pytest.approx(
            1000 * np.linalg.norm(offset, axis=-1).mean(), rel=1e-4
        )


def test_the_same_bytes_for_two_workers_and_after_an_interruption(
    lifted: Path, annotated: Path, renders: Path, library: Path, tmp_path: Path
) -> None:
    out = tmp_path / "corpus"
    lift_corpus(annotated, request(library, truth=renders), out, workers=2)
    assert contents(out) == contents(lifted)
    (out / "shard-00001.parquet").unlink()
    lift_corpus(annotated, request(library, truth=renders), out)
    assert contents(out) == contents(lifted)
    with pytest.raises(InputError, match="finish that corpus with the options"):
        lift_corpus(annotated, request(library, fov_deg=70.0), out)


def test_a_lifted_corpus_verifies(lifted: Path) -> None:
    report = verify_corpus(lifted)
    assert report.ok, report.violations[:3]


def photo(key: str, joints2d: np.ndarray, camera: Camera | None) -> Sample:
    visible = np.isfinite(joints2d).all(-1)
    box = np.array([*np.nanmin(joints2d, 0), *np.nanmax(joints2d, 0)], np.float32)
    person = Person("lsp_14", joints2d.astype(np.float32), np.where(visible, 2, 0).astype(np.uint8), box)
    return Sample(key, 300, 400, [person], camera=camera)


def test_missing_joints_are_completed_and_the_hopeless_refused(
    annotated: Path, library: Path, tmp_path: Path
) -> None:
    known = Corpus(annotated)[0].people[0].joints2d.astype(float) * 4
    partial, few, point = known.copy(), known.copy(), np.full_like(known, 50.0)
    partial[LSP_14.indices("l_ankle", "r_ankle")] = np.nan
    few[3:] = np.nan
    known_camera = Camera.from_fov(40, 300, 400)
    samples = [
        photo("a", partial, None),
        photo("b", few, None),
        photo("c", point, None),
        photo("d", known, known_camera),
    ]
    source = tmp_path / "photos"
    source.mkdir()
    Manifest(
        kind="import", seed=0, configuration={}, skeletons=describe_skeletons("lsp_14"), planned_samples=4,
        planned_shards=1, shards=[write_shard(source, 0, samples)],
    ).write(source / "manifest.json")  # fmt: skip
    _, summary = lift_corpus(source, request(library, fov_deg=60.0), tmp_path / "out")
    a, b, c, d = Corpus(tmp_path / "out")
    assert a.people[0].lift is not None
    completed = np.isin(LSP_14.joints, ["l_ankle", "r_ankle"])
    np.testing.assert_array_equal(a.people[0].lift.completed, completed)
    np.testing.assert_array_equal(a.people[0].visibility == HIDDEN, completed)
    assert np.isfinite(a.people[0].joints2d).all()
    for refused, reason in ((b, "3 usable joints"), (c, "all joints lie on one point")):
        assert refused.people[0].lift is None and refused.people[0].joints3d is None
        assert reason in refused.provenance["refused"]["0"]
    # The assumed camera spans 60 degrees along the longer side; one that is known stays.
    assert a.camera is not None and 2 * np.degrees(np.arctan(200 / a.camera.K[0, 0])) == pytest.approx(60)
    np.testing.assert_array_equal(a.camera.to_world(np.array([0.0, -1.0, 5.0])), [0, 1, -5])  # up is up
    assert a.provenance["assumed_fov_deg"] == 60 and "assumed_fov_deg" not in d.provenance
    assert d.camera is not None and d.camera.K[0, 0] == pytest.approx(known_camera.K[0, 0])
    assert (summary.people, summary.lifted, sum(summary.refused.values())) == (4, 2, 2)
    assert verify_corpus(tmp_path / "out").ok


def test_what_cannot_be_lifted_is_one_line(
    annotated: Path, renders: Path, library: Path, tmp_path: Path
) -> None:
    for wrong, message in (
        (request(tmp_path / "nothing"), "library"),
        (request(library, fov_deg=0.0), "field of view"),
        (request(library, truth=tmp_path), "manifest"),
    ):
        with pytest.raises(InputError, match=message):
            lift_corpus(annotated, wrong, tmp_path / "out")
        assert not (tmp_path / "out").exists()
