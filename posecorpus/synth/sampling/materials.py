"""What the user brought to draw from, found once and handed to every shard."""

from __future__ import annotations

from dataclasses import dataclass

from posecorpus.synth.places import Plate


@dataclass(frozen=True)
class Materials:
    """Plain data, small enough to be sent to every worker; pictures and meshes are read where they are used.

    Attributes:
        photos: backgrounds of any kind, as ``find_photos`` gives them; procedural rooms if empty.
        plates: photos of which the ground is known, or calibrated cameras.
        textures: pictures in the body's UV layout, instead of drawn looks.
        meshes: mesh files that things are drawn from, beside the built-in shapes.
    """

    photos: tuple[str, ...] = ()
    plates: tuple[Plate, ...] = ()
    textures: tuple[str, ...] = ()
    meshes: tuple[str, ...] = ()
