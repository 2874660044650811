"""Relaxed hands: fingers that the rest pose holds straight are bent towards the palm.

A bend of the rest shape, the same in every pose: fingers turn with the hand's joint as before, and no joint moves.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from posecorpus.synth.appearance.landmarks import JOINT
from posecorpus.synth.clothing.binding import ANCHORS, Bound, Hold
from posecorpus.synth.clothing.cut import Seam
from posecorpus.synth.clothing.loft import Floats, Vectors, heaviest

SOFT_M = 0.015
"""Over this way from the knuckles the bend sets in."""
LITTLE_FINGER = 0.4
"""The little finger bends this much more than the index finger, as a share."""
CURLS = np.linspace(0.0, 1.6, 9)
_STEPS = 48


@dataclass(frozen=True, eq=False)
class Hands:
    """The fingers of a body.

    Attributes:
        vertices: (H,) int32 of the body.
        seam, hold: (H, ...), themselves.
        bends: (C, H, 3) float32 offsets for the turns ``CURLS`` from knuckle to tip.
    """

    vertices: NDArray[np.int32]
    seam: Seam
    hold: Hold
    bends: Floats


def hands(skin: Vectors, dense: Vectors, joints: Vectors) -> Hands:
    """Find the fingers of a body.

    Args:
        skin: (V, 3) rest vertices, arms along X, palms down. dense: (V, 24) weights. joints: (24, 3) at rest.
    """
    found, bends = [], []
    for name, sign in (("l_", 1.0), ("r_", -1.0)):
        knuckles = joints[JOINT[name + "hand"]]
        own = dense[:, [JOINT[name + "wrist"], JOINT[name + "hand"]]].sum(axis=1) > 0.5
        fingers = np.flatnonzero(own & (sign * (skin[:, 0] - knuckles[0]) > 0))
        off = (skin[fingers] - knuckles) * (sign, 1, 1)
        found.append(fingers)
        bends.append(np.stack([_bend(off, curl) * (sign, 1, 1) for curl in CURLS]))
    vertices = np.concatenate(found).astype(np.int32)
    anchors = np.zeros((len(vertices), ANCHORS), np.int32)
    shares = np.zeros((len(vertices), ANCHORS), np.float32)
    anchors[:, 0], shares[:, 0] = vertices, 1
    everything = np.arange(len(vertices), dtype=np.int32)
    seam = Seam(everything, np.empty((0, 2), np.int32), np.empty(0, np.float32))
    hold = Hold(anchors, shares, *heaviest(dense[vertices]))
    return Hands(vertices, seam, hold, np.concatenate(bends, axis=1).astype(np.float32))


def relaxed(fingers: Hands, curl: float) -> Bound:
    """Fingers bent by ``curl`` radians from knuckle to tip, the index finger least."""
    place = min(max(curl / CURLS[1], 0.0), len(CURLS) - 1.001)
    low = int(place)
    share = np.float32(place - low)
    offsets = fingers.bends[low] + share * (fingers.bends[low + 1] - fingers.bends[low])
    return Bound(fingers.hold, fingers.seam, offsets)


def _bend(off: Vectors, curl: float) -> Vectors:
    """How points (H, 3) of a left hand, from its knuckles, move when its fingers turn by ``curl``.

    The middle line of a finger bends without stretching; what is off it turns with it.
    """
    along, across = off[:, 0], np.clip((0.03 - off[:, 2]) / 0.06, 0, 1)  # index finger 0, little finger 1
    above = off[:, 1] - (np.median(off[:, 1]) if len(off) else 0.0)
    length = max(float(along.max(initial=0.0)), 1e-3)
    steps = np.linspace(0, 1, _STEPS)[:, None] * along  # (S, H) along each point's own finger
    rate = curl / length * (1 + LITTLE_FINGER * across)
    turned = rate * (steps - SOFT_M * (1 - np.exp(-steps / SOFT_M)))
    middle = 0.5 * (turned[1:] + turned[:-1])
    ahead = (np.cos(middle) * np.diff(steps, axis=0)).sum(axis=0)
    down = (np.sin(middle) * np.diff(steps, axis=0)).sum(axis=0)
    angle = turned[-1]
    moved = np.stack(
        [ahead - above * np.sin(angle) - along, above * (np.cos(angle) - 1) - down, 0 * along], 1
    )
    return np.asarray(moved)
