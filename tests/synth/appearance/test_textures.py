"""Textures of users, and the strip below worn ones."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from posecorpus.core.errors import InputError
from posecorpus.core.seeds import generator
from posecorpus.synth.appearance import colours
from posecorpus.synth.appearance.canvas import worn_canvas
from posecorpus.synth.appearance.landmarks import landmarks
from posecorpus.synth.appearance.look import PLAIN, Look, sample_look
from posecorpus.synth.appearance.strip import HAIR, SHOE, SKIRT, paint_strip, strip_height, tile_uv
from posecorpus.synth.appearance.textures import SIZES, _paint, load_texture, worn_texture
from posecorpus.synth.bodies.model import load_body


def look_of(seed: int, gender: str = "female") -> Look:
    return sample_look(generator(seed, "strip"), landmarks(load_body("open", gender)), gender)


@pytest.mark.parametrize("suffix", ["png", "jpg"])
def test_a_users_texture_keeps_its_texels(tmp_path: Path, suffix: str) -> None:
    picture = cv2.resize(np.random.default_rng(0).integers(0, 256, (6, 8, 3), np.uint8), (96, 72))
    path = tmp_path / f"texture.{suffix}"
    cv2.imwrite(str(path), picture[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 100])
    levels = load_texture(str(path)).levels
    assert [level.shape[:2] for level in levels[:3]] == [(72, 96), (36, 48), (18, 24)]
    off = np.abs(levels[0].astype(int) - picture)
    assert off.max() == 0 if suffix == "png" else np.quantile(off, 0.99) < 12


def test_textures_that_cannot_be_used_say_why(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "tiny.png"), np.zeros((64, 15, 3), np.uint8))
    whole = cv2.imencode(".png", np.random.default_rng(1).integers(0, 256, (64, 64, 3), np.uint8))[
        1
    ].tobytes()
    (tmp_path / "cut.png").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "bomb.png").write_bytes(whole[:16] + (50_000).to_bytes(4, "big") * 2 + whole[24:])
    (tmp_path / "words.jpg").write_text("no picture")
    for name, words in {
        "tiny.png": "16 texels",
        "cut.png": "whole",
        "bomb.png": "megapixels",
        "words.jpg": "jpg or png",
        "none.png": "none",
    }.items():
        with pytest.raises(InputError, match=words) as caught:
            load_texture(str(tmp_path / name))
        assert name in str(caught.value)
        assert "\n" not in str(caught.value)


def test_each_tile_shows_its_own_thing() -> None:
    look = look_of(3)
    plain = look.outfit.bottom._replace(pattern=PLAIN, weave=0.0, base=(10.0, 200.0, 30.0))
    outfit = look.outfit._replace(
        bottom=plain, shoe=(200.0, 10.0, 20.0), sole=(5.0, 5.0, 5.0), lace=(200.0, 10.0, 20.0)
    )
    look = look._replace(outfit=outfit, fit=look.fit._replace(skirt_bottom=-0.5, dress=0))
    look = look._replace(face=look.face._replace(hair_cover=1.0, long_hair_bottom=0.0))
    for size in SIZES:
        ratio = (size + strip_height(size)) / size
        strip = np.empty((strip_height(size), size, 3), np.uint8)
        paint_strip(look, strip)
        at = np.random.default_rng(size).uniform(0, 1, (300, 2))

        def seen(
            which: tuple[float, float], uv: np.ndarray, strip: np.ndarray = strip, ratio: float = ratio
        ) -> np.ndarray:
            u0, du, v0, dv = tile_uv(which, ratio)
            down = (1 - (v0 + dv * uv[:, 1])) * ratio - 1  # in widths of the texture, below the body's part
            assert (down > 0).all()
            rows = (down * strip.shape[1]).astype(int)
            return strip[rows, ((u0 + du * uv[:, 0]) * strip.shape[1]).astype(int)].astype(float)

        assert (seen(SKIRT, at) == plain.base).all()
        assert np.abs(np.median(seen(HAIR, at), axis=0) - look.face.hair).max() < 25
        upper = seen(SHOE, at[at[:, 1] > 0.35])
        assert (upper[:, 0] > 4 * upper[:, 1:].max(axis=1)).all()
        assert seen(SHOE, at[at[:, 1] < 0.15]).max() < 10


def test_the_body_under_a_skirt_is_lined_and_legs_are_bare() -> None:
    body = load_body("open", "female")
    look = look_of(5)
    look = look._replace(fit=look.fit._replace(skirt_bottom=-0.4, dress=0))
    skins = [
        worn_texture(body, look._replace(face=look.face._replace(skin=skin)), 128).levels[0][:128]
        for skin in ((0.0, 255.0, 0.0), (255.0, 0.0, 255.0))
    ]
    bare = (skins[0] != skins[1]).any(axis=-1)
    uv = body.uv[body.uv_faces].mean(axis=1)
    shown = bare[((1 - uv[:, 1]) * 128).astype(int).clip(0, 127), (uv[:, 0] * 128).astype(int).clip(0, 127)]
    y = body.v_template[body.faces].mean(axis=1)[:, 1]
    hip, knee = (landmarks(body).joint("l_" + name)[1] for name in ("hip", "knee"))
    legs = np.isin(body.face_parts, (2, 3, 5, 6))
    assert not shown[legs & (y > hip + 0.15 * (knee - hip)) & (y < look.outfit.waist - 0.03)].any()
    assert shown[legs & (y < hip + 0.5 * (knee - hip)) & (y > knee)].mean() > 0.95


def test_shares_of_skirts_and_tones_of_skin() -> None:
    """A third of female bodies wear skirts, no male one; tones are as common among them as among others."""
    at = landmarks(load_body("open", "female"))
    looks = [sample_look(generator(i, "shares"), at, "female") for i in range(900)]
    skirted = np.array([look.skirted for look in looks])
    assert 0.24 < skirted.mean() < 0.36
    assert not any(sample_look(generator(i, "shares"), at, "male").skirted for i in range(200))
    tones = colours.rgb_to_lab(np.array([look.face.skin for look in looks]))[:, 0]
    low, high = colours.SKIN_LIGHTNESS
    for group in (tones[skirted], tones[~skirted]):
        counts, _ = np.histogram(group, 6, (low, high))
        assert np.abs(counts / counts.mean() - 1).max() < 0.4


def test_no_cloth_is_taken_for_skin() -> None:
    drawn = [
        cloth.base
        for i in range(300)
        for look in [look_of(i)]
        for cloth in (look.outfit.top, look.outfit.bottom)
    ]
    before, after = np.array(drawn), np.array(colours.unlike_skin(drawn))
    close = colours.from_skin(colours.rgb_to_lab(before)) < colours.LIKE_SKIN
    assert 0.02 < close.mean() < 0.15
    assert (before == after)[~close].all()
    assert colours.from_skin(colours.rgb_to_lab(after)).min() > 0.6 * colours.LIKE_SKIN
    lightness = [colours.rgb_to_lab(some)[:, 0] for some in (before, after)]
    np.testing.assert_allclose(*lightness, atol=1.0)
    draws = colours.Draws(np.random.default_rng(2))
    tones = np.array([colours.skin(draws)[0] for _ in range(500)])
    assert np.quantile(colours.from_skin(colours.rgb_to_lab(tones)), 0.95) < colours.LIKE_SKIN


def test_worn_shirts_in_the_colour_of_skin_are_greyed() -> None:
    body, look = load_body("open", "female"), look_of(8)
    top = look.outfit.top._replace(pattern=PLAIN, base=(237.0, 203.0, 173.0), weave=0.0, folds=0.0)
    outfit = look.outfit._replace(top=top, logo=0, open_width=0.0, sleeve=1.9)
    texture = worn_texture(body, look._replace(outfit=outfit), 96).levels[0]
    beige = (np.abs(texture.astype(int) - (237, 203, 173)).max(axis=-1) < 6).mean()
    assert beige < 0.01


@pytest.mark.parametrize("gender", ["female", "male"])
def test_a_texel_is_painted_the_same_whatever_texels_it_is_painted_with(gender):
    """Texels are painted in runs of one region, stage by stage; alone, each takes only the stages that it needs."""
    body = load_body("open", gender)
    canvas = worn_canvas(body, 64)
    order = np.random.default_rng(3).permutation(len(canvas.index))
    mixed = replace(
        canvas, **{name: getattr(canvas, name)[order] for name in ("index", "region", "coordinates", "marks")}
    )
    for seed in range(40):
        look = sample_look(generator(seed, "runs"), landmarks(body), gender)
        pictures = np.zeros((2, 64, 64, 3), np.uint8)
        for which, picture in zip((canvas, mixed), pictures, strict=True):
            _paint(which, look, picture)
        np.testing.assert_array_equal(*pictures)
