"""People of a picture: from what the network concludes to pose proposals, and from these to detections."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import torch
from torch import Tensor

from posecorpus.anchors.boxes import upper_body
from posecorpus.core.skeletons import TORSO, Skeleton
from posecorpus.models.backbones.base import STRIDE
from posecorpus.models.lcrnet.decode import (
    Detections,
    Integration,
    Proposals,
    best_of_each_place,
    integrate,
    rescored,
    suppress,
)
from posecorpus.models.lcrnet.network import Estimate, LCRNet
from posecorpus.models.lcrnet.rpn import grid, propose
from posecorpus.models.lcrnet.targets import AnchorTensors

LEAST_SHARE = 0.1
"""Classes less likely than this share of an even guess are not looked at."""
HEAD = ("head", "head_top", "head_centre", "nose")


@dataclass(frozen=True)
class DetectSettings:
    """How proposals become people.

    Attributes:
        integration: thresholds of pose proposal integration; None for non-maximum suppression.
        suppression_iou: overlap from which the worse proposal is dropped, without integration.
        rescore: lower the scores of poses that leave their box.
        trunk_boxes: put the boxes whose overlap counts around head and trunk: people may be close.
        least_score: people of a lower score are dropped.
        same_iou: of people whose boxes overlap by so much the best one is kept; None keeps them all, as figures of the
            paper do, where integration gives a person several poses with scores of their own.
    """

    integration: Integration | None = field(default_factory=Integration)
    suppression_iou: float = 0.3
    rescore: bool = True
    trunk_boxes: bool = True
    least_score: float = 0.002
    same_iou: float | None = None


EVERYBODY_ONCE = DetectSettings(least_score=0.05, same_iou=0.4)
"""For whoever wants the people of a picture, and not figures about a network."""


@torch.no_grad()
def pose_proposals(net: LCRNet, picture: Tensor, anchors: AnchorTensors, full_classes: int) -> Proposals:
    """Poses proposed in one picture (3, H, W), RGB in [0, 1], on the network's device.

    Args:
        full_classes: K; classes beyond are of upper bodies.
    """
    height, width = picture.shape[-2:]
    maps = net.maps(picture[None])
    logits, offsets = net.rpn(maps)
    cells = grid(maps.shape[-2], maps.shape[-1], STRIDE, net.params.rpn, picture.device)
    boxes = propose(logits[0], offsets[0], cells, (width, height), net.params.rpn)
    image = torch.zeros(len(boxes), dtype=torch.int64, device=boxes.device)
    found = net.concluded(net.estimates(maps, boxes, image))
    return proposals_of(boxes, found, anchors, full_classes)


def proposals_of(boxes: Tensor, estimate: Estimate, anchors: AnchorTensors, full_classes: int) -> Proposals:
    """The pose of every class of every box (R, 4) that is likely enough."""
    scores = estimate.logits.float().softmax(dim=1)[:, 1:]
    region, label = torch.nonzero(scores >= LEAST_SHARE / scores.shape[1], as_tuple=True)
    offsets = estimate.poses.float()[region, label + 1]
    joints = anchors.poses2d.shape[1]
    units = anchors.poses2d[label] + offsets[:, : 2 * joints].reshape(-1, joints, 2)
    low, high = boxes[region, None, :2], boxes[region, None, 2:]
    space = anchors.poses3d[label] + offsets[:, 2 * joints :].reshape(-1, joints, 3)
    return Proposals(
        boxes=_host(boxes[region]),
        poses2d=_host(low + units * (high - low)),
        poses3d=_host(space),
        scores=_host(scores[region, label]),
        upper=(label >= full_classes).cpu().numpy(),
    )


def people_of(proposals: Proposals, skeleton: Skeleton, settings: DetectSettings) -> Detections:
    """The people that proposals are about."""
    if settings.rescore:
        proposals = replace(proposals, scores=rescored(proposals))
    trunk = [i for i, joint in enumerate(skeleton.joints) if joint in (*TORSO, *HEAD)]
    joints = np.array(trunk) if settings.trunk_boxes else None
    if settings.integration is None:
        found = suppress(proposals, settings.suppression_iou, joints)
    else:
        lower = np.setdiff1d(np.arange(len(skeleton)), upper_body(skeleton))
        found = integrate(proposals, settings.integration, lower, joints)
    kept = np.flatnonzero(found.scores >= settings.least_score)
    if settings.same_iou is not None:
        kept = kept[best_of_each_place(found.at(kept), settings.same_iou, joints)]
    return found.at(kept)


def _host(values: Tensor) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    return values.double().cpu().numpy()
