"""A detector that makes people up, and requests to look at pictures with it."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from posecorpus.core.skeletons import LCR_13, TORSO
from posecorpus.models.lcrnet.decode import Detections
from posecorpus.pipelines.prediction.model import Model
from posecorpus.pipelines.prediction.people import Standing
from posecorpus.pipelines.prediction.predict import PredictRequest

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


def request(*images: object, standing: Standing = ORTHOGRAPHIC, **changes: object) -> PredictRequest:
    return replace(PredictRequest(tuple(map(str, images)), standing), **changes)  # type: ignore[arg-type]


def contents(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}
