"""A person with clothes on: which surfaces there are, and where they go with a pose."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from posecorpus.synth.appearance.look import Look
from posecorpus.synth.appearance.strip import HAIR, SHOE, SKIRT, body_uv, tile_uv
from posecorpus.synth.bodies.model import BodyModel
from posecorpus.synth.bodies.skinning import Posed
from posecorpus.synth.clothing import long_hair, shoes
from posecorpus.synth.clothing.assembly import Piece, UvMap, assemble, bare_skin
from posecorpus.synth.clothing.binding import Binding
from posecorpus.synth.clothing.cut import cut
from posecorpus.synth.clothing.drape import Shaped, offsets, shaped
from posecorpus.synth.clothing.garments import RIM_M, UNDERLAP_M, Lines, Tailored, hair, lines, tailor
from posecorpus.synth.clothing.loft import Loft
from posecorpus.synth.clothing.mannequin import ARM, UP, Mannequin, mannequin
from posecorpus.synth.clothing.skirt import Skirt, sew
from posecorpus.synth.scene import Texture
from posecorpus.synth.surface import Surface

UNDER_SKIRT_M = 0.15
"""Legs go on this far above a skirt's hem."""

Floats = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Dressed:
    """Surfaces of one person: skin that is still seen, then everything worn.

    Attributes:
        surfaces: what a pose does not change, in the order of :meth:`pose`.
        binding: how the first vertices of the second surface follow the body.
        skirt: where its other vertices go, if there is one.
    """

    surfaces: tuple[Surface, ...]
    binding: Binding
    skirt: Skirt | None

    def pose(self, posed: Posed) -> tuple[Floats, ...]:
        """Vertices of each surface, (N, Vi, 3) float32 in the world, on N poses of the body."""
        worn = self.binding.pose(posed.vertices, posed.transforms)
        if self.skirt is not None:
            worn = np.concatenate([worn, self.skirt.pose(posed.transforms)], axis=1)
        return posed.vertices, worn


def dress(body: BodyModel, betas: NDArray[np.floating], look: Look, texture: Texture) -> Dressed:
    """Cut a look's clothes for a body of shape ``betas`` (up to B of them).

    Args:
        texture: of :func:`appearance.textures.worn_texture` with the same body and look.
    """
    height, width = texture.levels[0].shape[:2]
    ratio = max(height / width, 1.0)
    who = mannequin(body)
    at = lines(look, who.at)
    shape = shaped(who, betas)
    garments, covered = _garments(look, who, at)
    pieces = [_sew(garment, shape, who, body_uv(ratio)) for garment in garments]
    pieces.append(_cut_loft(who.shoes, shoes.cut_field(who.shoes, look, who.at), tile_uv(SHOE, ratio)))
    if look.long_haired:
        field = long_hair.cut_field(who.long_hair, look)
        pieces.append(_cut_loft(who.long_hair, field, tile_uv(HAIR, ratio)))
    skirt, cutting, uv_map = None, None, tile_uv(SKIRT, ratio)
    if look.skirted:
        skirt, cutting = sew(body, who.skirt, betas, look)
        scale = uv_map[3] / (at.waist - look.fit.skirt_bottom)  # v of its pattern is the height
        uv_map = (*uv_map[:2], uv_map[2] - scale * look.fit.skirt_bottom, scale)
    binding, worn = assemble(pieces, cutting, who.skirt.face_parts, uv_map, texture)

    hidden = np.zeros(len(body.v_template), bool)
    hidden[who.own] = covered
    hidden[who.shod] |= shoes.edge_field(who.shod_points, look.outfit.shoe_top, who.at) > RIM_M
    return Dressed((bare_skin(body, hidden, body_uv(ratio), texture), worn), binding, skirt)


def _garments(look: Look, who: Mannequin, at: Lines) -> tuple[list[Tailored], NDArray[np.bool_]]:
    """What is cut from the cloth mesh, and which of the body's vertices ``who.own`` lie under cloth."""
    count = len(who.own)
    top, bottom = tailor(look, who, at)
    garments = [top, bottom]
    outlines = [top.outline[:count], bottom.outline[:count]]
    if look.skirted:
        garments = [top]
        own = who.fields[:count]
        low = look.fit.skirt_bottom + UNDER_SKIRT_M - RIM_M
        outlines[1] = np.minimum(np.minimum(own[:, UP] - low, at.waist - own[:, UP]), 0.5 - own[:, ARM])
    if look.face.hair_cover > 0:
        garments.append(hair(look, who))  # the scalp stays: one sees to it beside the ears
    covered = np.max(outlines, axis=0) > RIM_M
    if at.tucked:
        np.minimum(top.outline, who.fields[:, UP] - (at.waist - UNDERLAP_M / 2), out=top.outline)
    else:
        np.minimum(bottom.outline, (at.hem + UNDERLAP_M) - who.fields[:, UP], out=bottom.outline)
    return garments, covered


def _sew(garment: Tailored, shape: Shaped, who: Mannequin, uv_map: UvMap) -> Piece:
    mesh = who.mesh
    cutting = cut(mesh.faces, mesh.edges, mesh.n_edges, who.uv, garment.outline)
    return Piece(cutting, who, offsets(shape, who, cutting.whole, garment.ease), uv_map)


def _cut_loft(loft: Loft, field: Floats, uv_map: UvMap) -> Piece:
    cutting = cut(loft.faces, loft.edges, loft.n_edges, loft.uv, field)
    return Piece(cutting, loft, loft.offsets[cutting.whole], uv_map)
