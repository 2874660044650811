"""Makes the pictures of ``skeleton_maps.md``: ``python docs/figure_skeleton_maps.py`` (half a minute, no data needed)."""

from __future__ import annotations

import tempfile
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from posecorpus.core.sample import Sample, SkeletonMap
from posecorpus.core.shards import Corpus
from posecorpus.core.skeletons import MPII_16
from posecorpus.pipelines.synthesis.request import SynthRequest
from posecorpus.pipelines.synthesis.synthesize import synthesize
from posecorpus.pseudogt.skeleton_maps.label import draw_sample
from posecorpus.pseudogt.skeleton_maps.maps import colour, skeleton_maps
from posecorpus.synth.config import load_config

IMAGES = Path(__file__).parent / "images"
BENDS_DEG = (180, 120, 90, 60, 30, 8)
CROSSED = np.array([255, 230, 0], np.uint8)
Picture = NDArray[np.uint8]


def enlarge(picture: Picture, times: int) -> Picture:
    return picture.repeat(times, 0).repeat(times, 1)


def maps_row(foreground: Picture, background: Picture, times: int) -> list[Picture]:
    """Foreground, background, and yellow where they differ."""
    differ = np.where((foreground != background)[..., None], CROSSED, np.uint8(0))
    return [enlarge(picture, times) for picture in (colour(foreground), colour(background), differ)]


def common_ends() -> Picture:
    """An arm bent more and more, its forearm nearer than its upper arm: foreground, background, where they differ."""
    K = np.array([[100.0, 0, 30], [0, 100, 22], [0, 0, 1]])
    columns = []
    for bend in np.radians(BENDS_DEG):
        arm = np.full((1, len(MPII_16), 3), np.nan)
        elbow = np.array([-0.02, 0.1, 2.0])
        arm[0, MPII_16.index("l_elbow")] = elbow
        arm[0, MPII_16.index("l_shoulder")] = elbow + (-0.5, 0.0, 0.2)
        arm[0, MPII_16.index("l_wrist")] = elbow + (-0.42 * np.cos(bend), -0.42 * np.sin(bend), -0.2)
        foreground, background = skeleton_maps(arm, K, MPII_16, np.array([0.0, 0, 60, 60]), 60, 9.0)
        rows = maps_row(foreground[0, :36], background[0, :36], 3)
        columns.append(np.concatenate(rows))
    return np.concatenate(columns, axis=1)


def photo(sample: Sample, drawn: SkeletonMap, size: int) -> Picture:
    """What the map's window shows of the image."""
    assert sample.image is not None
    x0, y0, x1, y1 = (float(v) for v in drawn.window)
    scale = np.array([size / (x1 - x0), size / (y1 - y0)])
    shift = -np.array([x0, y0]) * scale + scale / 2 - 0.5  # OpenCV counts pixel centres in whole numbers
    matrix = np.column_stack([np.diag(scale), shift])
    return np.asarray(cv2.warpAffine(sample.image, matrix, (size, size), borderValue=(90, 90, 90)), np.uint8)


def person_row(sample: Sample, drawn: SkeletonMap) -> Picture:
    """Photo, both maps, and the crossings over the photo."""
    seen = photo(sample, drawn, 224)
    foreground, background, _ = maps_row(drawn.foreground, drawn.background, 1)
    differ = (drawn.foreground != drawn.background)[..., None]
    tiles = [seen, foreground, background, np.where(differ, CROSSED, seen)]
    return np.concatenate([tile[:, 30:194] for tile in tiles], axis=1)


def crossing_people(count: int) -> Picture:
    """People of a small corpus whose limbs cross, each of another motion."""
    with tempfile.TemporaryDirectory() as folder:
        synthesize(SynthRequest(load_config("surreal"), seed=5, clips=40), Path(folder) / "corpus")
        samples = list(Corpus(Path(folder) / "corpus"))
    # Not the most crossings, which are profiles where one side hides the other, but many: about 1 pixel in 7.
    found = [(sample, drawn) for sample in samples for drawn in draw_sample(sample, (7.0,))]
    share = [
        (drawn.foreground != drawn.background).sum() / (drawn.foreground > 0).sum() for _, drawn in found
    ]
    chosen: dict[str | None, Picture] = {}
    for i in np.argsort(np.abs(np.array(share) - 0.15)):
        sample, drawn = found[i]
        chosen.setdefault(sample.people[drawn.person].motion, person_row(sample, drawn))
    return np.concatenate(list(chosen.values())[:count])


def main() -> None:
    IMAGES.mkdir(exist_ok=True)
    cv2.imwrite(str(IMAGES / "common_ends.png"), common_ends()[..., ::-1])
    people = crossing_people(3)[..., ::-1]
    cv2.imwrite(str(IMAGES / "skeleton_maps.jpg"), people, [cv2.IMWRITE_JPEG_QUALITY, 90])


if __name__ == "__main__":
    main()
