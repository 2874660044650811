"""Exports read back with the tools they are for, and against the corpus they came from."""

from __future__ import annotations

import contextlib
import copy
import hashlib
import io
import json
import runpy
import tarfile
from collections import Counter
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis.extra import numpy as hnp

from posecorpus.core.errors import InputError
from posecorpus.core.manifest import MANIFEST
from posecorpus.core.sample import Person, Sample
from posecorpus.core.shards import Corpus
from posecorpus.core.skeletons import COCO_17, FULL_42, LSP_14
from posecorpus.pipelines.export import FORMATS, export_corpus
from posecorpus.pipelines.export.coco import people_annotations
from posecorpus.pipelines.export.rle import compressed, run_lengths
from posecorpus.pipelines.export.webdataset import write_webdataset

coco_api = pytest.importorskip("pycocotools.coco")
cocoeval = pytest.importorskip("pycocotools.cocoeval")
coco_mask = pytest.importorskip("pycocotools.mask")


@pytest.fixture(scope="module")
def spheres() -> SimpleNamespace:
    return SimpleNamespace(**runpy.run_path(str(Path(__file__).parents[1] / "inspect" / "make_samples.py")))


@pytest.fixture(scope="module")
def corpus(spheres: SimpleNamespace, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Rendered people, a photo with gaps in its labels, and a sample without a picture, in three shards."""
    samples = [spheres.make_sample(i) for i in range(10)] + [spheres.make_photo(0)]
    bare = spheres.make_photo(1)
    bare.image, bare.key, bare.provenance = None, "no.picture", {"score": float("nan"), "of": [float("inf")]}
    folder = tmp_path_factory.mktemp("export") / "corpus"
    return spheres.write_corpus(folder, [*samples, bare], shard_size=5, configuration={"far_m": float("inf")})


@pytest.fixture(scope="module")
def exported(corpus: Path) -> dict[str, Path]:
    return {format: export_corpus(corpus, corpus.parent / format, format) for format in FORMATS}


def stored(corpus: Path) -> dict[str, dict]:
    """Rows of the shards, read without this package's reader."""
    rows = [row for shard in sorted(corpus.glob("*.parquet")) for row in pq.read_table(shard).to_pylist()]
    return {row["key"]: row for row in rows}


# --- COCO ---------------------------------------------------------------------------------------------


@contextlib.contextmanager
def quiet():
    with contextlib.redirect_stdout(io.StringIO()):
        yield


def evaluate(truth_file: Path, detections: list[dict], kind: str) -> np.ndarray:
    """COCOeval's twelve (ten for keypoints) figures."""
    with quiet():
        truth = coco_api.COCO(str(truth_file))
        scorer = cocoeval.COCOeval(truth, truth.loadRes(detections), kind)
        scorer.evaluate()
        scorer.accumulate()
        scorer.summarize()
    return scorer.stats


def detections_of(truth_file: Path, *fields: str) -> list[dict]:
    """The annotations as if a detector had found them; one without keypoints would not be a detection."""
    truth = json.loads(truth_file.read_text())["annotations"]
    return [
        {"image_id": a["image_id"], "category_id": 1, "score": 1.0, **{f: a[f] for f in fields}}
        for a in truth
        if "keypoints" not in fields or a["num_keypoints"]
    ]


@pytest.mark.parametrize(
    ("kind", "field"), [("keypoints", "keypoints"), ("bbox", "bbox"), ("segm", "segmentation")]
)
def test_coco_scores_ap_1_against_itself(
    exported: dict[str, Path], kind: str, field: str, tmp_path: Path
) -> None:
    truth = exported["coco"] / "annotations.json"
    if kind == "segm":  # photos have no masks: their people are scored by keypoints and boxes only
        content = json.loads(truth.read_text())
        content["annotations"] = [a for a in content["annotations"] if "segmentation" in a]
        truth = tmp_path / "masks.json"
        truth.write_text(json.dumps(content))
    detections = detections_of(truth, field)
    assert len(detections) >= 15
    stats = evaluate(truth, detections, kind)
    assert stats[:2] == pytest.approx([1, 1], abs=1e-12)  # COCOeval adds an epsilon
    worse = copy.deepcopy(detections)
    if kind == "keypoints":
        for detection in worse:  # eight pixels off: the score must notice
            detection["keypoints"] = [v + 8 if i % 3 < 2 else v for i, v in enumerate(detection["keypoints"])]
        assert evaluate(truth, worse, kind)[0] < 0.9


def test_someone_without_keypoints_in_the_target_keeps_ap_at_1(
    spheres: SimpleNamespace, tmp_path: Path
) -> None:
    sample = spheres.make_sample(3)
    assert len(sample.people) > 1
    sample.people[0].visibility[:] = 0
    export_corpus(spheres.write_corpus(tmp_path / "c", [sample]), tmp_path / "out", "coco")
    truth = tmp_path / "out" / "annotations.json"
    counts = [a["num_keypoints"] for a in json.loads(truth.read_text())["annotations"]]
    assert counts[0] == 0 and min(counts[1:]) > 0
    assert evaluate(truth, detections_of(truth, "keypoints"), "keypoints")[0] == pytest.approx(1, abs=1e-12)


def test_coco_masks_and_boxes_are_the_instance_masks(corpus: Path, exported: dict[str, Path]) -> None:
    with quiet():
        truth = coco_api.COCO(str(exported["coco"] / "annotations.json"))
    checked = 0
    for image, sample in zip(truth.loadImgs(truth.getImgIds()), Corpus(corpus), strict=True):
        assert image["key"] == sample.key
        if sample.instances is None:
            continue
        visible = [i + 1 for i in range(len(sample.people)) if (sample.instances == i + 1).any()]
        found = truth.loadAnns(truth.getAnnIds(imgIds=image["id"]))
        assert len(found) == len(visible)
        for annotation, instance in zip(found, visible, strict=True):
            mask = sample.instances == instance
            assert (truth.annToMask(annotation) == mask).all()
            assert annotation["area"] == mask.sum()
            assert (
                annotation["bbox"]
                == coco_mask.toBbox(coco_mask.encode(np.asfortranarray(mask.astype(np.uint8)))).tolist()
            )
            checked += 1
    assert checked >= 15


def one_person(x: float, y: float, width: int = 100, height: int = 80, **fields) -> Sample:
    points, flags = np.full((42, 2), np.nan, np.float32), np.zeros(42, np.uint8)
    points[FULL_42.index("l_wrist")], flags[FULL_42.index("l_wrist")] = (x, y), 2
    person = Person("full_42", points, flags, np.array(fields.pop("box", (10, 20, 30, 60)), np.float32))
    return Sample("a", width, height, [person], **fields)


def wrist(annotation: dict) -> list[float]:
    return annotation["keypoints"][3 * COCO_17.index("l_wrist") :][:3]


def test_keypoints_are_pixel_indices_and_boxes_are_not_shifted() -> None:
    (annotation,) = people_annotations(one_person(0.5, 7.75), COCO_17)
    assert wrist(annotation) == [0.0, 7.25, 2] and annotation["num_keypoints"] == 1
    assert sum(annotation["keypoints"]) == 0.0 + 7.25 + 2, "every other joint is 0 0 0"
    assert annotation["bbox"] == [10, 20, 20, 40] and annotation["area"] == 800


@pytest.mark.parametrize(("x", "y"), [(-0.01, 5), (100, 5), (5, 80), (5, -3), (np.nan, 5)])
def test_a_joint_outside_the_image_is_unlabelled(x: float, y: float) -> None:
    (annotation,) = people_annotations(one_person(x, y), COCO_17)
    assert wrist(annotation) == [0, 0, 0] and annotation["num_keypoints"] == 0


def test_boxes_are_cut_to_the_image_and_people_outside_it_left_out() -> None:
    (annotation,) = people_annotations(one_person(5, 5, box=(-10, -5, 20, 500)), COCO_17)
    assert annotation["bbox"] == [0, 0, 20, 80]
    assert not list(people_annotations(one_person(5, 5, box=(120, 0, 150, 50)), COCO_17))
    unseen = one_person(5, 5, instances=np.zeros((80, 100), np.uint8))
    assert not list(people_annotations(unseen, COCO_17))


def test_joints_are_converted_by_name(corpus: Path, exported: dict[str, Path]) -> None:
    content = json.loads((exported["coco"] / "annotations.json").read_text())
    names = content["categories"][0]["keypoints"]
    assert names[:3] == ["nose", "left_eye", "right_eye"] and names[-1] == "right_ankle"
    sample = next(iter(Corpus(corpus)))
    own = sample.people[0].joints2d[FULL_42.index("r_hip_lsp")]  # COCO's annotators mark the hip as LSP's do
    first = content["annotations"][0]
    at = 3 * names.index("right_hip")
    assert first["keypoints"][at : at + 2] == pytest.approx((own - 0.5).tolist(), abs=6e-4)


def test_coco_bones_are_one_based_pairs_of_the_category(
    corpus: Path, tmp_path: Path, exported: dict[str, Path]
) -> None:
    category = json.loads((exported["coco"] / "annotations.json").read_text())["categories"][0]
    pairs = {frozenset(category["keypoints"][j - 1] for j in bone) for bone in category["skeleton"]}
    assert {"left_knee", "left_ankle"} in pairs and {"nose", "left_eye"} in pairs and len(pairs) == 19
    export_corpus(corpus, tmp_path / "lsp", "coco", skeleton="lsp_14")
    category = json.loads((tmp_path / "lsp" / "annotations.json").read_text())["categories"][0]
    assert len(category["keypoints"]) == 14 and len(category["skeleton"]) == len(LSP_14.bones)
    assert {j for bone in category["skeleton"] for j in bone} == set(range(1, 15))


@settings(max_examples=150, deadline=None)
@given(hnp.arrays(bool, hnp.array_shapes(min_dims=2, max_dims=2, max_side=40)))
def test_run_lengths_are_pycocotools_own(mask: np.ndarray) -> None:
    expected = coco_mask.encode(np.asfortranarray(mask.astype(np.uint8)))
    assert compressed(run_lengths(mask)) == expected["counts"].decode()


def test_long_runs_are_pycocotools_own() -> None:
    mask = np.zeros((700, 900), bool)
    mask[13:690, 300:600:7] = True
    expected = coco_mask.encode(np.asfortranarray(mask.astype(np.uint8)))
    assert compressed(run_lengths(mask)) == expected["counts"].decode()


# --- folder and WebDataset ----------------------------------------------------------------------------


def read_pixels(files: dict[str, bytes]) -> dict[str, np.ndarray]:
    """Rasters from file contents by ending, with OpenCV and numpy only."""
    result = {}
    for ending, data in files.items():
        if ending == "flow.npz":
            result["flow"] = np.load(io.BytesIO(data), allow_pickle=False)["flow"]
        elif ending.endswith("png") and ending != "png":
            image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
            name = ending.removesuffix(".png")
            result["depth_mm" if name == "depth" else name] = image[..., ::-1] if name == "normals" else image
    return result


def check_sample(
    sample: Sample, row: dict, image: bytes | None, files: dict[str, bytes], labels: dict
) -> None:
    assert image == row["image"], "the picture's bytes are the corpus's"
    pixels = read_pixels(files)
    for field in ("parts", "instances", "depth_mm", "normals", "flow"):
        own = getattr(sample, field)
        assert (own is None) == (field not in pixels)
        if own is not None:
            assert pixels[field].dtype == own.dtype and np.array_equal(pixels[field], own)
    assert labels["key"] == sample.key and len(labels["people"]) == len(sample.people)
    for written, person in zip(labels["people"], sample.people, strict=True):
        np.testing.assert_array_equal(np.array(written["joints2d"], np.float32), person.joints2d)
        np.testing.assert_array_equal(np.array(written["visibility"]), person.visibility)
        if person.joints3d is not None:
            np.testing.assert_array_equal(np.array(written["joints3d"], np.float32), person.joints3d)
    if sample.camera is not None:
        assert labels["camera"]["R"] == sample.camera.R.tolist()


def strict_json(data: bytes) -> dict:
    """JSON as other languages read it: no NaN."""
    return json.loads(data, parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))


