"""Drawing the props of a clip."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from posecorpus.core.cameras import Camera
from posecorpus.synth.appearance.draws import Draws
from posecorpus.synth.bodies.skinning import Posed
from posecorpus.synth.config import PropsConfig
from posecorpus.synth.ground import Ground
from posecorpus.synth.props.company import Company
from posecorpus.synth.props.floor import beside, in_front
from posecorpus.synth.props.furnished import NOTHING, Furnished
from posecorpus.synth.props.held import hold
from posecorpus.synth.props.seats import seat
from posecorpus.synth.scene import Prop

_SEEDS = 1 << 62


def draw_props(
    config: PropsConfig,
    rng: np.random.Generator,
    camera: Camera,
    ground: Ground,
    people: Sequence[Posed],
    meshes: Sequence[str] = (),
    *,
    closely: Callable[[int], Posed] | None = None,
    reaches: Sequence[float] | None = None,
    furnished: Furnished = NOTHING,
) -> tuple[Prop, ...]:
    """The things among the people of a clip. None of them is in anybody at any frame.

    Each role has its own generator: changing how many there are of one leaves the others' draws as they were.

    Args:
        config: how many, in which roles.
        ground: where things may stand.
        people: in the world, in the order of the scene, all with the same number of frames.
        meshes: paths of the user's meshes (:func:`find_meshes`).
        closely: gives the whole body of one of the people, if ``people`` are coarser ones.
        reaches: how far each person's clothes are from the bodies at most, metres; all 0 by default.
        furnished: what is painted behind the people.

    Returns:
        seats first, then what is held, what hides people and what stands around; fewer than drawn where there
        is no room.

    Raises:
        InputError: a mesh file that cannot be read.
    """
    seats, held, front, around = (np.random.default_rng(int(s)) for s in rng.integers(_SEEDS, size=4))
    counts = [
        int(r.integers(low, high + 1))
        for r, (low, high) in ((front, config.in_front), (around, config.beside))
    ]
    if not any(counts) and not (people and (config.held_probability or config.seat_probability)):
        return ()
    company = Company(
        people, camera, ground, closely or people.__getitem__, reaches or [0.0] * len(people), furnished
    )
    props: list[Prop | None] = []
    for i in range(len(people)):
        wanted, seed = seats.random() < config.seat_probability, int(seats.integers(_SEEDS))
        props.append(seat(company, i, seed) if wanted else None)
    for i in range(len(people)):
        if held.random() < config.held_probability:
            props.append(hold(company, i, Draws(np.random.default_rng([int(held.integers(_SEEDS)), i]))))
    front_draws, around_draws = Draws(front), Draws(np.random.default_rng(int(around.integers(_SEEDS))))
    props += [in_front(company, front_draws, meshes) for _ in range(counts[0])]
    props += [beside(company, around_draws, meshes, around) for _ in range(counts[1])]
    return tuple(prop for prop in props if prop is not None)
