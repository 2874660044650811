"""What the user brought comes to a worker as it was, bit by bit."""

from __future__ import annotations

import dataclasses

import numpy as np

from posecorpus.synth.places import CalibratedPlate, PhotoPlate
from posecorpus.synth.places.calibrated import STUDIO, load_cameras
from posecorpus.synth.sampling import Materials


def test_json_loses_no_bit() -> None:
    rng = np.random.default_rng(0)
    photo = PhotoPlate("a.zip!b.jpg", 640, 480, *(float(v) for v in rng.normal(size=6)), None)
    cameras = load_cameras(STUDIO)
    odd = dataclasses.replace(cameras[0], corners=rng.normal(size=(5, 2)), photo="x.jpg", photo_scale=1 / 3)
    materials = Materials(("p.jpg", "ü.png"), (photo, odd, *cameras), ("t.png",), ("m.obj",))
    back = Materials.from_json(materials.to_json())
    assert (back.photos, back.textures, back.meshes) == (
        materials.photos,
        materials.textures,
        materials.meshes,
    )
    assert back.plates[0] == photo
    for ours, theirs in zip(materials.plates[1:], back.plates[1:], strict=True):
        assert isinstance(ours, CalibratedPlate) and isinstance(theirs, CalibratedPlate)
        assert (ours.name, ours.photo, ours.photo_scale) == (theirs.name, theirs.photo, theirs.photo_scale)
        np.testing.assert_array_equal(ours.corners, theirs.corners)
        for name in ("K", "R", "t"):
            np.testing.assert_array_equal(getattr(ours.camera, name), getattr(theirs.camera, name))
            assert getattr(theirs.camera, name).dtype == np.float64


def test_nothing_is_nothing() -> None:
    assert Materials.from_json(Materials().to_json()) == Materials()
