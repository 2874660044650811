"""A sample's picture and label layers as data URIs that fit a number of bytes."""

from __future__ import annotations

import base64
from dataclasses import replace
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from posecorpus.core.cameras import Camera
from posecorpus.core.parts import PartTaxonomy
from posecorpus.core.sample import RASTERS, Person, Sample
from posecorpus.inspect.overlays import LAYERS, Layer, colour_layer, depth_range, flow_limit
from posecorpus.inspect.report.lift_records import lift_record, provenance_facts, refusals

Window = tuple[int, int, int, int]

MAX_SIDE = 1280
"""Longest side of an embedded picture, pixels."""
MAX_PEOPLE = 64
"""People of one picture that are drawn and listed."""
MAX_TEXT = 300
"""Characters of a name from the corpus that are shown."""
_MIN_SIDE = 96
_JPEG_QUALITY, _WEBP_QUALITY, _WEBP_LOSSLESS = 85, 78, 101
_DRAWN_LAYERS = ("joints", "sticks", "sticks_behind")  # the page draws them itself
_FLAT_LAYERS = ("parts", "instances")  # few colours with sharp edges: lossless is smaller and true


def picture_record(sample: Sample, taxonomy: PartTaxonomy | None, max_bytes: int) -> dict[str, Any]:
    """The part of a sample that the contact sheet shows, as JSON-ready values.

    The picture is scaled down until it and all its layers take at most ``max_bytes`` (or it would be
    too small to show anything). Joints stay in the pixels of the original.
    """
    window = surface_window(sample)
    people = cropped(sample, window)
    scale = min(1.0, MAX_SIDE / max(sample.width, sample.height))
    smallest = min(scale, _MIN_SIDE / max(sample.width, sample.height))
    while True:
        images = _encoded(sample.image, people, taxonomy, scale)
        used = sum(map(len, images.values()))
        if used <= max_bytes or scale <= smallest:
            break
        scale = max(smallest, scale * min(0.95, 0.97 * (max_bytes / used) ** 0.5))  # bytes grow with the area
    return {
        "key": _short(sample.key),
        "width": sample.width,
        "height": sample.height,
        "scale": round(scale, 4),
        "image": images.pop("image", None),
        "layers": images,
        "window": window,
        "depthRange": None if people.depth_mm is None else [d / 1000 for d in depth_range(people.depth_mm)],
        "flowLimit": None if people.flow is None else flow_limit(people.flow),
        "clip": _short(sample.clip),
        "frame": sample.frame,
        "people": [_person_record(person, sample.camera) for person in sample.people[:MAX_PEOPLE]],
        "refused": refusals(sample.provenance, min(len(sample.people), MAX_PEOPLE)),
        "facts": provenance_facts(sample.provenance),
    }


def surface_window(sample: Sample) -> Window:
    """The smallest window (x0, y0, x1, y1) with all that any raster of the sample labels, in pixels.

    Layers are made of this window alone: people are small in most pictures. Without any surface it is
    the whole picture.
    """
    covered = np.zeros((sample.height, sample.width), bool)
    for raster in (sample.instances, sample.parts, sample.depth_mm):
        if raster is not None:
            covered |= raster > 0
    if sample.instances is None and sample.parts is None and sample.depth_mm is None:
        for vectors in (sample.normals, sample.flow):
            if vectors is not None:
                covered |= (vectors != 0).any(-1)
    rows, columns = np.flatnonzero(covered.any(1)), np.flatnonzero(covered.any(0))
    if not len(rows):
        return 0, 0, sample.width, sample.height
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


def cropped(sample: Sample, window: Window) -> Sample:
    """The rasters of a sample within a window; camera and people stay those of the whole picture."""
    x0, y0, x1, y1 = window
    inside = replace(sample, width=x1 - x0, height=y1 - y0)
    for name in RASTERS:
        raster = getattr(sample, name)
        setattr(inside, name, None if raster is None else raster[y0:y1, x0:x1])
    return inside


def _person_record(person: Person, camera: Camera | None) -> dict[str, Any]:
    points = np.where(np.isfinite(person.joints2d), np.clip(person.joints2d, -1e5, 1e5), 0)
    box = np.nan_to_num(person.bbox, posinf=0, neginf=0)
    return {
        "skeleton": person.skeleton,
        "points": np.round(points, 1).tolist(),
        "flags": np.where(np.isfinite(person.joints2d).all(-1), person.visibility, 0).tolist(),
        "box": np.round(box, 1).tolist(),
        "body": _short(person.body),
        "gender": _short(person.gender),
        "motion": _short(person.motion),
        "motionFrame": person.motion_frame,
        "score": _score(person.score),
        "lift": lift_record(person, camera),
    }


def _score(score: float | None) -> float | None:
    return None if score is None or not np.isfinite(score) else float(f"{score:.3g}")


def _short(text: str | None) -> str | None:
    return text if text is None or len(text) <= MAX_TEXT else text[:MAX_TEXT] + "…"


def _encoded(
    image: NDArray[np.uint8] | None, people: Sample, taxonomy: PartTaxonomy | None, scale: float
) -> dict[str, str]:
    """Data URIs of the picture (``image``) and of every layer that the sample has."""
    result = {}
    if image is not None:
        small = _resized(image, scale, cv2.INTER_AREA)
        parameters = [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY]
        result["image"] = _uri("jpeg", ".jpg", np.ascontiguousarray(small[..., ::-1]), parameters)
    for layer in LAYERS:
        encoded = None if layer in _DRAWN_LAYERS else _encoded_layer(people, layer, taxonomy, scale)
        if encoded is not None:
            result[layer] = encoded
    return result


def _encoded_layer(sample: Sample, layer: Layer, taxonomy: PartTaxonomy | None, scale: float) -> str | None:
    coloured = colour_layer(sample, layer, taxonomy)
    if coloured is None:
        return None
    colours, mask = coloured
    picture = np.dstack([colours[..., ::-1], mask.astype(np.uint8) * 255])
    picture[~mask] = 0
    quality = _WEBP_LOSSLESS if layer in _FLAT_LAYERS else _WEBP_QUALITY
    small = _resized(picture, scale, cv2.INTER_NEAREST)
    return _uri("webp", ".webp", small, [cv2.IMWRITE_WEBP_QUALITY, quality])


def _resized(image: NDArray[np.uint8], scale: float, how: int) -> NDArray[np.uint8]:
    if scale >= 1:
        return image
    size = (max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale)))
    return np.asarray(cv2.resize(image, size, interpolation=how), np.uint8)


def _uri(kind: str, extension: str, image: NDArray[np.uint8], parameters: list[int]) -> str:
    ok, data = cv2.imencode(extension, image, parameters)
    if not ok:
        raise RuntimeError(f"OpenCV could not encode a {image.shape} image as {extension}")
    return f"data:image/{kind};base64,{base64.b64encode(data.tobytes()).decode()}"
