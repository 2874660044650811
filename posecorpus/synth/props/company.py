"""The people of a clip as props see them: where there is room, and what of them the camera sees."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from posecorpus.core.cameras import Camera
from posecorpus.synth.bodies.skinning import Posed
from posecorpus.synth.ground import Ground
from posecorpus.synth.props.furnished import NOTHING, Footprint, Furnished
from posecorpus.synth.props.solidity import any_inside, bounds, some_of
from posecorpus.synth.raster.engine import fixed
from posecorpus.synth.rotations import about

SEEN_POINTS = 100
"""Points of a person that stand for all of it where it is asked how much is hidden."""
TOUCH_M = 0.012
"""How deep who sits on something may press into it."""
_ACROSS, _ALONG = np.array([-1.0, 1.0, 1.0, -1.0]), np.array([-1.0, -1.0, 1.0, 1.0])
CELL_M = 0.11
"""They are about so far from each other."""
_NOBODY = np.empty(0, np.uint8)


@dataclass(eq=False)
class Company:
    """People in the world for all frames of a clip, and the props that stand around them so far.

    Whether anybody is in the way is asked of coarse bodies, whose vertices are nowhere farther apart than a thing and
    its margin are wide; what somebody touches is fitted to the whole body.

    Attributes:
        people: posed, N frames each; coarse bodies do.
        reaches: how far each person's clothes are from these bodies at most, metres.
        closely: gives a person's whole body, for what touches it.
        furnished: what of the place is painted behind the people.
        vertices: per person (N, V, 3).
        swept: (P, 2, 3) what each person's vertices stay within over all frames.
        footprints: x, z, yaw, half width and half depth of what stands on the floor.
    """

    people: Sequence[Posed]
    camera: Camera
    ground: Ground
    closely: Callable[[int], Posed]
    reaches: Sequence[float]
    furnished: Furnished = NOTHING
    vertices: list[NDArray[np.float32]] = field(init=False)
    swept: NDArray[np.float64] = field(init=False)
    footprints: list[Footprint] = field(default_factory=list)
    _whole: dict[int, Posed] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.vertices = [fixed(p.vertices, np.float32) for p in self.people]
        boxes = [bounds(v) for v in self.vertices]
        self.swept = np.empty((len(boxes), 2, 3))
        for swept, box in zip(self.swept, boxes, strict=True):
            swept[0], swept[1] = box[:, 0].min(0), box[:, 1].max(0)

    @cached_property
    def eye(self) -> NDArray[np.float64]:
        """(3,) where the camera is."""
        return self.camera.centre

    @cached_property
    def seen(self) -> NDArray[np.float64]:
        """(P, S, 3) some of each person's vertices at the middle frame, spread evenly."""
        out = np.empty((len(self.vertices), SEEN_POINTS, 3))
        for points, vertices in zip(out, self.vertices, strict=True):
            some_of(vertices[len(vertices) // 2], CELL_M, points)
        return out

    @cached_property
    def visible(self) -> NDArray[np.bool_]:
        """(P, S) whether they are within the picture, people and props left aside."""
        pixels, depth = self.camera.project(self.seen)
        with np.errstate(invalid="ignore"):
            inside = ((pixels >= 0) & (pixels <= (self.camera.width, self.camera.height))).all(-1)
        return np.asarray(inside & (depth > 0))

    @cached_property
    def hidden(self) -> NDArray[np.bool_]:
        """(P, S) whether props hide them; replaced when one more does."""
        return np.zeros_like(self.visible)

    def room_for(
        self,
        x: float,
        z: float,
        yaw: float,
        solids: NDArray[np.float64],
        margin: float,
        sitter: int | None = None,
    ) -> bool:
        """Whether boxes (K, 2, 3) can stand on the floor at (x, z), turned by ``yaw``, with nobody in them at
        any frame and nothing that stood there before.

        Args:
            margin: metres that must stay free around every box; more where somebody's clothes reach farther.
            sitter: a person who may press :data:`TOUCH_M` into them.
        """
        low, high = solids[:, 0].min(0), solids[:, 1].max(0)
        print_ = _footprint(x, z, yaw, solids)
        if any(_overlap(print_, other) for other in (*self.furnished.footprints, *self.footprints)):
            return False
        foot = corners(np.array([x, z, yaw]), *print_[3:])
        to_prop = _to_prop(x, z, yaw)
        for i, vertices in enumerate(self.vertices):
            room = max(margin, self.reaches[i])
            lower, upper = foot.min(0) - room, foot.max(0) + room
            if (self.swept[i, 0, ::2] > upper).any() or (self.swept[i, 1, ::2] < lower).any():
                continue
            if self.swept[i, 0, 1] > high[1] + room or self.swept[i, 1, 1] < low[1] - room:
                continue
            if i == sitter:
                vertices, room = self.body(i), -TOUCH_M
            if any_inside(vertices, to_prop, solids, room, _NOBODY):
                return False
        return True

    def whole(self, person: int) -> Posed:
        """A person's whole body, posed once."""
        if person not in self._whole:
            self._whole[person] = self.closely(person)
        return self._whole[person]

    def body(self, person: int) -> NDArray[np.float32]:
        """(N, V, 3) the vertices of a person's whole body."""
        return fixed(self.whole(person).vertices, np.float32)

    def stand(self, x: float, z: float, yaw: float, solids: NDArray[np.float64]) -> None:
        """Note what stands on the floor from now on."""
        self.footprints.append(_footprint(x, z, yaw, solids))


def _footprint(x: float, z: float, yaw: float, solids: NDArray[np.float64]) -> Footprint:
    """The rectangle around boxes (K, 2, 3) at a place; it reaches as far to either side."""
    low, high = solids[:, 0].min(0), solids[:, 1].max(0)
    return x, z, yaw, float(max(high[0], -low[0])), float(max(high[2], -low[2]))


def corners(places: NDArray[np.float64], half_x: float, half_z: float) -> NDArray[np.float64]:
    """(..., 4, 2) x and z of a footprint's corners, in order around it, at places (..., 3): x, z and yaw."""
    c, s = np.cos(places[..., 2:]), np.sin(places[..., 2:])
    across, along = half_x * _ACROSS, half_z * _ALONG
    out = np.empty((*places.shape[:-1], 4, 2))
    out[..., 0] = places[..., :1] + c * across + s * along
    out[..., 1] = places[..., 1:2] - s * across + c * along
    return out


def _to_prop(x: float, z: float, yaw: float) -> NDArray[np.float64]:
    """(1, 3, 4) from the world to the frame of what stands at (x, z)."""
    turn = about(1, yaw).T
    return np.column_stack([turn, -turn @ (x, 0.0, z)])[None]


def _overlap(one: Footprint, other: Footprint) -> bool:
    """Whether two footprints overlap, by the separating axes of two rectangles."""
    dx, dz = other[0] - one[0], other[1] - one[1]
    c, s = abs(math.cos(one[2] - other[2])), abs(math.sin(one[2] - other[2]))
    for own, their in ((one, other), (other, one)):
        co, si = math.cos(own[2]), math.sin(own[2])
        if abs(co * dx - si * dz) >= own[3] + c * their[3] + s * their[4]:
            return False
        if abs(si * dx + co * dz) >= own[4] + s * their[3] + c * their[4]:
            return False
    return True