def test_folder_round_trip(corpus: Path, exported: dict[str, Path]) -> None:
    rows = stored(corpus)
    folders = {folder.name: folder for folder in (exported["folder"] / "samples").iterdir()}
    assert folders.keys() == rows.keys()
    for sample in Corpus(corpus):
        files = {path.name: path.read_bytes() for path in folders[sample.key].iterdir()}
        labels = strict_json(files.pop("labels.json"))
        check_sample(sample, rows[sample.key], files.pop("image.jpg", None), files, labels)
    described = strict_json((exported["folder"] / "dataset.json").read_bytes())
    assert described["part_taxonomy"]["legend"]["16"] == "head"
    assert described["skeletons"]["full_42"]["joints"][0] == "pelvis"


def test_webdataset_round_trip(corpus: Path, exported: dict[str, Path]) -> None:
    rows, groups = stored(corpus), {}
    for path in sorted(exported["webdataset"].glob("*.tar")):
        with tarfile.open(path) as tar:
            for member in tar:
                key, _, ending = member.name.partition(".")  # how WebDataset splits a name
                groups.setdefault(key, {})[ending] = tar.extractfile(member).read()
    assert len(groups) == len(rows)
    for sample, files in zip(Corpus(corpus), groups.values(), strict=True):
        labels = strict_json(files.pop("json"))
        check_sample(sample, rows[sample.key], files.pop("jpg", None), files, labels)
    assert "no_picture" in groups, "a dot would end the key"


