"""Prediction as a whole: whatever a network finds arrives in the corpus, before the camera, however it is run."""

from __future__ import annotations

import hashlib
import json
import struct
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
from numpy.typing import NDArray
from typer.testing import CliRunner

from posecorpus.anchors.bank import load_anchors
from posecorpus.core.cameras import Camera
from posecorpus.core.errors import InputError
from posecorpus.core.manifest import Manifest, read_manifest
from posecorpus.core.placement import place_orthographic, place_perspective
from posecorpus.core.sample import HIDDEN, VISIBLE, Sample
from posecorpus.core.shards import Corpus, write_shard
from posecorpus.core.skeletons import LCR_13, TORSO, convert, skeleton
from posecorpus.inspect.verify import verify_corpus
from posecorpus.models.lcrnet.decode import Detections
from posecorpus.models.lcrnet.detect import EVERYBODY_ONCE
from posecorpus.models.lcrnet.network import LCRNet
from posecorpus.models.lcrnet.params import preset
from posecorpus.models.lcrnet.run import open_run, save_run, save_weights
from posecorpus.pipelines.anchoring.cluster import AnchorsRequest, cluster_anchors
from posecorpus.pipelines.cli import app
from posecorpus.pipelines.export import export_corpus
from posecorpus.pipelines.inputs import UnusableInputs
from posecorpus.pipelines.prediction import plan as plan_module
from posecorpus.pipelines.prediction.drawing import overlay
from posecorpus.pipelines.prediction.inputs import find_inputs
from posecorpus.pipelines.prediction.model import Model, open_model
from posecorpus.pipelines.prediction.people import NOTIONAL_FOV_DEG, Standing
from posecorpus.pipelines.prediction.predict import OVERLAYS, PAGE, PredictRequest, predict

SIZE = (96, 64)
Image = NDArray[np.uint8]


def found_in(image: Image) -> Detections:
    """Two people that depend on every pixel of the picture, the second of a low score."""
    rng = np.random.default_rng(int(hashlib.sha256(image.tobytes()).hexdigest()[:12], 16))
    poses3d = rng.normal(0, (0.25, 0.45, 0.2), (2, 13, 3))
    poses3d -= poses3d[:, LCR_13.indices(*TORSO)].mean(1, keepdims=True)
    poses2d = 40 * poses3d[..., :2] + [[[40, 30]], [[70, 30]]] + rng.normal(0, 1, (2, 13, 2))
    return Detections(poses2d, poses3d, np.array([0.9, 0.15]), np.ones(2, np.int64))


MODEL = Model("fake", 7, LCR_13, found_in, {"run.json": "0" * 64})
ORTHOGRAPHIC = Standing(fov_deg=None, least_score=0.2)


