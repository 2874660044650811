"""What the user brought to draw from, found once and handed to every shard."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from posecorpus.core.cameras import Camera
from posecorpus.synth.places import CalibratedPlate, PhotoPlate, Plate


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

    def to_json(self) -> bytes:
        """All of it, bit by bit, for :meth:`from_json`."""
        return json.dumps(asdict(self), default=np.ndarray.tolist).encode()

    @staticmethod
    def from_json(data: bytes) -> Materials:
        """The counterpart of :meth:`to_json`."""
        held = json.loads(data)
        plates = tuple(_plate(plate) for plate in held.pop("plates"))
        return Materials(plates=plates, **{name: tuple(paths) for name, paths in held.items()})


def _plate(held: dict[str, Any]) -> Plate:
    if "camera" not in held:
        return PhotoPlate(**held)
    K, R, move = (np.array(held["camera"][name], np.float64) for name in ("K", "R", "t"))
    return CalibratedPlate(
        name=held["name"],
        camera=Camera(K, R, move, held["camera"]["width"], held["camera"]["height"]),
        corners=np.array(held["corners"], np.float64),
        photo=held["photo"],
        photo_scale=held["photo_scale"],
    )