def test_tar_headers_say_nothing_of_this_machine(exported: dict[str, Path]) -> None:
    for path in exported["webdataset"].glob("*.tar"):
        with tarfile.open(path) as tar:
            for member in tar:
                assert (member.mtime, member.uid, member.gid, member.uname, member.gname, member.mode) == (
                    0,
                    0,
                    0,
                    "",
                    "",
                    0o644,
                )


def test_tar_files_are_bounded_and_hold_whole_samples(corpus: Path, tmp_path: Path) -> None:
    limit = 150_000
    assert sum(1 for _ in write_webdataset(Corpus(corpus), tmp_path, max_tar_bytes=limit)) == 12
    tars = sorted(tmp_path.glob("*.tar"))
    assert len(tars) > 2
    where = Counter()
    for path in tars:
        with tarfile.open(path) as tar:
            assert max(member.offset_data + member.size for member in tar) <= limit
            where.update({member.name.partition(".")[0] for member in tar})
    assert set(where.values()) == {1}, "no sample is split between two files"


@pytest.mark.parametrize("format", FORMATS)
def test_same_corpus_same_bytes(format: str, corpus: Path, exported: dict[str, Path], tmp_path: Path) -> None:
    def digest(folder: Path) -> dict[str, str]:
        files = [path for path in folder.rglob("*") if path.is_file()]
        return {str(p.relative_to(folder)): hashlib.sha256(p.read_bytes()).hexdigest() for p in files}

    assert digest(export_corpus(corpus, tmp_path / "again", format)) == digest(exported[format])


