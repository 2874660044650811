"""People: never the same twice, never undressed, the same again for the same seed."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from wearers import Wearer, foreign_body

from posecorpus.core.seeds import generator
from posecorpus.synth.appearance import colours
from posecorpus.synth.appearance.atlas import ARM, EYE, HEAD, LEG, TORSO, Atlas, body_atlas
from posecorpus.synth.appearance.draws import Draws
from posecorpus.synth.appearance.look import DENIM, Look, sample_look
from posecorpus.synth.appearance.textures import SIZES, WORN_SIZES, body_texture, paint_look, texture_size
from posecorpus.synth.bodies.model import BodyModel, load_body
from posecorpus.synth.bodies.planar_uv import planar_uv

PEOPLE = 200
SIZE = 128


@pytest.fixture(scope="module", params=["female", "male", "foreign"])
def body(request: pytest.FixtureRequest) -> BodyModel:
    return foreign_body() if request.param == "foreign" else load_body("open", request.param)


def looks(atlas: Atlas, count: int, gender: str = "neutral") -> list[Look]:
    return [sample_look(generator(i, "look"), atlas.landmarks, gender) for i in range(count)]


def covered(atlas: Atlas, picture: np.ndarray) -> np.ndarray:
    return picture.reshape(-1, 3)[atlas.texels.index]


def test_same_seed_same_bytes_and_other_seeds_differ() -> None:
    body = load_body("open", "neutral")
    one, again, other = (body_texture(body, np.random.default_rng(seed), SIZE) for seed in (3, 3, 4))
    assert [level.shape[0] for level in one.levels] == [128, 64, 32, 16, 8, 4, 2, 1]
    for a, b in zip(one.levels, again.levels, strict=True):
        np.testing.assert_array_equal(a, b)
    assert (one.levels[0] != other.levels[0]).any(axis=-1).mean() > 0.9


def test_nobody_is_undressed(body: BodyModel) -> None:
    """Another skin changes not one byte of chest, belly, pelvis and upper thighs, whoever it is."""
    atlas = body_atlas(body, SIZE)
    at = atlas.landmarks
    height, _, fraction, _ = atlas.coordinates.T
    chest = at.joint("l_shoulder")[1] - 0.4 * (at.joint("l_shoulder")[1] - at.joint("spine3")[1])
    decent = ((atlas.region == TORSO) & (height < chest - 0.09)) | ((atlas.region == LEG) & (fraction < 0.35))
    assert decent.sum() > 0.12 * len(decent)
    for look in looks(atlas, PEOPLE):
        green = look._replace(face=look.face._replace(skin=(0.0, 255.0, 0.0)))
        before, after = (covered(atlas, paint_look(atlas, who)) for who in (look, green))
        hands = (atlas.region == ARM) & (fraction > 1.99)
        assert not (before[decent] != after[decent]).any()
        if not look.outfit.glove:
            assert (before[hands] != after[hands]).any(axis=-1).all()


def test_no_two_people_look_alike() -> None:
    atlas = body_atlas(load_body("open", "neutral"), SIZE)
    small = np.stack(
        [
            cv2.resize(paint_look(atlas, look), (16, 16), interpolation=cv2.INTER_AREA).ravel()
            for look in looks(atlas, PEOPLE)
        ]
    ).astype(float)
    apart = np.sqrt(((small[:, None] - small[None]) ** 2).mean(-1))
    np.fill_diagonal(apart, np.inf)
    assert apart.min() > 6  # grey levels, root mean square over the whole texture
    assert np.median(apart[np.isfinite(apart)]) > 45


def test_skin_is_evenly_light_and_dark() -> None:
    draws = Draws(np.random.default_rng(0))
    tones = np.array([colours.skin(draws)[0] for _ in range(2000)])
    lightness = colours.rgb_to_lab(tones)[:, 0]
    low, high = colours.SKIN_LIGHTNESS
    quantiles = np.quantile((lightness - low) / (high - low), np.linspace(0.1, 0.9, 9))
    np.testing.assert_allclose(quantiles, np.linspace(0.1, 0.9, 9), atol=0.04)
    hue = np.degrees(np.arctan2(*colours.rgb_to_lab(tones)[:, [2, 1]].T))
    assert 30 < hue.min() < hue.max() < 80  # no green and no purple people


def test_painted_skin_has_the_drawn_tone() -> None:
    atlas = body_atlas(load_body("open", "male"), SIZE)
    forearm = (atlas.region == ARM) & (np.abs(atlas.coordinates[:, 2] - 1.985) < 0.1)
    for look in looks(atlas, 30):
        if look.outfit.glove or look.outfit.sleeve > 1.8:
            continue
        seen = np.median(covered(atlas, paint_look(atlas, look))[forearm], axis=0)
        np.testing.assert_allclose(seen, look.face.skin, rtol=0.12)


@pytest.mark.parametrize("size", SIZES[:3])
def test_gutters_hold_colours_of_their_neighbours(size: int) -> None:
    atlas = body_atlas(load_body("open", "neutral"), size)
    flat = paint_look(atlas, looks(atlas, 1)[0]).reshape(-1, 3)
    np.testing.assert_array_equal(flat[atlas.texels.gutter], flat[atlas.texels.gutter_source])


def test_left_and_right_match() -> None:
    """Texels of the open body's layout come in mirrored pairs; so do the colours of a plain outfit."""
    atlas = body_atlas(load_body("open", "neutral"), 256)
    body = load_body("open", "neutral")
    points = atlas.texels.interpolate(body.v_template, body.faces)
    mirrored = points * (-1, 1, 1)
    from scipy.spatial import cKDTree

    away, partner = cKDTree(points).query(mirrored)
    pairs = (away < 0.004) & (atlas.region != EYE) & (atlas.region == atlas.region[partner])
    assert pairs.mean() > 0.6
    limits = atlas.coordinates[:, [0, 2, 3]]
    gap = np.abs(limits - limits[partner])[pairs & (atlas.region != HEAD)]
    assert np.quantile(gap, 0.99) < 0.05
    look = looks(atlas, 1)[0]
    outfit = look.outfit._replace(
        top=look.outfit.top._replace(pattern=0), bottom=look.outfit.bottom._replace(pattern=0), logo=0
    )
    seen = covered(atlas, paint_look(atlas, look._replace(outfit=outfit))).astype(float)
    difference = np.abs(seen - seen[partner])[pairs].max(axis=-1)
    assert np.median(difference) < 12


