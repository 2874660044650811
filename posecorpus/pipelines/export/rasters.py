"""The files of one sample: everyday formats that any image library or numpy reads."""

from __future__ import annotations

import io
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from posecorpus.pipelines.export.records import Record, labels_json

FIELDS = ("parts", "instances", "depth_mm", "normals", "flow")
FILES = {
    "image.jpg": "the picture (image.png where the corpus holds a PNG), byte for byte as in the corpus",
    "parts.png": "8 bits, part ids; legend and palette under part_taxonomy",
    "instances.png": "8 bits: 0 background, i + 1 = people[i]",
    "depth.png": "16 bits: z along the optical axis in millimetres, 0 = no surface",
    "normals.png": "8-bit RGB: x, y, z of the camera frame (x right, y down, z forward) as round(127.5 (n + 1)), 0 0 0 = no surface",
    "flow.npz": "array `flow` of numpy's compressed format, float16 (height, width, 2): (dx, dy) pixels to the NEXT frame",
    "labels.json": "camera and people; arrays are nested lists, null where unlabelled",
}


def sample_files(record: Record) -> dict[str, bytes]:
    """Name and contents of each file of a sample, in the order of :data:`FILES`; missing labels have none."""
    sample = record.sample
    files: dict[str, bytes] = {}
    if record.image is not None:
        files[f"image.{record.extension}"] = record.image
    for name, data in record.ids.items():
        files[f"{name}.png"] = data
    if sample.depth_mm is not None:
        files["depth.png"] = _png(sample.depth_mm)
    if sample.normals is not None:
        files["normals.png"] = _png(sample.normals[..., ::-1])
    if sample.flow is not None:
        files["flow.npz"] = _npz(sample.flow)
    files["labels.json"] = labels_json(sample)
    return files


def _png(image: NDArray[Any]) -> bytes:
    ok, data = cv2.imencode(".png", np.ascontiguousarray(image), [cv2.IMWRITE_PNG_COMPRESSION, 3])
    if not ok:
        raise RuntimeError(f"OpenCV could not encode a {image.shape} {image.dtype} image as PNG")
    return data.tobytes()


def _npz(flow: NDArray[np.float16]) -> bytes:
    """Most of a flow field is zero: deflated it takes a tenth of a bare ``.npy``. Its zip holds no times."""
    sink = io.BytesIO()
    np.savez_compressed(sink, allow_pickle=False, flow=flow.astype("<f2", copy=False))
    return sink.getvalue()
