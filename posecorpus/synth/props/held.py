"""Props in a hand: gripped at the palm, moving with the hand's joint."""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from posecorpus.core.skeletons import SMPL_24
from posecorpus.synth.appearance.draws import Draws
from posecorpus.synth.props.catalogue import HELD, design_of, draw_size
from posecorpus.synth.props.company import Company
from posecorpus.synth.props.floor import SEEDS
from posecorpus.synth.props.handheld import GRIPS
from posecorpus.synth.props.shape import Grip, Size
from posecorpus.synth.props.solidity import any_inside, carried, hand_skin
from posecorpus.synth.scene import Prop

F64 = NDArray[np.float64]

TRIES = 5
MAX_SWING = np.radians(35)
"""What hangs or is held upright may lean so far from the vertical at any frame."""
ALONG_PALM = 0.72
"""Where things are gripped, from the wrist to the joint of the hand."""
HAND_M = np.array([0.16, 0.1, 0.12])
"""Skin that a held thing may touch: so far ahead of the grip along the fingers, back, and to all other sides."""
PALM_M = np.array([0.015, 0.012])
MARGIN_M, FLOOR_M = 0.012, 0.005
OTHERS_M = 0.05
"""Room between what is held and other people, who are looked at coarsely."""
_THUMB = np.array([0.0, 0.0, 1.0])
_DOWN = np.array([0.0, -1.0, 0.0])
_NOBODY = np.empty(0, np.uint8)


class _Hand:
    """One hand of a person in the frame of its joint, whose axes are those of the rest pose: x to the body's
    left, y up, z ahead; there the palm looks down and the thumb ahead.

    Attributes:
        joint: name of the joint.
        transforms: (N, 3, 4) from that frame to the world.
        fingers: (3,) where the fingers point.
        palm: (3,) point of the skin in the middle of the palm.
        gravity: (N, 3) unit vectors.
        vertices: (N, V, 3) of the person.
        skin: (V,) uint8, 1 for the person's vertices that a held thing may touch.
    """

    def __init__(self, company: Company, person: int, side: str) -> None:
        posed = company.whole(person)
        vertices = company.body(person)
        middle = len(vertices) // 2
        self.joint, self.vertices = f"{side}_hand", vertices
        j, w = SMPL_24.index(self.joint), SMPL_24.index(f"{side}_wrist")
        self.transforms = posed.transforms[:, j].astype(np.float64)
        turn, move = self.transforms[middle, :, :3], self.transforms[middle, :, 3]
        wrist, knuckles = (posed.landmarks[middle, [w, j]] - move) @ turn
        ahead = 1.0 if side == "l" else -1.0
        self.fingers = np.array([ahead, 0.0, 0.0])
        grip = wrist + ALONG_PALM * (knuckles - wrist)
        self.skin = np.empty(vertices.shape[1], np.uint8)
        inverse = np.column_stack([turn.T, -turn.T @ move])
        low = hand_skin(vertices[middle], inverse, grip, ahead, HAND_M, PALM_M, self.skin)
        self.palm = grip + (0.0, low, 0.0)
        self.gravity = _DOWN @ self.transforms[:, :, :3]


def hold(company: Company, person: int, draws: Draws) -> Prop | None:
    """Something in a hand of a person; None if nothing fits the pose at all frames."""
    first = draws.below(2)
    hands: dict[str, _Hand] = {}
    for attempt in range(TRIES):
        side = "lr"[(first + (attempt >= 3)) % 2]
        hand = hands.get(side) or hands.setdefault(side, _Hand(company, person, side))
        kind = HELD[draws.below(len(HELD))]
        seed = draws.below(SEEDS)
        size = draw_size(kind, seed, draws, held=True)
        turn = _orientation(GRIPS[kind], hand, draws)
        if turn is None:
            continue
        place = _position(GRIPS[kind], size, hand.palm, turn)
        if _is_free(company, person, hand, design_of(kind, seed).solids_at(size), turn, place):
            x, y, z = place.tolist()
            a, b, c = cv2.Rodrigues(turn)[0].ravel().tolist()
            return Prop(kind, seed, size, (x, y, z), (a, b, c), (person, hand.joint))
    return None


def _orientation(grip: Grip, hand: _Hand, draws: Draws) -> F64 | None:
    """(3, 3) from the prop's frame to the joint's; None if gravity forbids."""
    if grip.way == "flat":
        y = hand.fingers if draws.random() < 0.7 else _THUMB
        return _frame(y, _DOWN, 0.0)
    if grip.way == "bar":
        slant = draws.uniform(-0.45, 0.45)
        return _frame(
            np.array([math.sin(slant), 0.0, math.cos(slant)]), _DOWN, draws.uniform(-math.pi, math.pi)
        )
    # What obeys gravity turns about the axis across the palm, or within the palm.
    free = _THUMB if grip.way == "hang" else _DOWN
    down = hand.gravity.mean(0)
    down = down - (down @ free) * free
    length = math.sqrt(down @ down)
    if length < 0.2 or (hand.gravity @ down).min() < math.cos(MAX_SWING) * length:
        return None
    return _frame(-down / length, free, math.pi / 2 if grip.way == "hang" else 0.0)


def _frame(y: F64, z: F64, spin: float) -> F64:
    """The rotation that takes y to the unit vector ``y`` and z to ``z`` at right angles to it, after a spin about y."""
    x = np.array([y[1] * z[2] - y[2] * z[1], y[2] * z[0] - y[0] * z[2], y[0] * z[1] - y[1] * z[0]])
    c, s = math.cos(spin), math.sin(spin)
    return np.stack([c * x - s * z, y, s * x + c * z], -1)


def _position(grip: Grip, size: Size, palm: F64, turn: F64) -> F64:
    """(3,) where the middle of the underside comes to lie, in the joint's frame."""
    radius = grip.radius_m if grip.radius_m or grip.way == "flat" else size[0] / 2
    return np.asarray(palm + radius * _DOWN - turn @ (np.array(grip.at) * size))


def _is_free(company: Company, person: int, hand: _Hand, solids: F64, turn: F64, place: F64) -> bool:
    """Whether the boxes are over the floor and in nobody at any frame, the hand itself left aside."""
    to_prop = np.empty_like(hand.transforms)
    low, high = carried(hand.transforms, turn, place, solids, to_prop)
    if low[1] < FLOOR_M:
        return False
    if any_inside(hand.vertices, to_prop, solids, MARGIN_M, hand.skin):
        return False
    for i, (lower, upper) in enumerate(company.swept):
        room = max(OTHERS_M, company.reaches[i])
        if i == person or (lower > high + room).any() or (upper < low - room).any():
            continue
        if any_inside(company.vertices[i], to_prop, solids, room, _NOBODY):
            return False
    return True
