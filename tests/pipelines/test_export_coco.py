"""The export to COCO, read back and scored with pycocotools."""

from __future__ import annotations

import contextlib
import copy
import io
import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis.extra import numpy as hnp

from posecorpus.core.sample import Person, Sample
from posecorpus.core.shards import Corpus
from posecorpus.core.skeletons import COCO_17, FULL_42, LSP_14
from posecorpus.pipelines.export import export_corpus
from posecorpus.pipelines.export.coco import people_annotations
from posecorpus.pipelines.export.rle import compressed, run_lengths

coco_api = pytest.importorskip("pycocotools.coco")
cocoeval = pytest.importorskip("pycocotools.cocoeval")
coco_mask = pytest.importorskip("pycocotools.mask")


@pytest.fixture(scope="module")
def exported(assorted: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return export_corpus(assorted, tmp_path_factory.mktemp("exported") / "coco", "coco")


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
def test_coco_scores_ap_1_against_itself(exported: Path, kind: str, field: str, tmp_path: Path) -> None:
    truth = exported / "annotations.json"
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


def test_coco_masks_and_boxes_are_the_instance_masks(assorted: Path, exported: Path) -> None:
    with quiet():
        truth = coco_api.COCO(str(exported / "annotations.json"))
    checked = 0
    for image, sample in zip(truth.loadImgs(truth.getImgIds()), Corpus(assorted), strict=True):
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


def test_joints_are_converted_by_name(assorted: Path, exported: Path) -> None:
    content = json.loads((exported / "annotations.json").read_text())
    names = content["categories"][0]["keypoints"]
    assert names[:3] == ["nose", "left_eye", "right_eye"] and names[-1] == "right_ankle"
    sample = next(iter(Corpus(assorted)))
    own = sample.people[0].joints2d[FULL_42.index("r_hip_lsp")]  # COCO's annotators mark the hip as LSP's do
    first = content["annotations"][0]
    at = 3 * names.index("right_hip")
    assert first["keypoints"][at : at + 2] == pytest.approx((own - 0.5).tolist(), abs=6e-4)


def test_coco_bones_are_one_based_pairs_of_the_category(
    assorted: Path, tmp_path: Path, exported: Path
) -> None:
    category = json.loads((exported / "annotations.json").read_text())["categories"][0]
    pairs = {frozenset(category["keypoints"][j - 1] for j in bone) for bone in category["skeleton"]}
    assert {"left_knee", "left_ankle"} in pairs and {"nose", "left_eye"} in pairs and len(pairs) == 19
    export_corpus(assorted, tmp_path / "lsp", "coco", skeleton="lsp_14")
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
