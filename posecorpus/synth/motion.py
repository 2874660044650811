"""Motions at the two ends of retargeting: as captured, and on the body's 24 joints."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class SourceClip:
    """A captured clip on its own rig. World frame: metres, right-handed, Y up.

    Attributes:
        name: short and unique, e.g. ``01_01`` or ``walk/happy_003``.
        source: file (and member of a zip, as ``file.zip!member``) it was read from.
        subject: who was captured, as far as the source tells; else the name's stem.
        fps: frames a second of ``positions``.
        joints: names as the file spells them.
        parents: index of each joint's parent, -1 for the root.
        rest: (J, 3) float64 positions of the joints in the rig's zero pose, root at its own offset.
        positions: (T, J, 3) float32 joints in the world.
        rotations: (T, J, 3, 3) float32 rotation of each joint's segment from the zero pose to the
            world: ``positions[t, child] = positions[t, j] + rotations[t, j] @ (rest[child] - rest[j])``.
        dialect: which convention was detected, for messages and the clip index.
    """

    name: str
    source: str
    subject: str
    fps: float
    joints: tuple[str, ...]
    parents: tuple[int, ...]
    rest: NDArray[np.float64]
    positions: NDArray[np.float32]
    rotations: NDArray[np.float32]
    dialect: str


@dataclass(frozen=True)
class BodyMotion:
    """A clip on SMPL's 24 joints.

    Attributes:
        name, source, subject: as of the :class:`SourceClip`, or of the generator.
        fps: frames a second.
        poses: (T, 24, 3) float32 axis-angles in SMPL's convention; ``poses[:, 0]`` orients the body in
            the world (Y up; the T-pose faces +Z).
        translations: (T, 3) float32 world position, metres, of the PELVIS JOINT of the reference body
            (open, neutral, betas 0), whose floor is y = 0. A body of another shape scales it by its own
            leg length (see ``synth.retarget.place``).
    """

    name: str
    source: str
    subject: str
    fps: float
    poses: NDArray[np.float32]
    translations: NDArray[np.float32]
