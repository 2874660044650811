"""One sheet of pictures per preset: ``python docs/contact_sheets.py [PRESET ...] [--motions PATH] [--backgrounds PATH]``.

The sheets in ``images`` are made without options, from what comes with the package.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from posecorpus.core.shards import Corpus
from posecorpus.pipelines.synthesis.request import SynthRequest
from posecorpus.pipelines.synthesis.synthesize import synthesize
from posecorpus.synth.config import load_config

IMAGES = Path(__file__).parent / "images"
ROWS, COLUMNS = 4, 3
HEIGHT_PX = 300
GAP_PX = 4
SEED = 11


def main() -> None:
    """Make the sheets."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("presets", nargs="*", default=["surreal", "lcr-room", "lcr-wild", "hard"])
    parser.add_argument("--motions", type=Path, action="append", default=[])
    parser.add_argument("--backgrounds", type=Path)
    parser.add_argument("--out", type=Path, default=IMAGES)
    parser.add_argument("--seed", type=int, default=SEED)
    arguments = parser.parse_args()
    for preset in arguments.presets:
        path = arguments.out / f"sheet_{preset.replace('-', '_')}.jpg"
        pictures = render(preset, tuple(arguments.motions), arguments.backgrounds, arguments.seed)
        path.parent.mkdir(parents=True, exist_ok=True)
        if not cv2.imwrite(str(path), sheet(pictures)[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 90]):
            raise OSError(f"{path} cannot be written")
        print(path)


def render(
    preset: str, motions: tuple[Path, ...], backgrounds: Path | None, seed: int
) -> list[NDArray[np.uint8]]:
    """The first pictures of a corpus of that preset."""
    request = SynthRequest(
        config=load_config(preset),
        seed=seed,
        clips=ROWS * COLUMNS,
        motions=motions,
        backgrounds=backgrounds,
        skip_bad=True,
    )
    with tempfile.TemporaryDirectory() as folder:
        synthesize(request, Path(folder) / "corpus", note=print)
        samples = list(Corpus(Path(folder) / "corpus").samples(("image",)))
    return [sample.image for sample in samples if sample.image is not None]


def sheet(pictures: list[NDArray[np.uint8]]) -> NDArray[np.uint8]:
    """Pictures of one size side by side, ``COLUMNS`` in a row."""
    height, width = pictures[0].shape[:2]
    size = (round(width * HEIGHT_PX / height), HEIGHT_PX)
    tiles = [
        np.pad(cv2.resize(p, size, interpolation=cv2.INTER_AREA), ((0, GAP_PX), (0, GAP_PX), (0, 0)),
               constant_values=255)
        for p in pictures
    ]  # fmt: skip
    rows = [np.concatenate(tiles[i : i + COLUMNS], axis=1) for i in range(0, len(tiles), COLUMNS)]
    return np.concatenate(rows)


if __name__ == "__main__":
    main()
