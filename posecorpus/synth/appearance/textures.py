"""Textures of people: a fresh skin and a fresh set of clothes for every seed."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from posecorpus.core.errors import InputError
from posecorpus.synth.appearance.atlas import Atlas, body_atlas
from posecorpus.synth.appearance.canvas import Canvas, canvas_of, worn_canvas
from posecorpus.synth.appearance.colours import unlike_skin
from posecorpus.synth.appearance.landmarks import BodySurface, landmarks, unlike_a_person
from posecorpus.synth.appearance.look import SHIRT_TAIL_M, Look, as_worn, record, sample_look, trouser_end
from posecorpus.synth.appearance.paint import COLOUR_PLANES, PLANES, RUN, paint
from posecorpus.synth.appearance.photos import load_photo
from posecorpus.synth.appearance.strip import paint_strip, strip_height
from posecorpus.synth.raster.mipmap import blank_texture, build_texture, fill_levels
from posecorpus.synth.scene import Texture

METRES_ACROSS = 2.3
"""What the side of the texture spans on the body, about."""

SIZES = (96, 192, 384, 768, 1024)

WORN_SIZES = (96, 128, 160, 192, 224, 256, 320, 384, 448, 512, 640)
"""Of textures for worn clothes. Several people a picture, each seen in few: the time to paint all of a texture
counts, and the sizes lie closer; those who are so near that the largest is coarse are few. Multiples of 32."""

ENLARGED = 1.5
"""A texel may be this many pixels wide. The blur cannot be seen, and people at about the same distance
share a size: the measurements of a body are made anew for each."""


WORN_ENLARGED = 1.8
"""The same for worn clothes, whose edges are the meshes' own."""


def texture_size(pixels_per_metre: float, worn: bool = False) -> int:
    """The smallest size of a texture whose texels on the body are about as fine as the picture's pixels.

    Args:
        pixels_per_metre: of a person in the picture: focal length in pixels over distance in metres.
        worn: whether clothes are surfaces of their own.
    """
    sizes, enlarged = (WORN_SIZES, WORN_ENLARGED) if worn else (SIZES, ENLARGED)
    return next((s for s in sizes if enlarged * s / METRES_ACROSS >= pixels_per_metre), sizes[-1])


def body_texture(body: BodySurface, rng: np.random.Generator, size: int = 192) -> Texture:
    """Skin and clothes of one person, with mip levels.

    Args:
        body: the surface to paint; any UV layout will do.
        rng: decides the person; same body and same state, same bytes.
        size: side of level 0 in texels, see :func:`texture_size`. The painter's measurements of a body
            are made at the first call and kept as long as the body object lives.
    """
    atlas = body_atlas(body, size)
    return build_texture(paint_look(atlas, sample_look(rng, atlas.landmarks, body.gender)))


SMALLEST_TEXTURE = 16


def load_texture(path: str) -> Texture:
    """A user's picture in the texture layout of a body, with mip levels.

    Clothes are then what the picture shows: nothing is worn over it. SURREAL's pictures fit SMPL bodies whose
    file has SMPL's own ``vt`` and ``ft``; pictures for the open bodies fit those.

    Args:
        path: of a jpg or png, or ``<zip>!<member>``. Pictures whose shorter side exceeds 1600 texels are reduced.

    Raises:
        InputError: no such picture, a damaged one, one of over 64 megapixels, or one too small to be a texture.
    """
    picture = load_photo(path)
    if min(picture.shape[:2]) < SMALLEST_TEXTURE:
        got = f"{picture.shape[1]}x{picture.shape[0]}"
        raise InputError(path, f"a texture of at least {SMALLEST_TEXTURE} texels a side", got)
    return build_texture(picture)


LINING_LEG = 0.3
"""Down to this limb fraction hips and thighs under a skirt have its colour."""


