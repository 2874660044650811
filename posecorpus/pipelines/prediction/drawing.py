"""A picture with the people that were found in it."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from posecorpus.core.codecs import encode
from posecorpus.core.sample import Sample
from posecorpus.inspect.overlays import draw_people

MAX_SIDE = 1600
"""Longest side of a drawn picture, pixels."""


def overlay(sample: Sample, image: NDArray[np.uint8]) -> bytes:
    """A JPEG of a sample's picture (H, W, 3), RGB, with its people drawn, the best last; at most :data:`MAX_SIDE`."""
    scale = min(1.0, MAX_SIDE / max(sample.width, sample.height))
    if scale < 1:
        size = (max(1, round(sample.width * scale)), max(1, round(sample.height * scale)))
        image = np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)
    grow = np.array([image.shape[1] / sample.width, image.shape[0] / sample.height], np.float32)
    people = [replace(person, joints2d=person.joints2d * grow) for person in reversed(sample.people)]
    return encode("image", draw_people(image, people))
