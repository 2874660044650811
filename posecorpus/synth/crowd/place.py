"""Putting people on the floor of a picture, one after another, with a bounded number of tries.

Each person comes with wishes: to be cut by a border or to be whole, to be hidden in part or not, to stand in a
group. Candidates are drawn to fit them and looked at in the picture as it is so far; the first that fits all of
them is taken, else the one that fits most. That nobody touches anybody is no wish: it always holds.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from posecorpus.core.cameras import Camera
from posecorpus.core.errors import InputError
from posecorpus.synth.config import CrowdConfig
from posecorpus.synth.crowd.arrangements import ARRANGEMENTS, Arrangement
from posecorpus.synth.crowd.figure import Figure, clash, surely_clash
from posecorpus.synth.crowd.meshes import Placement
from posecorpus.synth.crowd.stance import (
    BORDERS,
    NEAR_M,
    STANDS,
    UPRIGHT,
    Eye,
    beside,
    cut,
    in_sight,
    on_ground,
    overlapping,
)
from posecorpus.synth.crowd.view import Look, View
from posecorpus.synth.ground import Ground

F64 = NDArray[np.float64]

CANDIDATES = 16
"""In a batch."""
CLIP_CANDIDATES = 64
"""Many paths leave the ground."""
LOOKS = 16
"""How many of a batch are looked at."""
UNFIT = 2
"""Candidates of a batch that are looked at though they cannot fit, if none can."""
BATCHES = 4
ON_GROUND = 6
"""How much larger the last batch is: where little ground is in sight, feet fit on it in few places."""
PARTLY = 0.1
"""Share of a person that others hide, at least, if the person counts as partly hidden."""
MOST = 0.85
"""Share of a person that others may hide: 0.9 is the bound, the rest is for the coarse grid's error."""
CUT = (0.04, 0.75)
"""Share of the skin beyond the border of those who are cut."""
BORDER_WEIGHTS = (0.2, 0.2, 0.4, 0.2)
"""How often each of :data:`BORDERS` is tried first; few cameras can cut a head off."""
LEAST_SEEN = 0.15
"""Share of a person that must neither be hidden nor lie beyond a border."""


@dataclass(frozen=True)
class _Member:
    """Somebody to place.

    Attributes:
        who: index of the person.
        group: how they stand together with others.
        slot: the person's slot in it.
        leader: who has the first slot.
        cut: whether a border is to cut the person.
    """

    who: int
    group: Arrangement
    slot: int
    leader: int
    cut: bool


@dataclass(frozen=True)
class _Wish:
    """What candidates are drawn for.

    Attributes:
        border: that cuts the person; None to be whole.
        hides: (least, most) of how many more people are hidden in part once the person is there.
    """

    border: str | None
    hides: tuple[int, int]


