"""Light on people that is the light of the place they are in, and the shadow they throw there."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from posecorpus.synth.appearance.lighting import LightRanges, sample_light
from posecorpus.synth.appearance.photos import photo_window
from posecorpus.synth.appearance.room_plan import RoomPlan
from posecorpus.synth.appearance.rooms import plan_around
from posecorpus.synth.places.harmonics import PlaceLight
from posecorpus.synth.places.photo_light import THUMBNAIL, photo_light
from posecorpus.synth.places.room_light import room_light
from posecorpus.synth.places.site import Site
from posecorpus.synth.scene import Shadow

JITTER = 0.06
"""Standard deviation, as a share, that the brightness of people differs from the place's."""

CONTACT = 0.9
"""Share of light that is lost right under a foot."""


def light_site(
    site: Site,
    people: NDArray[np.floating],
    rng: np.random.Generator,
    ranges: LightRanges,
    plan: RoomPlan | None = None,
) -> tuple[NDArray[np.float32], Shadow | None]:
    """Light on the people of a site and the shadow they throw.

    Args:
        site: where they are.
        people: (P, 3) world positions, the same that ``paint_site`` gets: rooms are built around them.
        rng: of small deviations, of what a photo does not tell, and of the light if it does not match the place.
        ranges: of light that does not match the place.
        plan: of the room, from a caller who has it.

    Returns:
        (9, 3) float32 coefficients in the camera frame, and the shadow; None if the site has none.

    Raises:
        InputError: the photo cannot be read.
    """
    place = _place_light(site, people, rng, plan)
    if site.match_light:
        light = place.harmonics(site.camera.R) * max(1 + JITTER * float(rng.normal()), 0.5)
        light *= 1 + 0.3 * JITTER * rng.normal(size=3)
    else:
        light = sample_light(rng, ranges).astype(np.float64)
    return light.astype(np.float32), _shadow(site, place)


def _place_light(
    site: Site, people: NDArray[np.floating], rng: np.random.Generator, plan: RoomPlan | None
) -> PlaceLight:
    background, camera = site.background, site.camera
    if background.photo is None:
        plan = plan or plan_around(camera, np.random.default_rng(background.seed), people)
        return room_light(plan, camera.centre * (1, 0, 1), people)
    if background.window is None:
        raise ValueError("the photo of a site has a window")
    side = max(camera.width, camera.height)
    small = photo_window(background.photo, background.window, THUMBNAIL, THUMBNAIL, decoded_for=side)
    return photo_light(small, camera, rng)


def _shadow(site: Site, place: PlaceLight) -> Shadow | None:
    if site.shadow <= 0:
        return None
    x, y, z = (float(v) for v in place.shadow_towards)
    return Shadow((x, y, z), place.softness, min(site.shadow * place.hardness, 1.0), CONTACT)
