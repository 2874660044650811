"""Prediction as a whole: whatever a network finds arrives in the corpus, before the camera, however it is run."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pyarrow.parquet as pq
import pytest
from predictions import MODEL, Image, contents, found_in, request

from posecorpus.core.cameras import Camera
from posecorpus.core.errors import InputError
from posecorpus.core.manifest import read_manifest
from posecorpus.core.placement import place_orthographic, place_perspective
from posecorpus.core.sample import HIDDEN, VISIBLE, Sample
from posecorpus.core.shards import Corpus, write_shard
from posecorpus.core.skeletons import LCR_13, TORSO, convert, skeleton
from posecorpus.inspect.verify import verify_corpus
from posecorpus.models.lcrnet.decode import Detections
from posecorpus.pipelines.export import export_corpus
from posecorpus.pipelines.prediction import plan as plan_module
from posecorpus.pipelines.prediction.drawing import overlay
from posecorpus.pipelines.prediction.people import NOTIONAL_FOV_DEG, Standing
from posecorpus.pipelines.prediction.predict import OVERLAYS, PAGE, predict


def test_people_arrive_with_their_picture_and_run(photos: Path, tmp_path: Path) -> None:
    page = predict(MODEL, request(photos), tmp_path / "out")
    assert page == tmp_path / "out" / PAGE
    made = Corpus(tmp_path / "out")
    assert made.manifest.complete and made.manifest.kind == "predict"
    assert made.manifest.configuration["run"] == "fake" and made.manifest.configuration["step"] == 7
    assert [s.key for s in made] == ["0", "1", "2", "more-3", "more-4"]
    for sample in made:
        assert sample.image is not None
        expected = found_in(sample.image)
        (person,) = sample.people  # the second's score is too low
        assert person.skeleton == "lcr_13" and person.score == pytest.approx(0.9)
        np.testing.assert_array_equal(person.joints2d, expected.poses2d[0].astype(np.float32))
        inside = ((person.joints2d >= 0) & (person.joints2d < (sample.width, sample.height))).all(-1)
        np.testing.assert_array_equal(person.visibility, np.where(inside, VISIBLE, HIDDEN))
        assert (sample.provenance["run"], sample.provenance["step"]) == ("fake", 7)
    row = pq.ParquetFile(made.shards[0]).read(columns=["image"])["image"][0].as_py()
    assert row == (photos / "0.jpg").read_bytes()
    report = verify_corpus(tmp_path / "out")
    assert report.ok, report.violations
    assert report.checked["predicted"] == 5


@pytest.mark.parametrize("fov", [None, 35.0])
def test_where_people_stand(photos: Path, tmp_path: Path, fov: float | None) -> None:
    predict(MODEL, request(photos, standing=Standing(fov, 0.0)), tmp_path / "out", workers=1)
    for sample in Corpus(tmp_path / "out"):
        assert sample.image is not None
        expected = found_in(sample.image)
        camera = Camera.assumed(fov or NOTIONAL_FOV_DEG, sample.width, sample.height)
        if fov is None:
            assert sample.camera is None and sample.provenance["placement"] == "orthographic"
            placed = place_orthographic(
                expected.poses3d,
                expected.poses2d,
                camera.K[0, 0],
                np.array([sample.width, sample.height]) / 2,
            )
        else:
            assert sample.camera is not None and np.array_equal(sample.camera.K, camera.K)
            assert sample.provenance["placement"] == "perspective"
            placed = place_perspective(expected.poses3d, expected.poses2d, camera.K)
        for p, person in enumerate(sample.people):
            assert person.joints3d is not None
            np.testing.assert_allclose(
                person.joints3d, expected.poses3d[p] + placed.translation[p], atol=1e-5
            )
        np.testing.assert_allclose(sample.provenance["residual_px"], placed.residual_px, atol=0.006)


def test_true_poses_of_renders_find_their_place_again(renders: Path, tmp_path: Path) -> None:
    """A perfect network's people stand where they truly do: the corpus's own camera is used."""
    truth: dict[str, Sample] = {}
    for sample in Corpus(renders):
        assert sample.image is not None
        truth[hashlib.sha256(sample.image.tobytes()).hexdigest()] = sample

    def perfect(image: Image) -> Detections:
        people = truth[hashlib.sha256(image.tobytes()).hexdigest()].people
        both = [(convert(p.joints2d, skeleton(p.skeleton), LCR_13), p) for p in people]
        flat = np.array([two for two, _ in both], float).reshape(-1, 13, 2)
        deep = np.array([convert(p.joints3d, skeleton(p.skeleton), LCR_13) for _, p in both], float)  # type: ignore[arg-type]
        deep = deep.reshape(-1, 13, 3)
        deep -= deep[:, LCR_13.indices(*TORSO)].mean(1, keepdims=True)
        return Detections(flat, deep, np.ones(len(flat)), np.ones(len(flat), np.int64))

    predict(replace(MODEL, detect=perfect), request(renders, standing=Standing(80.0, 0.2)), tmp_path / "out")
    made = Corpus(tmp_path / "out")
    assert len(made) == len(truth) and len(made.shards) == len(Corpus(renders).shards)
    for old, new in zip(Corpus(renders), made, strict=True):
        assert (new.key, new.clip, new.frame) == (old.key, old.clip, old.frame)
        assert new.parts is None and new.depth_mm is None and new.provenance["corpus"] == renders.name
        assert (
            new.camera is not None and old.camera is not None and np.array_equal(new.camera.K, old.camera.K)
        )
        assert np.array_equal(new.image, old.image)  # type: ignore[arg-type]
        for a, b in zip(old.people, new.people, strict=True):
            assert a.joints3d is not None and b.joints3d is not None
            np.testing.assert_allclose(
                b.joints3d, convert(a.joints3d, skeleton(a.skeleton), LCR_13), atol=2e-3 * a.joints3d[0, 2]
            )


def test_the_same_bytes_again_and_after_an_interruption(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plan_module, "SHARD_SAMPLES", 2)
    predict(MODEL, request(photos), tmp_path / "unbroken", workers=2)
    looks = 0

    def tired(image: Image) -> Detections:
        nonlocal looks
        looks += 1
        if looks == 4:
            raise KeyboardInterrupt
        return found_in(image)

    with pytest.raises(KeyboardInterrupt):
        predict(replace(MODEL, detect=tired), request(photos), tmp_path / "again")
    assert not read_manifest(tmp_path / "again" / "manifest.json").complete
    looks = 10
    predict(replace(MODEL, detect=tired), request(photos), tmp_path / "again")
    assert looks == 13  # the first shard's two pictures were not looked at again
    whole, again = contents(tmp_path / "unbroken"), contents(tmp_path / "again")
    page, other = whole.pop(PAGE), again.pop(PAGE)
    assert whole == again
    assert page.replace(b"unbroken", b"again") == other


def test_another_network_does_not_finish_it(photos: Path, tmp_path: Path) -> None:
    predict(MODEL, request(photos), tmp_path / "out")
    with pytest.raises(InputError, match="finish that corpus with the options and inputs"):
        predict(replace(MODEL, digests={"run.json": "1" * 64}), request(photos), tmp_path / "out")


def test_overlays_show_the_people(photos: Path, tmp_path: Path) -> None:
    predict(MODEL, request(photos), tmp_path / "out")
    names = sorted(path.name for path in (tmp_path / "out" / OVERLAYS).iterdir())
    assert names == ["0.jpg", "1.jpg", "2.jpg", "more-3.jpg", "more-4.jpg"]
    for sample in Corpus(tmp_path / "out"):
        assert sample.image is not None
        drawn = cv2.imread(str(tmp_path / "out" / OVERLAYS / f"{sample.key}.jpg"))[..., ::-1]
        changed = np.abs(drawn.astype(int) - sample.image).max(-1) > 60
        rows, columns = np.nonzero(changed)
        box = sample.people[0].bbox
        assert changed.any()
        assert columns.min() >= box[0] - 8 and columns.max() <= box[2] + 8
        assert rows.min() >= box[1] - 8 and rows.max() <= box[3] + 8
    predict(MODEL, request(photos, overlays=False), tmp_path / "bare")
    assert not (tmp_path / "bare" / OVERLAYS).exists()


def test_a_large_picture_is_drawn_small_in_proportion(photos: Path, tmp_path: Path) -> None:
    predict(MODEL, request(photos / "0.jpg"), tmp_path / "out")
    (sample,) = Corpus(tmp_path / "out")
    large = replace(sample, width=4000, height=1000)
    data = overlay(large, np.zeros((1000, 4000, 3), np.uint8))
    assert cv2.imdecode(np.frombuffer(data, np.uint8), 1).shape == (400, 1600, 3)


@pytest.mark.parametrize("fov", [0.0, 180.0, float("nan")])
def test_no_such_lens(photos: Path, tmp_path: Path, fov: float) -> None:
    with pytest.raises(InputError, match="--camera"):
        predict(MODEL, request(photos, standing=Standing(fov, 0.2)), tmp_path / "out")


@pytest.mark.parametrize("fov", [None, 50.0])
def test_nobody_is_an_answer_too(photos: Path, tmp_path: Path, fov: float | None) -> None:
    told: list[str] = []
    standing = Standing(fov, least_score=2.0)
    predict(MODEL, request(photos, standing=standing), tmp_path / "out", note=told.append)
    assert told == ["5 pictures, 0 people, 5 pictures with nobody"]
    assert all(sample.people == [] for sample in Corpus(tmp_path / "out"))
    assert verify_corpus(tmp_path / "out").ok


def test_people_that_are_no_numbers_are_kept_out_of_3d(photos: Path, tmp_path: Path) -> None:
    """A joint that is no number is unlabelled; somebody whom nothing places has no 3D."""

    def broken(image: Image) -> Detections:
        found = found_in(image)
        found.poses2d[0, 3], found.poses3d[1] = np.nan, np.inf
        return found

    model = replace(MODEL, detect=broken)
    predict(model, request(photos / "0.jpg", standing=Standing(60.0, 0.0)), tmp_path / "out")
    (sample,) = Corpus(tmp_path / "out")
    assert sample.people[0].visibility[3] == 0 and sample.people[0].joints3d is not None
    assert sample.people[1].joints3d is None and sample.provenance["residual_px"][1] is None
    assert verify_corpus(tmp_path / "out").ok


def test_exported_predictions_have_scores(photos: Path, tmp_path: Path) -> None:
    """With them, COCO's own tools take the annotations for results."""
    predict(MODEL, request(photos, standing=Standing(None, 0.0)), tmp_path / "out")
    export_corpus(tmp_path / "out", tmp_path / "coco", "coco", skeleton="lcr_13")
    annotations = json.loads((tmp_path / "coco" / "annotations.json").read_text())["annotations"]
    scores = [person.score for sample in Corpus(tmp_path / "out") for person in sample.people]
    assert len(scores) == 10
    assert [annotation["score"] for annotation in annotations] == pytest.approx(scores)


def test_faults_planted_in_predictions_are_found(photos: Path, tmp_path: Path) -> None:
    predict(MODEL, request(photos, standing=Standing(60.0, 0.0)), tmp_path / "out")
    samples = list(Corpus(tmp_path / "out"))

    def beyond(sample: Sample) -> None:
        sample.people[0].joints3d[:, 2] *= -1  # type: ignore[index]

    def nearer(sample: Sample) -> None:
        sample.people[0].joints3d[:, 2] *= 0.8  # type: ignore[index]

    def told(sample: Sample) -> None:
        sample.provenance["residual_px"] = sample.provenance["residual_px"][:1]

    def score(sample: Sample) -> None:
        sample.people[1].score = -0.5

    for sample, plant in zip(samples, (beyond, nearer, told, score), strict=False):
        plant(sample)
    manifest = read_manifest(tmp_path / "out" / "manifest.json")
    entry = write_shard(tmp_path / "out", 0, samples)
    manifest.model_copy(update={"shards": [entry]}).write(tmp_path / "out" / "manifest.json")
    report = verify_corpus(tmp_path / "out")
    assert {(v.key, v.check) for v in report.violations} == {(s.key, "predicted") for s in samples[:4]}