def jpeg(seed: int, size: tuple[int, int] = SIZE) -> bytes:
    noise = np.random.default_rng(seed).integers(0, 255, (6, 8, 3), dtype=np.uint8)
    return bytes(cv2.imencode(".jpg", cv2.resize(noise, size))[1])


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Five photos in a folder and its subfolder, of two sizes."""
    folder = tmp_path / "photos"
    (folder / "more").mkdir(parents=True)
    for i in range(3):
        (folder / f"{i}.jpg").write_bytes(jpeg(i))
    for i in (3, 4):
        (folder / "more" / f"{i}.jpg").write_bytes(jpeg(i, (64, 96)))
    return folder


def request(*images: object, standing: Standing = ORTHOGRAPHIC, **changes: object) -> PredictRequest:
    return replace(PredictRequest(tuple(map(str, images)), standing), **changes)  # type: ignore[arg-type]


def contents(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


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


def with_orientation(data: bytes, value: int) -> bytes:
    tiff = b"MM\0*" + struct.pack(">IHHHIHHI", 8, 1, 0x0112, 3, 1, value, 0, 0)
    block = b"Exif\0\0" + tiff
    return data[:2] + b"\xff\xe1" + struct.pack(">H", len(block) + 2) + block + data[2:]


@pytest.mark.parametrize("value", range(1, 9))
def test_photos_are_looked_at_as_a_viewer_shows_them(tmp_path: Path, value: int) -> None:
    (tmp_path / "a.jpg").write_bytes(with_orientation(jpeg(0), value))
    seen = cv2.cvtColor(cv2.imread(str(tmp_path / "a.jpg")), cv2.COLOR_BGR2RGB)  # OpenCV obeys the flag
    looked: list[Image] = []

    def look(image: Image) -> Detections:
        looked.append(image)
        return found_in(image)

    predict(replace(MODEL, detect=look), request(tmp_path / "a.jpg"), tmp_path / "out")
    assert looked[0].shape == seen.shape
    assert np.abs(looked[0].astype(int) - seen).mean() < 3  # encoded again
    assert looked[0].shape[:2] == ((64, 96) if value < 5 else (96, 64))
    (sample,) = Corpus(tmp_path / "out")
    assert np.array_equal(sample.image, looked[0])  # type: ignore[arg-type]


def with_lens(data: bytes, focal_35mm: int) -> bytes:
    first = struct.pack(">HHHIIHHHIHH", 1, 0x8769, 4, 1, 26, 0, 0, 0, 0, 0, 0)[:18]
    second = struct.pack(">HHHIHHI", 1, 0xA405, 3, 1, focal_35mm, 0, 0)
    block = b"Exif\0\0MM\0*" + struct.pack(">I", 8) + first + second
    return data[:2] + b"\xff\xe1" + struct.pack(">H", len(block) + 2) + block + data[2:]


@pytest.mark.parametrize("fov", [None, 35.0])
def test_the_lens_that_a_photo_names_is_its_camera(tmp_path: Path, fov: float | None) -> None:
    """A picture of film's own shape and a 36 mm lens: the focal length is the picture's width."""
    (tmp_path / "a.jpg").write_bytes(with_lens(jpeg(0), 36))
    predict(MODEL, request(tmp_path / "a.jpg", standing=Standing(fov, 0.2)), tmp_path / "out")
    (sample,) = Corpus(tmp_path / "out")
    assert sample.camera is not None
    np.testing.assert_allclose(sample.camera.K, [[96, 0, 48], [0, 96, 32], [0, 0, 1]], rtol=1e-9)
    assert sample.provenance["focal_35mm"] == 36 and sample.provenance["placement"] == "perspective"


def test_ways_to_name_pictures(photos: Path, tmp_path: Path, renders: Path) -> None:
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
        archive.writestr("a/z.png", bytes(cv2.imencode(".png", np.zeros((4, 4, 3), np.uint8))[1]))
    (photos / "notes.txt").write_text("no picture")
    named = [
        str(photos / "more"),
        str(photos / "*.jpg"),
        str(photos / "1.jpg"),
        str(tmp_path / "all.zip"),
        str(renders),
    ]
    found = find_inputs(named)
    assert [photo.name for photo in found.photos] == ["3.jpg", "4.jpg", "0.jpg", "1.jpg", "2.jpg", "a/z.png"]
    assert [corpus.path for corpus in found.corpora] == [renders]
    found = find_inputs([str(photos / "**" / "*.jpg"), str(tmp_path / "pho*")])
    assert len(found.photos) == 5


def test_samples_of_one_key_get_different_ones(renders: Path, photos: Path, tmp_path: Path) -> None:
    """Samples of corpora keep theirs."""
    first = next(iter(Corpus(renders))).key
    (photos / f"{first}.jpg").write_bytes(jpeg(9))
    predict(MODEL, request(photos, renders), tmp_path / "out")
    keys = [sample.key for sample in Corpus(tmp_path / "out")]
    assert len(set(keys)) == len(keys) and {first, f"{first}-2"} < set(keys)


def _empty(tmp_path: Path) -> list[str]:
    (tmp_path / "empty").mkdir()
    return [str(tmp_path / "empty")]


def _pixelless(tmp_path: Path) -> list[str]:
    corpus = tmp_path / "labels"
    corpus.mkdir()
    entry = write_shard(corpus, 0, [Sample("a", 8, 8, []), Sample("b", 8, 8, [])])
    Manifest(
        kind="import", seed=0, configuration={}, planned_samples=2, planned_shards=1, shards=[entry]
    ).write(corpus / "manifest.json")
    return [str(corpus)]


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda folder: [str(folder / "none.jpg")], "nothing there"),
        (lambda folder: [str(folder / "*.gif")], "nothing there"),
        (_empty, "expected pictures"),
        (_pixelless, "2 samples without"),
    ],
)
def test_what_cannot_be_looked_at(make: Callable[[Path], list[str]], told: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=told):
        predict(MODEL, request(*make(tmp_path)), tmp_path / "out")
    assert not (tmp_path / "out" / "manifest.json").exists()


def test_bad_photos_stop_the_run_or_are_listed(photos: Path, tmp_path: Path) -> None:
    (photos / "cut.jpg").write_bytes(jpeg(0)[:500])
    huge = struct.pack(">II", 1 << 20, 1 << 20)
    (photos / "huge.png").write_bytes(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + huge + b"\x08\x02\0\0\0\0\0\0\0IEND")
    (photos / "text.jpg").write_text("hello")
    with pytest.raises(UnusableInputs) as stopped:
        predict(MODEL, request(photos), tmp_path / "out")
    assert len(stopped.value.lines) == 3
    assert not list((tmp_path / "out").glob("*.parquet"))
    predict(MODEL, request(photos, skip_bad=True), tmp_path / "out")
    made = Corpus(tmp_path / "out")
    assert len(made) == 5
    assert [Path(skipped.where).name for skipped in made.manifest.skipped] == [
        "cut.jpg",
        "huge.png",
        "text.jpg",
    ]


def test_it_does_not_write_over_what_it_reads(renders: Path) -> None:
    with pytest.raises(InputError, match="another folder than the corpus that is looked at"):
        predict(MODEL, request(renders), renders)


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


@pytest.fixture(scope="module")
def run(renders: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network that has learned nothing."""
    folder = tmp_path_factory.mktemp("run") / "run"
    request = AnchorsRequest(corpora=(str(renders),), clusters=3, upper_body=True)
    cluster_anchors(request, folder.parent / "anchors.npz")
    anchors = load_anchors(folder.parent / "anchors.npz")
    torch.manual_seed(0)
    net = LCRNet(preset("tiny"), anchors.classes, len(anchors.skeleton)).eval()
    save_run(folder, preset("tiny"), anchors, {})
    save_weights(folder, net, 12)
    return folder


