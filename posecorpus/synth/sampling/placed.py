"""Several people on the floor of a place, among things, before the place's own camera and in its light."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from posecorpus.core.seeds import generator
from posecorpus.synth.bodies.model import load_body
from posecorpus.synth.bodies.skinning import Posed, pose_body
from posecorpus.synth.config import SynthConfig
from posecorpus.synth.crowd import Placement, heading_of, place_people
from posecorpus.synth.ground import Ground
from posecorpus.synth.places import draw_site, light_site
from posecorpus.synth.props import draw_props
from posecorpus.synth.sampling.exposed import expose
from posecorpus.synth.sampling.materials import Materials
from posecorpus.synth.sampling.people import Role, as_seen, moved
from posecorpus.synth.scene import Scene


def scenes_in_place(
    config: SynthConfig, seed: int, index: int, roles: Sequence[Role], materials: Materials
) -> list[Scene]:
    """The scenes of the ``index``-th clip, one per frame; people who find no room are left out.

    Args:
        roles: who is to be there, each about the world's origin.
    """
    site = draw_site(config.place, config.image, generator(seed, "place", index), materials.plates)
    about_origin = [_pose(role) for role in roles]
    placements = place_people(
        [body.vertices for body in about_origin],
        [load_body(role.body, role.gender).faces for role in roles],
        site.ground,
        site.camera,
        config.crowd,
        generator(seed, "crowd", index),
        [heading_of(body.transforms) for body in about_origin],
    )
    if all(place is None for place in placements):  # nobody would make a poor picture
        placements[0] = _in_the_middle(site.ground)
    present = [
        as_seen(moved(role, place.yaw, place.x, place.z), site.camera, config.people.detail)
        for role, place in zip(roles, placements, strict=True)
        if place is not None
    ]
    posed = [_pose(role) for role in present]
    props = draw_props(
        config.props, generator(seed, "props", index), site.camera, site.ground, posed, materials.meshes
    )
    pelvises = np.concatenate([body.landmarks[:-1, 0] for body in posed])
    light, shadow = light_site(site, pelvises, generator(seed, "light", index), config.light)
    depths = [site.camera.to_camera(body.landmarks[0, 0])[2] for body in posed]
    exposure = expose(config, seed, index, site.camera, max(depths))
    return [
        Scene(
            camera=site.camera,
            people=tuple(role.at(t, config.people.clothing) for role in present),
            light=light,
            background=replace(site.background, place=config.place.kind),
            props=props,
            shadow=shadow,
            exposure=exposure,
        )
        for t in range(len(present[0].poses) - 1)
    ]


def _pose(role: Role) -> Posed:
    body = load_body(role.body, role.gender, role.level)
    betas = np.broadcast_to(role.betas, (len(role.poses), len(role.betas)))
    return pose_body(body, betas, role.poses, role.translations)


def _in_the_middle(ground: Ground) -> Placement:
    x, z = (float(v) for v in ground.corners.mean(0))
    return Placement(x, z, 0.0)
