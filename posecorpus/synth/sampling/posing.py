"""People of a clip as those who place them and things among them see them: coarse bodies at its frames."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from posecorpus.synth.actors import look_of
from posecorpus.synth.appearance.look import Look
from posecorpus.synth.bodies.model import load_body
from posecorpus.synth.bodies.skinning import Posed, pose_body
from posecorpus.synth.crowd import Placement
from posecorpus.synth.props.solidity import moved as moved_points
from posecorpus.synth.rotations import about
from posecorpus.synth.sampling.people import Role

PLACING_LEVEL = 1
"""Level of detail of bodies that are to be placed: a quarter of their faces."""
HOVER_M = 0.3
"""Nobody stays higher above the floor than this: jumps are hardly higher, and what climbers were on is not there."""
COARSE_M = 0.015
"""How far the skin of a body is from that of its placing level, at most."""
CLOTHES_M, LONG_HAIR_M, SKIRT_M = 0.065, 0.085, 0.2
"""How far what people wear is from their skin, at most, whatever they do. Of a skirt some hundredth is farther: where it
spans from one leg to the other."""


def pose_coarsely(role: Role) -> Posed:
    """A person at the clip's frames; the one after the last is for flow alone."""
    return _pose(role, PLACING_LEVEL)


def pose_finely(role: Role) -> Posed:
    """The same with every vertex: palms and seats are to be found on it."""
    return _pose(role, 0)


def _pose(role: Role, level: int) -> Posed:
    frames = len(role.poses) - 1
    betas = np.broadcast_to(role.betas, (frames, len(role.betas)))
    body = load_body(role.body, role.gender, level)
    return pose_body(body, betas, role.poses[:-1], role.translations[:-1])


def landed(role: Role, posed: Posed) -> tuple[Role, Posed]:
    """A person and their bodies, let down to the floor if these are above :data:`HOVER_M` at all frames."""
    height = float(posed.vertices[..., 1].min())
    if height <= HOVER_M:
        return role, posed
    down = np.array([0, -height, 0], np.float32)
    transforms = posed.transforms.copy()
    transforms[..., 3] += down
    lower = Posed(posed.vertices + down, posed.landmarks + down, transforms)
    return replace(role, translations=role.translations + down), lower


def carried(posed: Posed, to: Placement) -> Posed:
    """The bodies turned about the vertical and moved over the floor."""
    turn, by = about(1, to.yaw), np.array([to.x, 0.0, to.z])
    transforms = turn @ posed.transforms
    transforms[..., 3] += by
    vertices, landmarks = (
        moved_points(points.reshape(-1, 3), turn, by).reshape(points.shape)
        for points in (posed.vertices, posed.landmarks)
    )
    return Posed(vertices, landmarks, transforms.astype(np.float32))


def reach_of(role: Role, clothing: str) -> float:
    """How far, at most, a person's clothes and skin are from the body of :func:`pose_coarsely`, metres."""
    if clothing == "painted" or role.texture is not None:
        return COARSE_M
    return COARSE_M + reach_of_look(look_of(role.body, role.gender, role.texture_seed))


def reach_of_look(look: Look) -> float:
    """How far what somebody wears is from the skin, at most, metres."""
    if look.skirted:
        return SKIRT_M
    return LONG_HAIR_M if look.long_haired else CLOTHES_M
