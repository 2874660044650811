"""The sizes of LCR-Net."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from posecorpus.core.errors import InputError
from posecorpus.models.lcrnet.rpn import RPNParams
from posecorpus.models.lcrnet.targets import POSITIVE_SHARE

LEAST_FRAME_PX = 32


@dataclass(frozen=True)
class LCRNetParams:
    """What LCR-Net is made of; the anchors decide the rest.

    Attributes:
        backbone: what sees.
        hidden: width of the two fully connected layers of the second estimate.
        pooling: of a region: RoIAlign, or the rounding RoI pooling that it replaced.
        estimate: length of the vector by which the second estimate is told the first one; 0 for one estimate only.
        conclusion: what counts of two estimates: the last, as in the paper, or their mean.
        rpn: region proposals.
        boxes: of each picture of a batch, that are learned from.
        positive_share: of these boxes, at most, those on people.
        jittered: proposals around each true box that are added in training, see ``targets.jittered``.
        pose_weight: of the regression loss in the sum that is minimised.
        pose_beta: offset, metres or box units, from which smooth L1 is linear; 1 in the paper (equation 5).
        heatmap_weight: of the loss of joint heatmaps, which only training has; 0 for none, as in the paper.
        frame: pixels of the shorter side that pictures are scaled to, unless the longer one would pass the second.
    """

    backbone: Literal["tiny", "vgg16", "resnet50"]
    hidden: int
    estimate: int = 2048
    pooling: Literal["align", "round"] = "align"
    conclusion: Literal["last", "mean"] = "last"
    rpn: RPNParams = field(default_factory=RPNParams)
    boxes: int = 32
    positive_share: float = POSITIVE_SHARE
    jittered: int = 0
    pose_weight: float = 1.0
    pose_beta: float = 1.0
    heatmap_weight: float = 0.0
    frame: tuple[int, int] = (600, 1000)

    def __post_init__(self) -> None:
        shorter, longest = self.frame
        if not LEAST_FRAME_PX <= shorter <= longest:
            raise InputError(
                "frame", f"two numbers of pixels from {LEAST_FRAME_PX}, the shorter side's first", self.frame
            )


# The large presets are the paper's. ``tiny`` starts from nothing and has minutes: it sees people in its boxes from the
# first step on, and its backbone learns from every cell where joints are. A tenth of a box is far off, so its smooth L1
# is linear from there on: quadratic, the legs that a picture cuts off would be all it learns. The mean of its two
# estimates is better than the second one, and than the first in most figures.
PRESETS = {
    "tiny": LCRNetParams(
        "tiny",
        hidden=256,
        estimate=128,
        conclusion="mean",
        rpn=RPNParams(channels=96, sizes_px=(32.0, 64.0, 128.0), before=300, after=60),
        boxes=16,
        positive_share=0.5,
        jittered=8,
        pose_weight=0.4,
        pose_beta=0.1,
        heatmap_weight=1.0,
        frame=(240, 320),
    ),
    "vgg16": LCRNetParams("vgg16", hidden=4096),
    "resnet50": LCRNetParams("resnet50", hidden=2048, boxes=512),
}


def preset(name: str) -> LCRNetParams:
    """The parameters of a name; raises :class:`InputError` listing those there are."""
    if name not in PRESETS:
        raise InputError("preset", f"one of {', '.join(PRESETS)}", repr(name))
    return PRESETS[name]
