"""Where COCO's annotators click, as a regressor: ``python -m posecorpus.synth.regressors.coco_clicks`` writes its file.

Against the joints of the body's rig, annotators of COCO click shoulders and hips higher, by :data:`RISE` of the torso's
length. Up is along the torso, from the middle of the hips to the middle of the shoulders, which makes the map affine:

    shoulder + RISE * ((l_shoulder + r_shoulder) / 2 - (l_hip + r_hip) / 2), and hips likewise.

Everything else is the landmark of ``full_42`` of that name. The hips that are raised are SMPL's, not ``l_hip_lsp``.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from posecorpus.core.skeletons import COCO_17, FULL_42
from posecorpus.synth.regressors.regressor import BUILTIN, JointRegressor

RISE = 0.045


def coco_clicks() -> JointRegressor:
    """The regressor from ``full_42`` to ``coco_17``."""
    weights = np.zeros((len(COCO_17), len(FULL_42)))
    for row, joint in zip(weights, COCO_17.joints, strict=True):
        row[FULL_42.index(joint)] = 1.0
        if joint.endswith(("shoulder", "hip")):
            row[FULL_42.indices("l_shoulder", "r_shoulder")] += RISE / 2
            row[FULL_42.indices("l_hip", "r_hip")] -= RISE / 2
    return JointRegressor("coco-clicks", FULL_42.name, COCO_17.name, "affine", weights)


def main() -> None:
    """Write the file that the package ships."""
    path = Path(__file__).with_name(BUILTIN["coco-clicks"])
    data = coco_clicks().as_json()
    rows = ",\n  ".join(json.dumps(row) for row in data.pop("weights"))
    head = json.dumps(
        data | {"made_by": "posecorpus/synth/regressors/coco_clicks.py", "rise": RISE}, indent=1
    )
    path.write_text(head.removesuffix("\n}") + f',\n "weights": [\n  {rows}\n ]\n}}\n')


if __name__ == "__main__":
    main()
