"""LCR-Net's smallest preset learns eight pictures by heart; what came out is recorded in ``lcrnet_by_heart.json``.

    python tests/golden/lcrnet_by_heart.py      # trains (15 s) and writes the record anew

The test of the same name in tests/pipelines trains again and compares.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

from posecorpus.models.data.augment import AugmentParams
from posecorpus.models.data.mixture import Source
from posecorpus.models.lcrnet.detect import DetectSettings
from posecorpus.pipelines.anchoring.cluster import AnchorsRequest, cluster_anchors
from posecorpus.pipelines.evaluation.eval_people import EvalPeopleRequest, eval_people, usual_decodings
from posecorpus.pipelines.synthesis.request import SynthRequest
from posecorpus.pipelines.synthesis.synthesize import synthesize
from posecorpus.pipelines.training.train_lcrnet import TrainRequest, train_lcrnet
from posecorpus.synth.config import SynthConfig, load_config

RECORD = Path(__file__).with_suffix(".json")
STEPS, EVERY = 120, 20


def outcome(folder: Path, steps: int = STEPS) -> dict[str, Any]:
    """Train on eight pictures of 160x120 and find the people in them.

    Returns:
        the mean loss of every :data:`EVERY` steps; PCKh@0.5, MPJPE in mm and people found, of integration and of suppression.
    """
    small = load_config("surreal").resized(160, 120).model_dump()
    small["camera"]["distance_m"] = {"mean": 4.5, "std": 0.3, "min": 3.0}
    corpus, anchors = folder / "corpus", folder / "anchors.npz"
    synthesize(SynthRequest(config=SynthConfig.model_validate(small), seed=4, clips=8), corpus)
    cluster_anchors(AnchorsRequest((str(corpus),), clusters=5, upper_body=True), anchors)
    request = TrainRequest(
        (Source(str(corpus)),), anchors, network={"frame": (120, 160)},
        training={"steps": steps, "images": 4, "log_every": EVERY}, augment=AugmentParams.none(),
    )  # fmt: skip
    run = train_lcrnet(request, folder / "run")
    asked = EvalPeopleRequest(str(corpus), decodings=usual_decodings(DetectSettings()))
    figures = eval_people(run, asked, folder / "eval").results.figures
    journal = (folder / "run" / "metrics.jsonl").read_text().splitlines()
    return {
        "loss": [round(json.loads(line)["loss"], 3) for line in journal],
        **{
            name: {"pckh": of.pckh, "mpjpe_mm": of.mpjpe_abs_mm, "found": of.found}
            for name, of in figures.items()
            if name in ("PPI", "NMS")
        },
    }


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        RECORD.write_text(json.dumps(outcome(Path(folder)), indent=1) + "\n")
    print(RECORD.read_text())
