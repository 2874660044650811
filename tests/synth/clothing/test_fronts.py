"""What is seen from the front: skirts on a lap, jackets that are open."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from layers import BLANK, depth_of
from test_dressed import person, posed

from posecorpus.core.cameras import Camera
from posecorpus.core.skeletons import SMPL_24
from posecorpus.synth.appearance.atlas import ARM_ROOT
from posecorpus.synth.appearance.look import Look
from posecorpus.synth.clothing import Dressed, dress
from posecorpus.synth.clothing.garments import OPEN_AT_NECK, lines, tailor
from posecorpus.synth.clothing.mannequin import ABOVE_NECK, ARM, AROUND, DEPTH, mannequin

SQUAT = {"l_hip": (-115, 15, 25), "r_hip": (-115, -15, -25), "l_knee": (125, 0, 0), "r_knee": (125, 0, 0)}


def squatting() -> np.ndarray:
    pose = np.zeros((1, 24, 3))
    for joint, degrees in SQUAT.items():
        pose[0, SMPL_24.index(joint)] = np.radians(degrees)
    return pose


def shirt_below_lap(dressed: Dressed, worn: np.ndarray) -> int:
    """Pixels, seen from before the knees, where the shirt is nearer than the skirt below the highest of the lap."""
    skirt, faces = dressed.skirt, dressed.surfaces[1].faces
    assert skirt is not None
    first, last = len(dressed.bound[0].seam), len(worn) - len(skirt)
    shirt, own = faces[(faces < first).all(axis=1)], faces[(faces >= last).all(axis=1)]
    hem = float(worn[last : last + len(skirt.rest), 1].max())
    shirt = shirt[worn[shirt][..., 1].max(axis=1) < hem]
    camera = Camera.look_at((0.0, hem - 0.4, 3.0), (0.0, hem - 0.15, 0.0), 500.0, 140, 140)
    over, under = depth_of(worn, np.concatenate([own, own[:, ::-1]]), camera), depth_of(worn, shirt, camera)
    shown = (under > 0) & ((over == 0) | (over > under))
    return int(shown[:, 60:80].sum())  # 12 cm between the thighs


@pytest.mark.parametrize("level", [0, 1, 2])
def test_no_shirt_is_seen_under_a_skirt_on_the_lap(level: int) -> None:
    """And would be if the skirt were not kept out of the belly."""
    seen = faulty = 0
    for seed in range(3):
        body, betas, look = person("female", 50 + seed, skirt=True, level=level)
        look = look._replace(fit=look.fit._replace(skirt_bottom=look.outfit.waist - 0.36))
        dressed, bodies = dress(body, betas, look, BLANK), posed(body, betas, squatting())
        assert dressed.skirt is not None
        seen += shirt_below_lap(dressed, dressed.pose(bodies)[1][0])
        into = replace(dressed, skirt=replace(dressed.skirt, trunk=0 * dressed.skirt.trunk))
        faulty += shirt_below_lap(into, into.pose(bodies)[1][0])
    assert faulty > 100
    assert seen < 0.05 * faulty


def opened(look: Look) -> Look:
    outfit = look.outfit._replace(open_width=0.06, sleeve=1.8, neck_depth=0.0, hem=look.outfit.waist - 0.1)
    return look._replace(outfit=outfit, fit=look.fit._replace(skirt_bottom=9.0))


def test_an_open_jacket_has_an_opening_and_trousers_in_it() -> None:
    body, betas, look = person("male", 3)
    look, who = opened(look), mannequin(body)
    at = lines(look, who.at)
    top, bottom = tailor(look, who, at)
    f = who.fields
    front = (f[:, DEPTH] > 0) & (f[:, ARM] < ARM_ROOT) & (f[:, ABOVE_NECK] < -0.05)
    inside = front & (np.abs(f[:, AROUND]) < at.open_width * (OPEN_AT_NECK - f[:, ABOVE_NECK]))
    assert inside.sum() > 100
    assert (top.outline[inside] <= 0).all()
    below = inside & (who.heights < at.waist) & (who.heights > at.hem)
    assert below.sum() > 10
    assert (bottom.outline[below] > 0).all()
    dressed = dress(body, betas, look, BLANK)
    trousers = dressed.bound[1]
    height = who.heights[trousers.seam.whole]
    assert height.max() > at.waist
    assert np.isin(
        np.flatnonzero(inside & (who.heights > at.waist) & (np.arange(len(f)) < len(who.own))),
        np.searchsorted(who.own, np.unique(dressed.surfaces[0].faces)),
    ).all()


def test_jackets_of_coarse_bodies_are_open_in_paint_only() -> None:
    body, _, look = person("male", 3, level=2)
    look, who = opened(look), mannequin(body)
    open_, closed = (
        tailor(one, who, lines(one, who.at))[0].outline
        for one in (look, look._replace(outfit=look.outfit._replace(open_width=0.0)))
    )
    np.testing.assert_array_equal(open_, closed)
