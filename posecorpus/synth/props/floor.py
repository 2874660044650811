"""Props that stand on the floor: in front of people, and around them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from posecorpus.synth.appearance.draws import Draws
from posecorpus.synth.props.catalogue import STANDING, design_of, draw_size
from posecorpus.synth.props.company import Company, corners
from posecorpus.synth.props.shape import Size
from posecorpus.synth.props.solidity import hidden, may_stand
from posecorpus.synth.scene import Prop

HIDES = (0.1, 0.7)
"""Share of a person in the picture that what stands in front hides."""
CLEAR_M = 0.1
"""Room between people and what stands near them; clothes are wider than skin."""
NEAREST_M = 0.9
"""Nothing stands nearer to the camera."""
MOST_OF_PICTURE = 0.25
"""Share of the picture that a thing fills at most: of the upright rectangle around it."""
TRIES, PLACES = 6, 12
SEEDS = 1 << 32
MESH_SHARE = 0.5
"""Of what stands on the floor, how much is of the user's meshes if there are any."""
_EDGE = 0.25


def in_front(company: Company, draws: Draws, meshes: Sequence[str]) -> Prop | None:
    """Something between the camera and a person, which hides a part of somebody; None if nothing fits."""
    shown = np.flatnonzero(company.visible.mean(1) > _EDGE)
    if not len(shown):
        return None
    eye = company.eye
    for _ in range(TRIES):
        kind, seed, size = _something(draws, meshes)
        person = int(shown[draws.below(len(shown))])
        target = company.seen[person][:, [0, 2]]
        middle, width = target.mean(0), float(np.ptp(target, 0).max())
        away = middle - eye[[0, 2]]
        distance = float(np.hypot(*away))
        if distance < NEAREST_M + 0.5:
            continue
        ahead = away / distance
        across = np.array([-ahead[1], ahead[0]])
        places = np.empty((PLACES, 3))
        for c in range(PLACES):
            near = draws.uniform(NEAREST_M / distance, 1.0)
            aside = draws.uniform(-1, 1) * (0.5 * width * near + 0.5 * max(size[0], size[2]))
            places[c, :2] = eye[[0, 2]] + near * away + aside * across
            places[c, 2] = _yaw(draws, ahead)
        place = _first_that_hides(company, kind, seed, size, places, must=True)
        if place is not None:
            return _put(company, kind, seed, size, place)
    return None


def beside(company: Company, draws: Draws, meshes: Sequence[str], rng: np.random.Generator) -> Prop | None:
    """Something elsewhere on the floor that the camera sees; None if nothing fits."""
    eye = company.eye
    for _ in range(TRIES):
        kind, seed, size = _something(draws, meshes)
        spots = company.ground.sample(rng, PLACES)
        at = _at_height(spots, size[1] / 2)
        pixels, depth = company.camera.project(at)
        with np.errstate(invalid="ignore"):
            seen = ((pixels > 0) & (pixels < (company.camera.width, company.camera.height))).all(-1)
        spots = spots[seen & (depth > NEAREST_M)]
        if not len(spots):
            continue
        yaws = [
            _yaw(draws, (p - eye[[0, 2]]) / max(float(np.hypot(*(p - eye[[0, 2]]))), 1e-6)) for p in spots
        ]
        place = _first_that_hides(company, kind, seed, size, np.c_[spots, yaws], must=False)
        if place is not None:
            return _put(company, kind, seed, size, place)
    return None


def _something(draws: Draws, meshes: Sequence[str]) -> tuple[str, int, Size]:
    """A kind, a seed and a size."""
    own = bool(meshes) and draws.random() < MESH_SHARE
    kind = meshes[draws.below(len(meshes))] if own else STANDING[draws.below(len(STANDING))]
    seed = draws.below(SEEDS)
    return kind, seed, design_of(kind, seed).size if own else draw_size(kind, seed, draws)


def _yaw(draws: Draws, ahead: NDArray[np.float64]) -> float:
    """Mostly at right angles to the line of sight, front or back to the camera, sometimes any way."""
    if draws.random() < 0.3:
        return draws.uniform(-np.pi, np.pi)
    towards = float(np.arctan2(-ahead[0], -ahead[1]))
    return towards + draws.below(4) * np.pi / 2 + draws.normal(0, 0.25)


def _first_that_hides(
    company: Company, kind: str, seed: int, size: Size, places: NDArray[np.float64], must: bool
) -> NDArray[np.float64] | None:
    """The first place (3,) where there is room, and where no more of anybody is hidden than may be.

    Args:
        must: somebody must be hidden as much as :data:`HIDES` says.
    """
    eye, design = company.eye, design_of(kind, seed)
    solids, opaque = design.solids_at(size), design.opaque_at(size)
    places = places[_may_stand(company, size, places)]
    if not len(places):
        return None
    people, count = company.visible.shape
    cut = hidden(company.seen.reshape(-1, 3), eye, places, opaque).reshape(len(places), people, count)
    shown, before = company.visible, company.hidden
    total = np.maximum(shown.sum(1), 1)
    good = (((cut | before) & shown).sum(-1) <= HIDES[1] * total).all(-1)  # of (C, P)
    if must:
        more = (cut & (shown & ~before)).sum(-1) >= HIDES[0] * total
        good &= more[:, total > _EDGE * count].any(-1)
    for place, hides in zip(places[good], cut[good], strict=True):
        x, z, yaw = place
        furnished = company.furnished
        if len(furnished.boxes) and furnished.covers(_outline(place, size), eye):
            continue
        if company.room_for(x, z, yaw, solids, CLEAR_M):
            company.hidden = before | hides
            return np.asarray(place)
    return None


def _may_stand(company: Company, size: Size, places: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Whether it stands on the ground, or where the floor under it is below the picture's lower border, between
    the walls, and leaves most of the picture to people."""
    foot = corners(places, size[0] / 2, size[2] / 2)
    view = company.camera
    P = view.K @ np.column_stack([view.R, view.t])
    ground = np.ascontiguousarray(company.ground.corners, np.float64)
    picture = np.array([view.width, view.height], np.float64)
    stands = may_stand(foot, size[1], ground, P, picture, company.eye, 0.5 * NEAREST_M, MOST_OF_PICTURE)
    return np.asarray(stands & company.furnished.has(foot).all(-1))


def _outline(place: NDArray[np.float64], size: Size) -> NDArray[np.float64]:
    """(18, 3) corners of the box around a thing, and the middles between them."""
    foot = corners(place, size[0] / 2, size[2] / 2)
    around = np.concatenate([foot, (foot + np.roll(foot, 1, 0)) / 2, place[None, :2]])
    return np.concatenate([_at_height(around, share * size[1]) for share in (0.02, 1.0)])


def _at_height(places: NDArray[np.float64], y: float) -> NDArray[np.float64]:
    """(..., 3) points over places (..., 2) of the floor."""
    out = np.empty((*places.shape[:-1], 3))
    out[..., ::2], out[..., 1] = places, y
    return out


def _put(company: Company, kind: str, seed: int, size: Size, place: NDArray[np.float64]) -> Prop:
    x, z, yaw = (float(v) for v in place)
    company.stand(x, z, yaw, design_of(kind, seed).solids_at(size))
    return Prop(kind, seed, size, (x, 0.0, z), (0.0, yaw, 0.0))
