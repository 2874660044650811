"""What of a place is painted behind the people: things must not stand in it, nor behind it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from posecorpus.synth.appearance.room_plan import RoomPlan
from posecorpus.synth.props.solidity import hidden

F64 = NDArray[np.float64]
Footprint = tuple[float, float, float, float, float]
"""x, z, yaw, half width and half depth."""
ENDLESS_M = 1e6


@dataclass(frozen=True, eq=False)
class Furnished:
    """A room with its painted furniture, or none.

    Attributes:
        frame: (3,) x, z and yaw of the room's frame in the world.
        low, high: (2,) x and z of the walls in that frame.
        boxes: (K, 2, 3) lower and upper corners of furniture in that frame.
        footprints: of the boxes, in the world.
    """

    frame: F64
    low: F64
    high: F64
    boxes: F64
    footprints: tuple[Footprint, ...]

    def has(self, points: F64) -> NDArray[np.bool_]:
        """Whether points (..., 2) of the floor are between the walls."""
        c, s = math.cos(self.frame[2]), math.sin(self.frame[2])
        x, z = points[..., 0] - self.frame[0], points[..., 1] - self.frame[1]
        across, along = c * x - s * z, s * x + c * z
        within = (across >= self.low[0]) & (across <= self.high[0])
        return np.asarray(within & (along >= self.low[1]) & (along <= self.high[1]))

    def covers(self, points: F64, eye: F64) -> bool:
        """Whether a box stands between an eye (3,) and any of some points (M, 3): a thing there would be painted
        over what hides it."""
        return bool(len(self.boxes) and hidden(points, eye, self.frame[None], self.boxes).any())


NOTHING = Furnished(np.zeros(3), np.full(2, -ENDLESS_M), np.full(2, ENDLESS_M), np.empty((0, 2, 3)), ())
"""Of places whose pictures do not say what stands where."""


def furnished(plan: RoomPlan, origin: F64) -> Furnished:
    """A planned room in the world.

    Args:
        origin: (3,) world position of the origin of the room's frame: below the camera.
    """
    yaw = math.atan2(plan.turn[2, 0], plan.turn[0, 0])
    boxes = np.stack([plan.boxes["lo"], plan.boxes["hi"]], 1).astype(np.float64)
    c, s = math.cos(yaw), math.sin(yaw)
    prints = []
    for low, high in boxes.tolist():
        x, z = (low[0] + high[0]) / 2, (low[2] + high[2]) / 2
        at = float(origin[0] + c * x + s * z), float(origin[2] + c * z - s * x)
        prints.append((*at, yaw, (high[0] - low[0]) / 2, (high[2] - low[2]) / 2))
    frame = np.array([origin[0], origin[2], yaw])
    return Furnished(frame, plan.low[[0, 2]], plan.high[[0, 2]], boxes, tuple(prints))
