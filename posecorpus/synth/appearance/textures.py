"""Textures of people: a fresh skin and a fresh set of clothes for every seed."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from posecorpus.synth.appearance.atlas import Atlas, body_atlas
from posecorpus.synth.appearance.landmarks import BodySurface
from posecorpus.synth.appearance.look import Look, record, sample_look
from posecorpus.synth.appearance.paint import paint
from posecorpus.synth.raster.mipmap import build_texture
from posecorpus.synth.scene import Texture

METRES_ACROSS = 2.3
"""What the side of the texture spans on the body, about."""

SIZES = (96, 192, 384, 768, 1024)

ENLARGED = 1.5
"""A texel may be this many pixels wide. The blur cannot be seen, and people at about the same distance
share a size: the measurements of a body are made anew for each."""


def texture_size(pixels_per_metre: float) -> int:
    """The smallest size of a texture whose texels on the body are about as fine as the picture's pixels.

    Args:
        pixels_per_metre: of a person in the picture: focal length in pixels over distance in metres.
    """
    return next((s for s in SIZES if ENLARGED * s / METRES_ACROSS >= pixels_per_metre), SIZES[-1])


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


def paint_look(atlas: Atlas, look: Look) -> NDArray[np.uint8]:
    """A look painted on a body, (size, size, 3) uint8 sRGB, row 0 at the top (v = 1)."""
    t = atlas.texels
    out = np.empty((t.size * t.size, 3), np.uint8)
    soft = np.float32(METRES_ACROSS / t.size)
    words = atlas.marks.view("<u8")[:, 0]
    paint(record(look), t.index, atlas.region, atlas.coordinates, words, t.gutter, t.gutter_source, soft, out)
    return out.reshape(t.size, t.size, 3)