class _Crowd:
    """The placing of one clip's people."""

    def __init__(
        self, figures: Sequence[Figure], ground: Ground, camera: Camera, config: CrowdConfig,
        rng: np.random.Generator,
    ) -> None:  # fmt: skip
        self._figures, self._ground, self._config, self._rng = figures, ground, config, rng
        self._eye, self._view = Eye(camera), View(camera, len(figures))
        self.placed: list[Placement | None] = [None] * len(figures)

    def fill(self) -> None:
        """Place everybody: first those who are cut, for they stand nearest."""
        count, rng = len(self._figures), self._rng
        hidden = min(_share(rng, self._config.hidden_share, count), count - 1)
        members = _members(rng, count, _share(rng, self._config.cut_share, count))
        for turn, member in enumerate(sorted(members, key=lambda member: not member.cut)):
            missing, left = hidden - self._hidden(self._view.covers), count - turn
            self._place(member, missing, left)

    def _place(self, member: _Member, missing: int, left: int) -> None:
        figure, best, least = self._figures[member.who], None, np.inf
        for rows, wish in self._candidates(member, missing, left):
            for place in islice(self._standing(figure, rows, wish), LOOKS):
                if self._surely_taken(figure, place):
                    continue
                look = self._view.look(member.who, figure.points, place)
                score = None if look is None else self._misfit(look, wish)
                if score is None or score >= least or not self._free(figure, place):
                    continue
                best, least = place, score
                if score == 0:
                    break
            if least == 0:
                break
        if best is not None:
            self._view.add(member.who, figure.points, best)
            self.placed[member.who] = best

    def _candidates(self, member: _Member, missing: int, left: int) -> Iterator[tuple[F64, _Wish]]:
        """Batches of rows of x, z and where the person looks, and what they are meant to fit."""
        rng, eye, reach = self._rng, self._eye, self._config.distance_m
        count = CANDIDATES if len(self._figures[member.who].path) == 1 else CLIP_CANDIDATES
        others = [(i, place) for i, place in enumerate(self.placed) if place is not None]
        more = int(bool(others) and rng.random() < missing / left)
        if member.cut:
            height = self._figures[member.who].stance.height
            for border in rng.choice(BORDERS, len(BORDERS), replace=False, p=BORDER_WEIGHTS):
                yield (
                    cut(rng, count, eye, str(border), height, reach),
                    _Wish(str(border), (0, max(missing, 0))),
                )
        elif member.leader != member.who and (at := self.placed[member.leader]) is not None:
            leader = self._figures[member.leader]
            rows = beside(
                rng, count, member.group, member.slot, leader.centre_at(at), at.yaw + leader.stance.heading
            )
            # However the group happens to be seen: the others can still make up for it.
            yield rows, _Wish(None, (max(0, missing - left + 1), max(missing, 0)))
        for batch in range(BATCHES):
            if more and batch < BATCHES // 2:
                i, place = others[int(rng.integers(len(others)))]
                rows = overlapping(rng, count, eye, self._figures[i].centre_at(place), reach)
            elif batch < BATCHES - 1:
                rows = in_sight(rng, count, eye, reach)
            else:
                rows = on_ground(rng, ON_GROUND * count, self._ground)
            yield rows, _Wish(None, (more, more))

    def _standing(self, figure: Figure, rows: F64, wish: _Wish) -> Iterator[Placement]:
        """Candidates at the distances that are asked for, and on the ground at all frames."""
        low, high = self._config.distance_m
        low = min(NEAR_M, low) if wish.border in ("top", "bottom") else low
        places, verdicts = self._eye.judge(self._ground, rows, (low, high), figure.stance)
        fits = verdicts >= (STANDS if wish.border else UPRIGHT)
        which = np.flatnonzero(fits)
        if not wish.border and not len(which):
            # A few of those who are cut all the same, should the place allow no other.
            which = np.flatnonzero(verdicts == STANDS)[:UNFIT]
        for x, z, yaw in places[which].tolist():
            place = Placement(x, z, yaw)
            if len(figure.path) == 1 or self._stays(figure.path_at(place)):
                yield place

    def _stays(self, path: F64) -> bool:
        """Whether somebody who walks a path (T, 2) stays on the ground and out of the camera."""
        return bool(self._eye.stands(self._ground, path).all() and self._eye.distance(path).min() >= NEAR_M)

    def _misfit(self, look: Look, wish: _Wish) -> float | None:
        """How many wishes a candidate leaves open; None if it cannot be."""
        if max(look.covers) > MOST or min(look.shows) < LEAST_SEEN:
            return None
        if wish.border is None:
            score = 0.0 if look.whole else 1.0 + sum(look.outside)
        else:
            score = float(not CUT[0] <= look.outside[BORDERS.index(wish.border)] <= CUT[1])
        more = self._hidden(look.covers) - self._hidden(self._view.covers)
        return score + max(wish.hides[0] - more, more - wish.hides[1], 0)

    def _free(self, figure: Figure, place: Placement) -> bool:
        """Whether nobody who is there would be too near."""
        return not any(clash(figure, place, *other) for other in self._there(figure))

    def _surely_taken(self, figure: Figure, place: Placement) -> bool:
        """Whether a few points tell already that the place is not free."""
        return any(surely_clash(figure, place, *other) for other in self._there(figure))

    def _there(self, figure: Figure) -> Iterator[tuple[Figure, Placement, float]]:
        """Those who have a place, and how far from them somebody must stay."""
        for them, place in zip(self._figures, self.placed, strict=True):
            if place is not None:
                yield them, place, max(self._config.clearance_m, figure.reach + them.reach)

    @staticmethod
    def _hidden(covers: Sequence[float]) -> int:
        return sum(cover >= PARTLY for cover in covers)


def place_people(
    bodies: Sequence[NDArray[np.float32]],
    faces: Sequence[NDArray[np.int32]],
    ground: Ground,
    camera: Camera,
    config: CrowdConfig,
    rng: np.random.Generator,
    headings: Sequence[float] | None = None,
    reaches: Sequence[float] | None = None,
) -> list[Placement | None]:
    """Give everybody of a clip a place, so that no two of them ever come nearer than a clearance.

    Who is hidden and who is cut is drawn for the clip's middle frame.

    Args:
        bodies: per person (T, V, 3), posed about their own origin at the clip's frames, feet on y = 0.
        faces: per person (F, 3); people of one body had better share the array.
        headings: where each person looks at the first frame, radians about Y from +Z; all 0 by default.
        reaches: how far from these meshes each person's clothes are at most, metres; all 0 by default. Two people
            stay at least both of theirs apart, and the configuration's clearance.

    Returns:
        per person a place for the origin, or None if there was no room.

    Raises:
        InputError: bodies of other shapes, or of different numbers of frames.
    """
    frames = {body.shape[0] for body in bodies if body.ndim == 3}
    if len(faces) != len(bodies) or any(b.ndim != 3 or b.shape[-1] != 3 for b in bodies) or len(frames) > 1:
        raise InputError(
            "bodies", "shapes (T, V, 3) with one T, and faces for each", [body.shape for body in bodies]
        )
    nothing = [0.0] * len(bodies)
    figures = [
        Figure(np.ascontiguousarray(body, np.float32), triangles, float(heading), float(reach))
        for body, triangles, heading, reach in zip(
            bodies, faces, headings or nothing, reaches or nothing, strict=True
        )
    ]
    crowd = _Crowd(figures, ground, camera, config, rng)
    if figures:
        crowd.fill()
    return crowd.placed


def _share(rng: np.random.Generator, share: float, count: int) -> int:
    """A whole number whose mean is that share of ``count``."""
    return min(int(share * count + rng.random()), count)


def _members(rng: np.random.Generator, count: int, cuts: int) -> list[_Member]:
    """Everybody in groups, leaders before their followers; leaders are the first to be cut."""
    weights = np.array([group.weight for group in ARRANGEMENTS])
    order, members = rng.permutation(count).tolist(), []
    while order:
        group = ARRANGEMENTS[int(rng.choice(len(ARRANGEMENTS), p=weights / weights.sum()))]
        leader = order[0]
        for slot in range(min(len(group.slots), len(order))):
            members.append(_Member(order.pop(0), group, slot, leader, False))
    chosen = {member.who for member in sorted(members, key=lambda member: member.slot > 0)[:cuts]}
    return [replace(member, cut=member.who in chosen) for member in members]
