"""COCO keypoints: ``OUT/images/<key>.jpg`` and ``OUT/annotations.json``.

Coordinates. COCO's keypoints are indices of pixels, so a point in the middle of the first pixel is (0, 0)
there and (0.5, 0.5) with us: half a pixel is subtracted. COCO's boxes and masks are measured from the
image's corner, as ours are, and stay.

People. With an instance mask, ``segmentation``, ``area`` and ``bbox`` are those of the person's visible
pixels, and someone of whom no pixel is visible is left out, as COCO's annotators would. Without one the box
is the labelled box cut to the image, ``area`` is the box's, and there is no ``segmentation``.

Keypoints. A joint outside the image counts as unlabelled, as in COCO: ``0, 0, 0``. Someone without any
labelled keypoint has ``num_keypoints`` 0, which COCO's evaluation neither rewards nor punishes.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from posecorpus.core.sample import Person, Sample
from posecorpus.core.shards import Corpus
from posecorpus.core.skeletons import COCO_17, Skeleton, convert, convert_visibility
from posecorpus.core.skeletons import skeleton as named_skeleton
from posecorpus.pipelines.export.records import check_keys, file_name, read_records
from posecorpus.pipelines.export.rle import compressed, run_lengths

# The bones that COCO itself lists; they form loops, which a kinematic tree cannot.
_COCO_BONES = (
    (16, 14), (14, 12), (17, 15), (15, 13), (12, 13), (6, 12), (7, 13), (6, 7), (6, 8), (7, 9),
    (8, 10), (9, 11), (2, 3), (1, 2), (1, 3), (2, 4), (3, 5), (4, 6), (5, 7),
)  # fmt: skip
_KEYPOINT_DECIMALS = 3


def write_coco(corpus: Corpus, out: Path, skeleton: str) -> Iterator[None]:
    """Write pictures and annotations; yields after each sample.

    The two lists of the file grow at the same time, so annotations wait in a file of their own.

    Args:
        corpus: what to export.
        out: an empty folder.
        skeleton: joint set of the keypoints; people are converted to it by the names of the landmarks.
    """
    check_keys(corpus, dots=True)
    target = named_skeleton(skeleton)
    (out / "images").mkdir()
    waiting = out / "annotations.part"
    head = {"info": _info(corpus, target), "licenses": [], "categories": [category(target)]}
    written = 0
    with (
        (out / "annotations.json").open("w", encoding="utf-8") as main,
        waiting.open("w", encoding="utf-8") as aside,
    ):
        main.write(json.dumps(head)[:-1] + ',\n"images": [')
        for index, record in enumerate(read_records(corpus, ("instances",))):
            sample = record.sample
            name = f"{file_name(sample.key, dots=True)}.{record.extension}"
            if record.image is not None:
                (out / "images" / name).write_bytes(record.image)
            image = {
                "id": index + 1,
                "file_name": name,
                "width": sample.width,
                "height": sample.height,
                "key": sample.key,
            }
            main.write(("," if index else "") + "\n" + json.dumps(image))
            for annotation in people_annotations(sample, target):
                line = json.dumps({"id": written + 1, "image_id": index + 1, **annotation}, allow_nan=False)
                aside.write(("," if written else "") + "\n" + line)
                written += 1
            yield
        main.write('],\n"annotations": [')
    with (out / "annotations.json").open("ab") as main_bytes, waiting.open("rb") as aside_bytes:
        shutil.copyfileobj(aside_bytes, main_bytes)
        main_bytes.write(b"]}\n")
    waiting.unlink()


def category(target: Skeleton) -> dict[str, Any]:
    """The one category: joint names with ``left_``/``right_`` spelt out, bones as 1-based pairs."""
    bones = _COCO_BONES if target == COCO_17 else tuple((a + 1, b + 1) for a, b in target.bones)
    names = [joint.replace("l_", "left_", 1) if joint.startswith("l_") else joint for joint in target.joints]
    names = [name.replace("r_", "right_", 1) if name.startswith("r_") else name for name in names]
    return {"id": 1, "name": "person", "supercategory": "person", "keypoints": names, "skeleton": bones}


def _info(corpus: Corpus, target: Skeleton) -> dict[str, Any]:
    return {
        "description": f"exported from the posecorpus corpus {corpus.storage.name}",
        "version": corpus.manifest.packages.get("posecorpus", ""),
        "keypoints": f"{target.name}; pixel indices (the middle of the first pixel is 0, 0)",
        "made_by": corpus.manifest.kind,
        "seed": corpus.manifest.seed,
    }


def people_annotations(sample: Sample, target: Skeleton) -> Iterator[dict[str, Any]]:
    """COCO annotations of the people of a sample, without ``id`` and ``image_id``; predicted ones with their ``score``.

    Args:
        sample: with ``instances`` decoded, where it has them.
        target: joint set of the keypoints.
    """
    for index, person in enumerate(sample.people):
        extent = (
            _mask_extent(sample, index + 1) if sample.instances is not None else _box_extent(sample, person)
        )
        if extent is None:
            continue
        keypoints = _keypoints(sample, person, target)
        yield {
            "category_id": 1,
            "iscrowd": 0,
            **extent,
            "keypoints": [value for joint in keypoints for value in joint],
            "num_keypoints": sum(flag > 0 for _, _, flag in keypoints),
            **({} if person.score is None else {"score": person.score}),
        }


def _mask_extent(sample: Sample, instance: int) -> dict[str, Any] | None:
    assert sample.instances is not None
    mask = np.asarray(sample.instances == instance)
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    if not len(rows):
        return None
    x0, y0, x1, y1 = int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1
    return {
        "bbox": [x0, y0, x1 - x0, y1 - y0],
        "area": int(mask.sum()),
        "segmentation": {"size": [sample.height, sample.width], "counts": compressed(run_lengths(mask))},
    }


def _box_extent(sample: Sample, person: Person) -> dict[str, Any] | None:
    limits = np.array([sample.width, sample.height] * 2, float)
    x0, y0, x1, y1 = np.clip(np.nan_to_num(person.bbox.astype(float)), 0, limits).round(3).tolist()
    if x1 <= x0 or y1 <= y0:
        return None
    width, height = round(x1 - x0, 3), round(y1 - y0, 3)
    return {"bbox": [x0, y0, width, height], "area": round(width * height, 3)}


def _keypoints(sample: Sample, person: Person, target: Skeleton) -> list[tuple[float, float, int]]:
    source = named_skeleton(person.skeleton)
    points = convert(person.joints2d.astype(float), source, target)
    flags = convert_visibility(person.visibility, source, target)
    inside = np.asarray(((points >= 0) & (points < (sample.width, sample.height))).all(-1))  # false for NaN
    flags = np.where(inside, flags, 0)
    shifted = np.where(flags[:, None] > 0, np.round(points - 0.5, _KEYPOINT_DECIMALS), 0.0)
    return [(x, y, flag) for (x, y), flag in zip(shifted.tolist(), flags.tolist(), strict=True)]
