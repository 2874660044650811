"""Where things are on a rest body: what the painter measures clothes and faces from.

Everything is derived from the surface and its skinning weights, so any SMPL-type body will do.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from posecorpus.core.skeletons import SMPL_24
from posecorpus.synth.appearance.kept import kept_with_body


class BodySurface(Protocol):
    """What painting needs of a body: its rest surface (T-pose, Y up, facing +Z), weights and UV."""

    @property
    def v_template(self) -> NDArray[np.floating]: ...  # (V, 3) metres
    @property
    def faces(self) -> NDArray[np.integer]: ...  # (F, 3)
    @property
    def weight_joints(self) -> NDArray[np.integer]: ...  # (V, K) joints that move each vertex
    @property
    def weights(self) -> NDArray[np.floating]: ...  # (V, K) their shares, rows sum to 1
    @property
    def gender(self) -> str: ...
    @property
    def uv(self) -> NDArray[np.floating]: ...  # (T, 2), origin at the bottom left
    @property
    def uv_faces(self) -> NDArray[np.integer]: ...  # (F, 3) into uv
    @property
    def finest(self) -> BodySurface | None: ...  # of which it is a coarser version, with some of its vertices


JOINT = {name: i for i, name in enumerate(SMPL_24.joints)}


@dataclass(frozen=True)
class Landmarks:
    """Places on the rest body, metres.

    Attributes:
        joints: (24, 3) estimated from where the weights of parent and child meet.
        eyes: (2, 3) centres of the left and the right eye.
        eyeball: (V,) int8: 1 left, 2 right eyeball vertex, 0 none; all zero if the body has none.
        mouth: (V,) bool, vertices of separate teeth and tongue.
        sole: height of the soles.
    """

    joints: NDArray[np.float64]
    eyes: NDArray[np.float64]
    eyeball: NDArray[np.int8]
    mouth: NDArray[np.bool_]
    sole: float

    def joint(self, name: str) -> NDArray[np.float64]:
        """(3,) position of a joint of SMPL-24."""
        return np.asarray(self.joints[JOINT[name]])

    @property
    def eye_distance(self) -> float:
        """Between the eyes, at least a centimetre so that absurd bodies can be measured too."""
        return max(float(abs(self.eyes[0, 0] - self.eyes[1, 0])), 0.01)

    @cached_property
    def unlike_a_person(self) -> str | None:
        """See :func:`unlike_a_person`."""
        return _unlike_a_person(self)


@kept_with_body
def landmarks(body: BodySurface) -> Landmarks:
    """Measure a body; the same measurements from then on. Coarser versions of a body have its landmarks."""
    if body.finest is not None:
        at, same = landmarks(body.finest), same_vertices(body)
        return Landmarks(at.joints, at.eyes, at.eyeball[same], at.mouth[same], at.sole)
    vertices = np.asarray(body.v_template, np.float64)
    weights = dense_weights(body)
    joints = _joints(vertices, weights)
    eyeball, mouth = _head_pieces(vertices, np.asarray(body.faces), weights)
    if eyeball.any():
        # The eye is seen at its front, not at the ball's centre.
        eyes = np.stack([vertices[eyeball == side].mean(0) for side in (1, 2)])
    else:
        eyes = _guess_eyes(vertices, weights)
    return Landmarks(joints, eyes, eyeball, mouth, float(vertices[:, 1].min()))


@kept_with_body
def same_vertices(body: BodySurface) -> NDArray[np.intp]:
    """(V,) which vertex of the body's finest version each one is."""
    whole = body if body.finest is None else body.finest
    same = cKDTree(whole.v_template).query(body.v_template)[1]
    return np.asarray(same)


def unlike_a_person(at: Landmarks) -> str | None:
    """Why a body cannot be dressed, or None: clothes are cut by where a standing person's parts are."""
    return at.unlike_a_person


def _unlike_a_person(at: Landmarks) -> str | None:
    height = float(at.joint("head")[1] - at.sole)
    if not 0.5 < height < 4:
        return f"its head is {height:.2g} m above its soles"
    column = ("head", "neck", "spine3", "spine1", "l_hip", "l_knee", "l_ankle")
    heights = [float(at.joint(name)[1]) for name in column]
    for upper, lower, over, under in zip(heights, heights[1:], column, column[1:], strict=False):
        if upper < lower + 0.01 * height:
            return f"{over} is not above {under}"
    arm = [float(at.joint("l_" + name)[0]) for name in ("shoulder", "elbow", "wrist")]
    if not 0 < arm[0] < arm[1] - 0.05 * height < arm[2] - 0.1 * height:
        return "its left arm does not point to +X"
    for left, right in (("l_wrist", "r_wrist"), ("l_ankle", "r_ankle")):
        if not at.joint(left)[0] > 0 > at.joint(right)[0]:
            return f"{left} and {right} are not on their sides"
    if at.eyes[:, 1].mean() < at.joint("neck")[1]:
        return "its eyes are not above its neck"
    return None


def dense_weights(body: BodySurface) -> NDArray[np.float64]:
    """(V, 24) skinning weights."""
    dense = np.zeros((len(body.weights), len(JOINT)))
    np.add.at(dense, (np.arange(len(dense))[:, None], body.weight_joints), body.weights)
    return dense


def _joints(vertices: NDArray[np.float64], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """A joint is where the surface is moved by it and by its parent alike."""
    joints = np.empty((24, 3))
    for j, parent in enumerate(SMPL_24.parents):
        shared = weights[:, j] * (weights[:, parent] if parent >= 0 else weights[:, j])
        if shared.sum() < 1e-9:  # a rigid body: the part's own middle
            shared = weights[:, j] + 1e-12
        joints[j] = shared @ vertices / shared.sum()
    return joints


def _head_pieces(
    vertices: NDArray[np.float64], faces: NDArray[np.integer], weights: NDArray[np.float64]
) -> tuple[NDArray[np.int8], NDArray[np.bool_]]:
    """Tell eyeballs (a mirrored pair) and teeth (in the middle) among the loose pieces of the head."""
    n = len(vertices)
    links = coo_matrix((np.ones(faces.size), (faces.ravel(), np.roll(faces, 1, axis=1).ravel())), (n, n))
    count, piece = connected_components(links, directed=False)
    eyeball, mouth = np.zeros(n, np.int8), np.zeros(n, bool)
    sizes = np.bincount(piece)
    for k in range(count):
        inside = piece == k
        if k == sizes.argmax() or sizes[k] < 12 or weights[inside, JOINT["head"]].mean() < 0.5:
            continue
        middle, extent = vertices[inside].mean(0), np.ptp(vertices[inside], axis=0)
        if abs(middle[0]) > extent[0] / 2:
            eyeball[inside] = 1 if middle[0] > 0 else 2
        else:
            mouth[inside] = True
    if not ((eyeball == 1).any() and (eyeball == 2).any()):
        eyeball[:] = 0
    return eyeball, mouth


def _guess_eyes(vertices: NDArray[np.float64], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Eyes of a head without eyeballs: half-way up, a twentieth of the height of a person apart."""
    head = vertices[weights[:, JOINT["head"]] > 0.5]
    if len(head) == 0:
        head = vertices
    low, high = head.min(0), head.max(0)
    # The head part begins below the chin at the back of the jaw; eyes sit at 52 % of it.
    y = low[1] + 0.52 * (high[1] - low[1])
    half = 0.2 * (high[0] - low[0])
    middle = (low[0] + high[0]) / 2
    z = low[2] + 0.85 * (high[2] - low[2])
    return np.array([[middle + half, y, z], [middle - half, y, z]])
