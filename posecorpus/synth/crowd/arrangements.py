"""How people stand together, as plain data.

Distances and angles are those of proxemics: talk at 0.6 to 1.5 m, circles whose members face their middle
(Hall, The Hidden Dimension, 1966; Kendon, Conducting Interaction, 1990, on F-formations).
"""

from __future__ import annotations

from dataclasses import dataclass

from posecorpus.synth.config import Range


@dataclass(frozen=True)
class Slot:
    """A member's place in a group that as a whole looks along +Z.

    Attributes:
        x, z: in spacings of the group.
        turn_deg: where the member looks, about Y: 0 along +Z, 90 along +X.
    """

    x: float
    z: float
    turn_deg: float


@dataclass(frozen=True)
class Arrangement:
    """A way to stand.

    Attributes:
        weight: how often it is drawn, relative to the others.
        slots: where the members stand, in the order they come.
        spacing_m: metres of one unit of the slots.
        spread_deg: standard deviation of where a member looks.
    """

    name: str
    weight: float
    slots: tuple[Slot, ...]
    spacing_m: Range
    spread_deg: float


ARRANGEMENTS = (
    Arrangement("alone", 5.0, (Slot(0, 0, 0),), (1.0, 1.0), 0.0),
    Arrangement("facing", 2.0, (Slot(0, 0, 0), Slot(0, 1, 180)), (0.6, 1.5), 15.0),
    Arrangement("abreast", 1.5, (Slot(0, 0, 0), Slot(1, 0, 0)), (0.6, 1.0), 15.0),
    Arrangement("queue", 1.0, (Slot(0, 0, 0), Slot(0, -1, 0), Slot(0, -2, 0)), (0.6, 1.2), 20.0),
    Arrangement(
        "circle",
        1.0,
        (Slot(0, -0.58, 0), Slot(0.5, 0.29, -120), Slot(-0.5, 0.29, 120)),
        (0.9, 1.6),
        20.0,
    ),
)