# --- refusals -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("format", FORMATS)
def test_a_folder_with_something_in_it_is_refused_and_left_alone(
    format: str, corpus: Path, tmp_path: Path
) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.tex").write_text("mine")
    with pytest.raises(InputError, match="new or empty folder"):
        export_corpus(corpus, tmp_path / "out", format)
    assert [p.name for p in tmp_path.rglob("*")] == ["out", "thesis.tex"]


def test_an_empty_folder_will_do(corpus: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    assert (export_corpus(corpus, tmp_path / "out", "coco") / "annotations.json").exists()


@pytest.mark.parametrize("format", FORMATS)
def test_damage_leaves_nothing_behind(format: str, spheres: SimpleNamespace, tmp_path: Path) -> None:
    corpus = spheres.write_corpus(tmp_path / "c", [spheres.make_photo(i) for i in range(4)], shard_size=2)
    shard = corpus / "shard-00001.parquet"
    data = bytearray(shard.read_bytes())
    at = data.index(b"\xff\xd8\xff")  # the first picture of the second shard
    data[at : at + 64] = bytes(64)
    shard.write_bytes(data)
    with pytest.raises(InputError, match=r"shard-00001\.parquet: photo-2"):
        export_corpus(corpus, tmp_path / "out", format)
    assert [p.name for p in tmp_path.iterdir()] == ["c"]


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("key", ["../../escaped", "/tmp/escaped", "a/b", "..", ".", "a\\b", "a\0b"])
def test_a_key_cannot_lead_out_of_the_folder(
    format: str, key: str, spheres: SimpleNamespace, tmp_path: Path
) -> None:
    corpus = forged(spheres, tmp_path / "deep" / "c", {"photo-0": key})
    with pytest.raises(InputError):
        export_corpus(corpus, tmp_path / "deep" / "out", format)
    assert not list(tmp_path.rglob("*escaped*")) and not (tmp_path / "deep" / "out").exists()


def forged(spheres: SimpleNamespace, folder: Path, keys: dict[str, str]) -> Path:
    """A corpus of photos with keys that the writer itself would refuse."""
    spheres.write_corpus(folder, [spheres.make_photo(i) for i in range(2)])
    shard = folder / "shard-00000.parquet"
    table = pq.read_table(shard)
    names = [keys.get(key, key) for key in table["key"].to_pylist()]
    pq.write_table(table.set_column(0, table.schema.field("key"), [names]), shard)
    return folder


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("twin", ["photo-0", "PHOTO-0"])
def test_two_samples_never_share_a_file(
    format: str, twin: str, spheres: SimpleNamespace, tmp_path: Path
) -> None:
    corpus = forged(spheres, tmp_path / "c", {"photo-1": twin})
    with pytest.raises(InputError, match="file names that differ"):
        export_corpus(corpus, tmp_path / "out", format)


def test_keys_that_differ_by_a_dot_only_are_refused_where_dots_cannot_stay(
    spheres: SimpleNamespace, tmp_path: Path
) -> None:
    corpus = forged(spheres, tmp_path / "c", {"photo-0": "a.b", "photo-1": "a_b"})
    with pytest.raises(InputError, match="file names that differ"):
        export_corpus(corpus, tmp_path / "tars", "webdataset")
    assert (export_corpus(corpus, tmp_path / "plain", "folder") / "samples" / "a.b").is_dir()


def test_a_key_too_long_for_a_file_name_is_refused(spheres: SimpleNamespace, tmp_path: Path) -> None:
    corpus = forged(spheres, tmp_path / "c", {"photo-0": "x" * 300})
    with pytest.raises(InputError, match="at most 200 bytes"):
        export_corpus(corpus, tmp_path / "out", "folder")


def test_options_and_unfinished_corpora_are_refused(
    corpus: Path, spheres: SimpleNamespace, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match="coco, folder, webdataset"):
        export_corpus(corpus, tmp_path / "out", "yolo")
    with pytest.raises(InputError, match="lsp_14"):
        export_corpus(corpus, tmp_path / "out", "coco", skeleton="lsp")
    part = spheres.write_corpus(tmp_path / "part", [spheres.make_photo(i) for i in range(2)])
    manifest = json.loads((part / MANIFEST).read_text()) | {"planned_shards": 2}
    (part / MANIFEST).write_text(json.dumps(manifest))
    with pytest.raises(InputError, match="finished corpus, got 1 of 2 shards"):
        export_corpus(part, tmp_path / "out", "folder")


def test_progress_is_reported(corpus: Path, tmp_path: Path) -> None:
    steps = []
    export_corpus(corpus, tmp_path / "out", "coco", report=lambda *step: steps.append(step))
    assert steps == [("export", i, 12) for i in range(1, 13)]


@pytest.mark.parametrize("format", FORMATS)
def test_an_interrupted_export_leaves_nothing(format: str, corpus: Path, tmp_path: Path) -> None:
    def interrupt(stage: str, done: int, total: int) -> None:
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        export_corpus(corpus, tmp_path / "out", format, report=interrupt)
    assert not list(tmp_path.iterdir())