def test_the_command_shows_what_the_run_finds(run: Path, photos: Path, tmp_path: Path) -> None:
    pattern = str(photos / "*.jpg")
    arguments = ["predict", str(run), pattern, "--out", str(tmp_path / "out"), "--min-score", "0.3"]
    done = CliRunner().invoke(app, [*arguments, "--camera", "50", "--device", "cpu", "--workers", "1"])
    assert done.exit_code == 0, done.output
    assert done.stdout.splitlines()[-1] == str(tmp_path / "out" / PAGE)
    opened, people = open_run(run, "cpu"), 0
    for sample in Corpus(tmp_path / "out"):
        assert sample.image is not None
        found = opened.detect(sample.image, EVERYBODY_ONCE)
        likely = found.scores >= 0.3
        people += len(sample.people)
        np.testing.assert_allclose([p.score for p in sample.people], found.scores[likely], rtol=1e-5)
        np.testing.assert_allclose(
            np.array([p.joints2d for p in sample.people]).reshape(-1, 13, 2), found.poses2d[likely], atol=1e-2
        )
        assert sample.provenance["run"] == "run" and sample.provenance["step"] == 12
    assert people > 0
    assert set(Corpus(tmp_path / "out").manifest.inputs) >= {
        "run run.json",
        "run anchors.npz",
        "run step-0000012.pt",
    }
    assert verify_corpus(tmp_path / "out").ok


def test_no_run_there(photos: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="expected a folder that `posecorpus train` wrote"):
        open_model(photos, "cpu")


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
