"""The pose library on disk: MoCap poses and the virtual views they are matched from.

    library/
      library.json     settings, seed, inputs, what each source adds, format version
      poses.npy        (P, 42, 3) float32
      azimuth_deg.npy  (P, V) float32       elevation_deg.npy  (P, V) float32
      clip.npy         (P,) int32           frame.npy          (P,) int32
      mirrored.npy     (P,) bool
      trust.npz        what predicted errors are made from (posecorpus.pseudogt.lift.trust)
      index-*/         search structures by skeleton, made when first needed

All arrays are memory-mapped, so workers share them.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from posecorpus.core.skeletons import FULL_42, Skeleton, correspondence


@dataclass(frozen=True)
class ClipEntry:
    """A clip that poses come from.

    Attributes:
        name, source, subject: as its file tells.
        collection: the folder or zip it lies in, for statistics by MoCap source.
    """

    name: str
    source: str
    subject: str
    collection: str


@dataclass(frozen=True, eq=False)
class PoseLibrary:
    """P distinct poses, each seen from V directions. View ``i`` is view ``i % V`` of pose ``i // V``.

    Attributes:
        folder: where it lies, or None for one in memory.
        poses: (P, 42, 3) float32 metres, skeleton ``full_42``, Y up, relative to the mean of shoulders and
            hips (SMPL's); turned about Y as captured.
        azimuth_deg, elevation_deg: (P, V) float32 direction of each view (see :func:`view_rotations`).
        clip: (P,) int32 index into ``clips``; frame: (P,) int32 number at the stored rate.
        mirrored: (P,) bool left and right were exchanged.
        clips: where poses come from.
    """

    folder: Path | None
    poses: NDArray[np.float32]
    azimuth_deg: NDArray[np.float32]
    elevation_deg: NDArray[np.float32]
    clip: NDArray[np.int32]
    frame: NDArray[np.int32]
    mirrored: NDArray[np.bool_]
    clips: tuple[ClipEntry, ...]

    @property
    def views(self) -> int:
        """V, the number of views of each pose."""
        return int(self.azimuth_deg.shape[1])

    def __len__(self) -> int:
        """P V, the number of views in all."""
        return int(self.azimuth_deg.size)

    @cached_property
    def subject_of_pose(self) -> NDArray[np.int32]:
        """(P,) int32 number of the subject; subjects are numbered in the order of their names."""
        names = sorted({clip.subject for clip in self.clips})
        of_clip = np.array([names.index(clip.subject) for clip in self.clips], np.int32)
        return of_clip[self.clip]

    def joints3d(self, views: NDArray[np.integer], target: Skeleton) -> NDArray[np.float64]:
        """(..., J, 3) float64 metres in the frame of each view's orthographic camera (x right, y down, z
        forward), relative to the torso's mean; joints of ``target`` that the library lacks are NaN."""
        pose, view = views // self.views, views % self.views
        picked = correspondence(FULL_42, target)
        points = self.poses[pose].astype(np.float64)[..., picked, :]
        points[..., picked < 0, :] = np.nan
        turn = view_rotations(self.azimuth_deg[pose, view], self.elevation_deg[pose, view])
        return np.asarray(np.einsum("...ab,...jb->...ja", turn, points))


def view_rotations(
    azimuth_deg: NDArray[np.floating], elevation_deg: NDArray[np.floating]
) -> NDArray[np.float64]:
    """(..., 3, 3) world-to-camera rotations, det +1, of upright cameras that look at the origin.

    Azimuth 0, elevation 0 is a camera on the +Z axis, so it sees a body that faces +Z from the front; the
    camera moves towards +X with growing azimuth and above the person with growing elevation.
    """
    a, e = np.radians(np.asarray(azimuth_deg, float)), np.radians(np.asarray(elevation_deg, float))
    sa, ca, se, ce = np.sin(a), np.cos(a), np.sin(e), np.cos(e)
    zero = np.zeros_like(sa)
    right = np.stack([ca, zero, -sa], -1)
    forward = np.stack([-sa * ce, -se, -ca * ce], -1)
    down = np.cross(forward, right)
    return np.stack([right, down, forward], -2)
