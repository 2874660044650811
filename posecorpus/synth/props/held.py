"""Props in a hand: gripped at the palm, moving with the hand's joint."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from posecorpus.core.skeletons import SMPL_24
from posecorpus.synth.appearance.draws import Draws
from posecorpus.synth.props.catalogue import HELD, draw_size, shape_of
from posecorpus.synth.props.company import Company
from posecorpus.synth.props.floor import SEEDS
from posecorpus.synth.props.handheld import GRIPS
from posecorpus.synth.props.shape import Grip, Size
from posecorpus.synth.props.solidity import any_inside
from posecorpus.synth.rotations import about, to_axis_angle
from posecorpus.synth.scene import Prop

F64 = NDArray[np.float64]

TRIES = 5
MAX_SWING = np.radians(35)
"""What hangs or is held upright may lean so far from the vertical at any frame."""
ALONG_PALM = 0.72
"""Where things are gripped, from the wrist to the joint of the hand."""
HAND_REACH_M, HAND_BACK_M, HAND_SIDE_M = 0.16, 0.1, 0.12
"""Skin that may be inside a held thing: so far ahead of the grip along the fingers, back, and to all other sides."""
MARGIN_M = 0.012
_DOWN = np.array([0.0, -1.0, 0.0])
_NOTHING = np.empty((0, 2, 3))


class _Hand:
    """One hand of a person in the frame of its joint, whose axes are those of the rest pose: x to the body's
    left, y up, z ahead; there the palm looks down and the thumb ahead.

    Attributes:
        joint: name of the joint.
        transforms: (N, 3, 4) from that frame to the world.
        fingers: (3,) where the fingers point.
        palm: (3,) point of the skin in the middle of the palm.
        gravity: (N, 3) unit vectors.
        others: (N, V, 3) float32 world vertices of the person without the hand.
    """

    def __init__(self, company: Company, person: int, side: str) -> None:
        posed, vertices = company.people[person], company.vertices[person]
        middle = len(vertices) // 2
        self.joint = f"{side}_hand"
        j, w = SMPL_24.index(self.joint), SMPL_24.index(f"{side}_wrist")
        self.transforms = posed.transforms[:, j].astype(np.float64)
        turn, move = self.transforms[middle, :, :3], self.transforms[middle, :, 3]
        wrist, knuckles = (posed.landmarks[middle, [w, j]] - move) @ turn
        self.fingers = np.array([1.0 if side == "l" else -1.0, 0.0, 0.0])
        local = (vertices[middle] - move) @ turn
        grip = wrist + ALONG_PALM * (knuckles - wrist)
        offset = local - grip
        ahead = offset @ self.fingers
        hand = (ahead > -HAND_BACK_M) & (ahead < HAND_REACH_M) & (np.abs(offset[:, 1:]) < HAND_SIDE_M).all(1)
        near = hand & (np.abs(ahead) < 0.02) & (np.abs(offset[:, 2]) < 0.025)
        low = offset[near, 1].min() if near.any() else -0.02
        self.palm = grip + (0.0, float(low), 0.0)
        self.gravity = _DOWN @ self.transforms[:, :, :3]
        self.others = np.ascontiguousarray(vertices[:, ~hand])


def hold(company: Company, person: int, draws: Draws) -> Prop | None:
    """Something in a hand of a person; None if nothing fits the pose at all frames."""
    first = draws.below(2)
    hands: dict[str, _Hand] = {}
    for attempt in range(TRIES):
        side = "lr"[(first + (attempt >= 3)) % 2]
        hand = hands.setdefault(side, _Hand(company, person, side)) if side not in hands else hands[side]
        kind = HELD[draws.below(len(HELD))]
        seed, size = draws.below(SEEDS), draw_size(kind, draws, held=True)
        turn = _orientation(GRIPS[kind], hand, draws)
        if turn is None:
            continue
        place = _position(GRIPS[kind], size, hand.palm, turn)
        if _is_free(company, person, hand, shape_of(kind, seed, size).solids, turn, place):
            position, rotation = place.tolist(), to_axis_angle(turn).tolist()
            return Prop(kind, seed, size, tuple(position), tuple(rotation), (person, hand.joint))
    return None


def _orientation(grip: Grip, hand: _Hand, draws: Draws) -> F64 | None:
    """(3, 3) from the prop's frame to the joint's; None if gravity forbids."""
    away = _DOWN  # from the palm
    thumb = np.array([0.0, 0.0, 1.0])
    if grip.way == "flat":
        y = hand.fingers if draws.random() < 0.7 else thumb
        return np.stack([np.cross(y, away), y, away], -1)
    if grip.way == "bar":
        y = about(1, draws.uniform(-0.45, 0.45)) @ thumb
        return _with_y(y, away) @ about(1, draws.uniform(-np.pi, np.pi))
    down = hand.gravity.mean(0)
    if grip.way == "hang":
        down = down - (down @ thumb) * thumb
    else:
        down = down - (down @ away) * away
    length = float(np.linalg.norm(down))
    if length < 0.2:
        return None
    down = down / length
    if (hand.gravity @ down).min() < np.cos(MAX_SWING):
        return None
    if grip.way == "hang":
        return np.stack([thumb, -down, np.cross(thumb, -down)], -1)
    return _with_y(-down, away)


def _with_y(y: F64, about_z: F64) -> F64:
    """The rotation that takes y to ``y`` and z as near to ``about_z`` as may be."""
    x = np.cross(y, about_z)
    x /= np.linalg.norm(x)
    return np.stack([x, y, np.cross(x, y)], -1)


def _position(grip: Grip, size: Size, palm: F64, turn: F64) -> F64:
    """(3,) where the middle of the underside comes to lie, in the joint's frame."""
    radius = grip.radius_m if grip.radius_m or grip.way == "flat" else size[0] / 2
    return palm + radius * _DOWN - turn @ (np.array(grip.at) * size)


def _is_free(company: Company, person: int, hand: _Hand, solids: F64, turn: F64, place: F64) -> bool:
    """Whether the boxes are over the floor and in nobody at any frame, the hand itself left aside."""
    rotations = hand.transforms[:, :, :3] @ turn
    origins = hand.transforms[:, :, :3] @ place + hand.transforms[:, :, 3]
    ends = np.stack(np.meshgrid([0, 1], [0, 1], [0, 1], indexing="ij"), -1).reshape(8, 1, 3)
    points = np.where(ends == 0, solids[:, 0], solids[:, 1]).reshape(-1, 3)
    world = np.einsum("nij,mj->nmi", rotations, points) + origins[:, None]
    if world[..., 1].min() < 0.005:
        return False
    inverse = rotations.transpose(0, 2, 1)
    to_prop = np.concatenate([inverse, -inverse @ origins[..., None]], -1)
    lower, upper = world.min((0, 1)) - MARGIN_M, world.max((0, 1)) + MARGIN_M
    for i, vertices in enumerate(company.vertices):
        own = i == person
        if (company.swept[i, 0] > upper).any() or (company.swept[i, 1] < lower).any():
            continue
        if any_inside(hand.others if own else vertices, to_prop, solids, MARGIN_M, _NOTHING):
            return False
    return True
