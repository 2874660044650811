"""Makes the pictures of the README: ``python docs/figures.py`` (half a minute, no data needed)."""

from __future__ import annotations

import tempfile
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from posecorpus.core.parts import SMPL_24_PARTS
from posecorpus.core.sample import Sample
from posecorpus.core.shards import Corpus
from posecorpus.core.skeletons import skeleton
from posecorpus.inspect.overlays import colour_layer, draw_joints
from posecorpus.pipelines.synthesis.request import SynthRequest
from posecorpus.pipelines.synthesis.synthesize import synthesize
from posecorpus.synth.config import SynthConfig, load_config

IMAGES = Path(__file__).parent / "images"
CHOSEN = (9, 14, 15)
LAYERS = ("parts", "depth", "normals", "flow")


def closer(config: SynthConfig) -> SynthConfig:
    """SURREAL's people are 130 pixels tall; these are nearer, so that a small picture shows them."""
    data = config.model_dump()
    data["camera"]["distance_m"] = {"mean": 5.2, "std": 0.2, "min": 4.8}
    data["camera"]["pitch_deg"] = (0.0, 12.0)
    return SynthConfig.model_validate(data)


def row(sample: Sample) -> NDArray[np.uint8]:
    """A sample's picture, its joints, and its label maps, side by side."""
    assert sample.image is not None
    person = sample.people[0]
    joints = draw_joints(sample.image, person.joints2d, person.visibility, skeleton(person.skeleton))
    tiles = [sample.image, joints]
    for layer in LAYERS:
        coloured = colour_layer(sample, layer, SMPL_24_PARTS)
        assert coloured is not None
        colours, mask = coloured
        tiles.append(np.where(mask[..., None], colours, 255).astype(np.uint8))
    middle = slice(sample.width // 2 - 110, sample.width // 2 + 110)
    return np.concatenate([tile[:, middle] for tile in tiles], axis=1)


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        request = SynthRequest(closer(load_config("surreal")), seed=2, clips=24)
        synthesize(request, Path(folder) / "corpus")
        samples = list(Corpus(Path(folder) / "corpus"))
    IMAGES.mkdir(exist_ok=True)
    overview = np.concatenate([row(samples[i]) for i in CHOSEN])
    cv2.imwrite(str(IMAGES / "overview.jpg"), overview[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 88])
    print(IMAGES / "overview.jpg")


if __name__ == "__main__":
    main()