def worn_texture(body: BodySurface, look: Look, size: int = 192) -> Texture:
    """Skin and clothes of one person whose clothes are surfaces of their own, with mip levels.

    Args:
        body: see :func:`body_texture`.
        look: the person.
        size: side of the body's part in texels.

    Returns:
        (size + strip, size) at level 0: the body's layout, and below it a strip of what covers no part of the
        body's surface: skirt, long hair, shoes (see ``strip``). A body that clothes cannot be cut for gets the
        painted texture, without a strip.
    """
    if unlike_a_person(landmarks(body)) is not None:
        return build_texture(paint_look(body_atlas(body, size), look))
    look = _clearly_dressed(as_worn(look, landmarks(body)))
    texture = blank_texture(size + strip_height(size), size)
    picture = texture.levels[0]
    _paint(worn_canvas(body, size), worn_look(look, METRES_ACROSS / size), picture[:size])
    paint_strip(look, picture[size:])
    fill_levels(texture)
    return texture


def _clearly_dressed(look: Look) -> Look:
    """The look without cloth or shoes in the colours of skin."""
    o = look.outfit
    cloths = (o.top, o.bottom, o.inner)
    drawn = [colour for cloth in cloths for colour in (cloth.base, cloth.second, cloth.third)]
    *colours, shoe, sock, trim = unlike_skin([*drawn, o.shoe, o.sock, o.trim])
    top, bottom, inner = (
        cloth._replace(base=colours[3 * k], second=colours[3 * k + 1], third=colours[3 * k + 2])
        for k, cloth in enumerate(cloths)
    )
    return look._replace(
        outfit=o._replace(top=top, bottom=bottom, inner=inner, shoe=shoe, sock=sock, trim=trim)
    )


def worn_look(look: Look, reach: float) -> Look:
    """A look to be painted for cloth that is cut exactly at its lines.

    Colours go on ``reach`` metres beyond each edge, so that the cloth at an edge has its full colour. What is
    tucked in ends at the waist, where trousers begin.
    """
    o, face = look.outfit, look.face
    hem, waist = o.hem - reach, o.waist
    if look.skirted:  # its lining is painted on the body, as shorts
        hem, waist = o.waist - SHIRT_TAIL_M - reach, o.waist + reach
        cloth = o.top if look.fit.dress else o.bottom
        o = o._replace(leg=LINING_LEG, bottom=cloth, belt_width=0.0, side_stripe=0.0)
    elif look.tucked:  # trousers go on under the shirt's edge, or skin would be mixed in there
        hem, waist = o.waist + reach, o.waist + 2 * reach
    outfit = o._replace(
        sleeve=o.sleeve + 4 * reach,
        trim_width=o.trim_width + reach,
        neckline=o.neckline + reach,
        leg=trouser_end(o.leg) + 2.5 * reach,
        hem=hem,
        waist=waist,
        open_width=max(o.open_width - 2 * reach, 0.0),
        shoe_top=o.sole_top,
    )
    face = face._replace(long_hair_bottom=9.0)
    hair = face._replace(hair_front=face.hair_front - 0.15, hair_nape=face.hair_nape - 0.1)
    return look._replace(outfit=outfit, face=hair if face.hair_cover > 0 else face)


def paint_look(atlas: Atlas, look: Look) -> NDArray[np.uint8]:
    """A look painted on a body, (size, size, 3) uint8 sRGB, row 0 at the top (v = 1)."""
    out = np.empty((atlas.texels.size, atlas.texels.size, 3), np.uint8)
    _paint(canvas_of(atlas), look, out)
    return out


def _paint(canvas: Canvas, look: Look, out: NDArray[np.uint8]) -> None:
    """Paint a look into (size, size, 3) contiguous bytes."""
    soft = np.float32(METRES_ACROSS / canvas.size)
    words = canvas.marks.view("<u8")[:, 0]
    paint(
        record(look), canvas.index, canvas.region, canvas.coordinates, words,
        canvas.gutter, canvas.gutter_source, soft,
        np.empty(PLANES * RUN, np.float32), np.empty(COLOUR_PLANES * RUN), out.reshape(-1, 3),
    )  # fmt: skip
