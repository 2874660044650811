"""A person with clothes on: which surfaces there are, and where they go with a pose."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from posecorpus.synth.appearance.look import Look
from posecorpus.synth.appearance.strip import HAIR, SHOE, SKIRT, tile
from posecorpus.synth.bodies.model import BodyModel
from posecorpus.synth.bodies.skinning import Posed
from posecorpus.synth.clothing import long_hair, shoes
from posecorpus.synth.clothing.binding import Binding, join
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


@dataclass(frozen=True, eq=False)
class _Piece:
    """Faces of one thing worn, on their way into the common surface; uv: (F, 3, 2) in the whole texture."""

    faces: NDArray[np.int32]
    face_parts: NDArray[np.uint8]
    uv: Floats


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
    sewn = [_sew(garment, shape, who, ratio) for garment in garments]
    sewn.append(_cut_loft(who.shoes, shoes.cut_field(who.shoes, look, who.at), SHOE, ratio))
    if look.long_haired:
        sewn.append(_cut_loft(who.long_hair, long_hair.cut_field(who.long_hair, look), HAIR, ratio))
    binding, places = join([bound for bound, _ in sewn])
    pieces = [
        _Piece(place[piece.faces], piece.face_parts, piece.uv)
        for (_, piece), place in zip(sewn, places, strict=True)
    ]
    skirt = None
    if look.skirted:
        skirt, piece = _skirt(body, who, betas, look, ratio)
        pieces.append(_Piece(piece.faces + np.int32(len(binding)), piece.face_parts, piece.uv))

    hidden = np.zeros(len(body.v_template), bool)
    hidden[who.own] = covered
    hidden[who.shod] |= shoes.edge_field(who.shod_points, look.outfit.shoe_top, who.at) > RIM_M
    seen = ~hidden[body.faces].all(axis=1)
    skin = Surface(
        body.faces[seen], body.face_parts[seen], _in_worn(body.uv, ratio), body.uv_faces[seen], texture
    )
    return Dressed((skin, _together(pieces, texture)), binding, skirt)


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


def _sew(garment: Tailored, shape: Shaped, who: Mannequin, ratio: float) -> tuple[Binding, _Piece]:
    mesh = who.mesh
    piece = cut(mesh.faces, mesh.edges, mesh.n_edges, who.uv, garment.outline)
    binding = Binding(
        who.anchors[piece.whole],
        who.shares[piece.whole],
        who.joints[piece.whole],
        who.weights[piece.whole],
        offsets(shape, who, piece.whole, garment.ease),
        piece.ends,
        piece.shares,
    )
    return binding, _Piece(piece.faces, who.face_parts[piece.sources], _in_worn(piece.uv, ratio))


def _cut_loft(loft: Loft, field: Floats, where: tuple[float, float], ratio: float) -> tuple[Binding, _Piece]:
    piece = cut(loft.faces, loft.edges, loft.n_edges, loft.uv, field)
    binding = Binding(
        loft.anchors[piece.whole],
        loft.shares[piece.whole],
        loft.joints[piece.whole],
        loft.weights[piece.whole],
        loft.offsets[piece.whole],
        piece.ends,
        piece.shares,
    )
    return binding, _Piece(piece.faces, loft.face_parts[piece.sources], tile(where, piece.uv, ratio))


def _skirt(
    body: BodyModel, who: Mannequin, betas: NDArray[np.floating], look: Look, ratio: float
) -> tuple[Skirt, _Piece]:
    skirt, piece = sew(body, who.skirt, betas, look)
    uv = piece.uv.copy()
    low, high = look.fit.skirt_bottom, look.outfit.waist
    uv[..., 1] = (uv[..., 1] - low) / (high - low)
    return skirt, _Piece(piece.faces, who.skirt.face_parts[piece.sources], tile(SKIRT, uv, ratio))


def _together(pieces: list[_Piece], texture: Texture) -> Surface:
    """One surface of all pieces; each face has texture coordinates of its own."""
    faces = np.concatenate([piece.faces for piece in pieces])
    return Surface(
        faces=faces,
        face_parts=np.concatenate([piece.face_parts for piece in pieces]),
        uv=np.concatenate([piece.uv for piece in pieces]).reshape(-1, 2),
        uv_faces=np.arange(3 * len(faces), dtype=np.int32).reshape(-1, 3),
        texture=texture,
        double_sided=True,
    )


def _in_worn(uv: Floats, ratio: float) -> Floats:
    """Coordinates (..., 2) in the body's layout as coordinates in a texture with a strip below it."""
    return np.stack([uv[..., 0], 1 - (1 - uv[..., 1]) / np.float32(ratio)], axis=-1)