def test_measurements_are_finite_and_ordered(body: BodyModel) -> None:
    atlas = body_atlas(body, SIZE)
    assert np.isfinite(atlas.coordinates).all()
    assert set(np.unique(atlas.region)) >= {TORSO, ARM, LEG, HEAD, EYE}
    at = atlas.landmarks
    heights = [at.joint(j)[1] for j in ("head", "neck", "spine3", "spine1", "l_hip", "l_knee", "l_ankle")]
    assert heights == sorted(heights, reverse=True)
    assert at.sole < at.joint("l_ankle")[1]
    left, right = at.eyes
    assert left[0] > 0 > right[0]
    assert left[1] == pytest.approx(right[1], abs=0.01)
    assert at.joint("head")[1] < left[1] < body.v_template[:, 1].max()


def test_joints_are_near_the_bodys_own() -> None:
    body = load_body("open", "neutral")
    joints = body_atlas(body, SIZE).landmarks.joints
    assert np.linalg.norm(joints - body.joints_template, axis=1).max() < 0.11


def test_texture_is_about_as_fine_as_the_picture() -> None:
    assert texture_size(600 / 8) == 192
    assert texture_size(1200 / 8) == 384
    for pixels_per_metre in np.geomspace(1, 500, 50):
        assert texture_size(pixels_per_metre) * 1.5 >= 2.3 * pixels_per_metre
        size = texture_size(pixels_per_metre, worn=True)
        assert size * 1.8 >= 2.3 * pixels_per_metre
        assert size * 1.8 <= 2.3 * pixels_per_metre * 4 / 3 or size == WORN_SIZES[0]
    assert texture_size(10) == SIZES[0]
    assert texture_size(1e9) == SIZES[-1]


def test_clothes_are_not_the_colour_of_the_wearers_skin() -> None:
    for look in looks(body_atlas(load_body("open", "neutral"), SIZE), 400):
        for cloth in (look.outfit.top, look.outfit.bottom):
            if cloth.pattern != DENIM:
                assert colours.distance(cloth.base, look.face.skin) > 60


def test_a_scarf_leaves_the_face_and_covers_hair_and_neck() -> None:
    atlas = body_atlas(load_body("open", "female"), SIZE)
    scarved = [look for look in looks(atlas, 400, "female") if look.face.scarf_below > 0]
    assert 5 < len(scarved) < 45
    neck = (atlas.region == TORSO) & (np.abs(atlas.coordinates[:, 3] - 0.045) < 0.02)
    scalp = (atlas.region == HEAD) & (atlas.coordinates[:, 0] > 0.5)
    for look in scarved:
        seen = covered(atlas, paint_look(atlas, look)).astype(float)
        for part in (neck, scalp):
            np.testing.assert_allclose(np.median(seen[part], axis=0), look.face.hair, rtol=0.2, atol=4)
        lips = atlas.marks[:, 3] > 120
        assert np.abs(np.median(seen[lips & (atlas.region == HEAD)], axis=0) - look.face.lips).max() < 60
    assert not any(look.face.scarf_below > 0 for look in looks(atlas, 200, "male"))


@pytest.mark.parametrize("scale", [0.0, 1.0, 100.0])
def test_any_body_can_be_painted(scale: float) -> None:
    """Random blobs, a point, a giant: nothing fails, nothing is left unpainted."""
    rng = np.random.default_rng(4)
    vertices = (scale * rng.normal(0, 0.3, (400, 3))).astype(np.float32)
    faces = rng.integers(0, 400, (900, 3))
    uv, uv_faces = planar_uv(vertices, faces.astype(np.int32))
    joints = np.tile(np.arange(24), (400, 1))
    body = Wearer(vertices, faces, joints, rng.dirichlet(np.full(24, 0.1), 400), uv, uv_faces)
    one, other = (body_texture(body, np.random.default_rng(seed), 64).levels[0] for seed in (0, 1))
    assert (one != other).any()
    assert np.isfinite(body_atlas(body, 64).coordinates).all()
