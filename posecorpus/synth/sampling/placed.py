"""Several people on the floor of a place, among things, before the place's own camera and in its light."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from posecorpus.core.seeds import generator
from posecorpus.synth.appearance.rooms import plan_around
from posecorpus.synth.bodies.model import load_body
from posecorpus.synth.config import SynthConfig
from posecorpus.synth.crowd import Placement, heading_of, place_people
from posecorpus.synth.ground import Ground
from posecorpus.synth.places import draw_site, light_site
from posecorpus.synth.props import NOTHING, draw_props, furnished
from posecorpus.synth.sampling.exposed import expose
from posecorpus.synth.sampling.materials import Materials
from posecorpus.synth.sampling.people import Role, as_seen, moved, pelvises_of
from posecorpus.synth.sampling.posing import (
    PLACING_LEVEL,
    carried,
    landed,
    pose_coarsely,
    pose_finely,
    reach_of,
)
from posecorpus.synth.scene import Scene


def scenes_in_place(
    config: SynthConfig, seed: int, index: int, roles: Sequence[Role], materials: Materials
) -> list[Scene]:
    """The scenes of the ``index``-th clip, one per frame; people who find no room are left out.

    Args:
        roles: who is to be there, each about the world's origin.
    """
    site = draw_site(config.place, config.image, generator(seed, "place", index), materials.plates)
    camera = site.camera
    grounded = [landed(role, pose_coarsely(role)) for role in roles]
    roles, about_origin = [role for role, _ in grounded], [body for _, body in grounded]
    reaches = [reach_of(role, config.people.clothing) for role in roles]
    placements = place_people(
        [body.vertices for body in about_origin],
        [load_body(role.body, role.gender, PLACING_LEVEL).faces for role in roles],
        site.ground,
        camera,
        config.crowd,
        generator(seed, "crowd", index),
        [heading_of(body.transforms) for body in about_origin],
        reaches,
    )
    if all(place is None for place in placements):  # nobody would make a poor picture
        placements[0] = _in_the_middle(site.ground)
    there = [(i, place) for i, place in enumerate(placements) if place is not None]
    present = [
        as_seen(moved(roles[i], place.yaw, place.x, place.z), camera, config.people.detail)
        for i, place in there
    ]
    pelvises = [pelvises_of(role) for role in present]
    around = np.concatenate(pelvises)
    plan = None
    if site.background.photo is None:
        plan = plan_around(camera, np.random.default_rng(site.background.seed), around)
    props = draw_props(
        config.props,
        generator(seed, "props", index),
        camera,
        site.ground,
        [carried(about_origin[i], place) for i, place in there],
        materials.meshes,
        closely=lambda person: pose_finely(present[person]),
        reaches=[reaches[i] for i, _ in there],
        furnished=NOTHING if plan is None else furnished(plan, camera.centre),
    )
    light, shadow = light_site(site, around, generator(seed, "light", index), config.light, plan)
    depths = camera.to_camera(np.stack([pelvis[0] for pelvis in pelvises]))[:, 2]
    exposure = expose(config, seed, index, camera, float(depths.max()))
    return [
        Scene(
            camera=camera,
            people=tuple(role.at(t, config.people.clothing) for role in present),
            light=light,
            background=replace(site.background, place=config.place.kind),
            props=props,
            shadow=shadow,
            exposure=exposure,
        )
        for t in range(len(present[0].poses) - 1)
    ]


def _in_the_middle(ground: Ground) -> Placement:
    x, z = (float(v) for v in ground.corners.mean(0))
    return Placement(x, z, 0.0)
