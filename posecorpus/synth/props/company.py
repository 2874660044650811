"""The people of a clip as props see them: where there is room, and what of them the camera sees."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from posecorpus.core.cameras import Camera
from posecorpus.synth.bodies.skinning import Posed
from posecorpus.synth.ground import Ground
from posecorpus.synth.props.solidity import any_inside, bounds, spread_out
from posecorpus.synth.raster.engine import fixed
from posecorpus.synth.rotations import about

Footprint = tuple[float, float, float, float, float]
"""x, z, yaw, half width and half depth."""
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

    Attributes:
        people: posed, N frames each.
        swept: (P, 2, 3) what each person's vertices stay within over all frames.
        seen: (P, S, 3) some of each person's vertices at the middle frame.
        visible: (P, S) whether they are within the picture, people and props left aside.
        hidden: (P, S) whether props hide them so far.
        footprints: x, z, yaw, half width and half depth of what stands on the floor.
    """

    people: Sequence[Posed]
    camera: Camera
    ground: Ground
    swept: NDArray[np.float64] = field(init=False)
    seen: NDArray[np.float64] = field(init=False)
    visible: NDArray[np.bool_] = field(init=False)
    hidden: NDArray[np.bool_] = field(init=False)
    footprints: list[Footprint] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.vertices = [fixed(p.vertices, np.float32) for p in self.people]
        boxes = [bounds(v) for v in self.vertices]
        self.swept = np.array([np.stack([b[:, 0].min(0), b[:, 1].max(0)]) for b in boxes], float).reshape(
            -1, 2, 3
        )
        seen = [_some(v[len(v) // 2], b[len(v) // 2]) for v, b in zip(self.vertices, boxes, strict=True)]
        self.seen = np.array(seen, float).reshape(-1, SEEN_POINTS, 3)
        pixels, depth = self.camera.project(self.seen)
        with np.errstate(invalid="ignore"):
            inside = ((pixels >= 0) & (pixels <= (self.camera.width, self.camera.height))).all(-1)
        self.visible = inside & (depth > 0)
        self.hidden = np.zeros_like(self.visible)

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
            margin: metres that must stay free around every box.
            sitter: a person who may press :data:`TOUCH_M` into them.
        """
        low, high = solids[:, 0].min(0), solids[:, 1].max(0)
        half_x, half_z = max(high[0], -low[0]), max(high[2], -low[2])
        print_ = (x, z, yaw, float(half_x), float(half_z))
        if any(_overlap(print_, other) for other in self.footprints):
            return False
        c, s = abs(np.cos(yaw)), abs(np.sin(yaw))
        reach = np.array([c * half_x + s * half_z, 0, s * half_x + c * half_z]) + margin
        lower, upper = np.array([x, low[1], z]) - reach, np.array([x, high[1], z]) + reach
        to_prop = _to_prop(x, z, yaw)
        for i, vertices in enumerate(self.vertices):
            if (self.swept[i, 0] > upper).any() or (self.swept[i, 1] < lower).any():
                continue
            if any_inside(vertices, to_prop, solids, -TOUCH_M if i == sitter else margin, _NOBODY):
                return False
        return True

    def stand(self, x: float, z: float, yaw: float, solids: NDArray[np.float64]) -> None:
        """Note what stands on the floor from now on."""
        low, high = solids[:, 0].min(0), solids[:, 1].max(0)
        half_x, half_z = max(high[0], -low[0]), max(high[2], -low[2])
        self.footprints.append((x, z, yaw, float(half_x), float(half_z)))


def corners(places: NDArray[np.float64], half_x: float, half_z: float) -> NDArray[np.float64]:
    """(..., 4, 2) x and z of a footprint's corners, in order around it, at places (..., 3): x, z and yaw."""
    c, s = np.cos(places[..., 2:]), np.sin(places[..., 2:])
    across, along = half_x * _ACROSS, half_z * _ALONG
    out = np.empty((*places.shape[:-1], 4, 2))
    out[..., 0] = places[..., :1] + c * across + s * along
    out[..., 1] = places[..., 1:2] - s * across + c * along
    return out


def _some(vertices: NDArray[np.float32], box: NDArray[np.float32]) -> NDArray[np.float32]:
    """(S, 3) points spread evenly over a body (V, 3) of those bounds."""
    index = np.empty(len(vertices), np.int64)
    count = spread_out(vertices, box, CELL_M, index)
    return np.asarray(vertices[index[np.linspace(0, count - 1, SEEN_POINTS).astype(np.intp)]])


def _to_prop(x: float, z: float, yaw: float) -> NDArray[np.float64]:
    """(1, 3, 4) from the world to the frame of what stands at (x, z)."""
    turn = about(1, yaw).T
    return np.column_stack([turn, -turn @ (x, 0.0, z)])[None]


def _overlap(one: Footprint, other: Footprint) -> bool:
    """Whether two footprints overlap, by the separating axes of two rectangles."""
    reach = np.hypot(*one[3:]) + np.hypot(*other[3:])
    if np.hypot(one[0] - other[0], one[1] - other[1]) > reach:
        return False
    a, b = (corners(np.array(f[:3]), *f[3:]) for f in (one, other))
    axes = np.array(
        [v for f in (one, other) for v in ((np.cos(f[2]), -np.sin(f[2])), (np.sin(f[2]), np.cos(f[2])))]
    )
    p, q = a @ axes.T, b @ axes.T
    return not bool(((p.max(0) <= q.min(0)) | (q.max(0) <= p.min(0))).any())
