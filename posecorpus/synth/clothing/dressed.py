"""A person with clothes on: which surfaces there are, and where they go with a pose."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from posecorpus.synth.appearance.landmarks import landmarks, unlike_a_person
from posecorpus.synth.appearance.look import SHIRT_TAIL_M, Look, as_worn
from posecorpus.synth.appearance.strip import HAIR, SHOE, SKIRT, body_uv, tile_uv
from posecorpus.synth.bodies.model import BodyModel
from posecorpus.synth.bodies.skinning import Posed
from posecorpus.synth.clothing import long_hair, shoes
from posecorpus.synth.clothing import skirt as skirts
from posecorpus.synth.clothing.binding import Bound
from posecorpus.synth.clothing.cut import Seam, Sheet, Uncut, UvMap, cut, most_faces
from posecorpus.synth.clothing.drape import Shaped, offsets, shaped
from posecorpus.synth.clothing.garments import RIM_M, UNDERLAP_M, Lines, Tailored, hair, lines, tailor
from posecorpus.synth.clothing.hands import relaxed
from posecorpus.synth.clothing.hang import Skirt
from posecorpus.synth.clothing.loft import Loft
from posecorpus.synth.clothing.mannequin import ARM, Mannequin, mannequin
from posecorpus.synth.clothing.skin import bare_skin, counting
from posecorpus.synth.scene import Texture
from posecorpus.synth.surface import Surface

UNDER_SKIRT_M = 0.3
"""Legs and hips go on this far above a skirt's hem, painted like its lining."""

Floats = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Dressed:
    """Surfaces of one person: skin that is still seen, then everything worn.

    Attributes:
        surfaces: what a pose does not change, in the order of :meth:`pose`.
        bound: the pieces of the second surface that follow the body, in the order of its vertices.
        skirt: the last of its pieces, if there is one.
        fingers: vertices of the body that are bent, and what bends them.
        painted: why clothes are only painted on this body, which is then its one surface; None if they are worn.
    """

    surfaces: tuple[Surface, ...]
    bound: tuple[Bound, ...] = ()
    skirt: Skirt | None = None
    fingers: tuple[NDArray[np.int32], Bound] | None = None
    painted: str | None = None

    def pose(self, posed: Posed) -> tuple[Floats, ...]:
        """Vertices of each surface, (N, Vi, 3) float32 in the world, on N poses of the body."""
        if self.painted is not None:
            return (posed.vertices,)
        sizes = [len(piece.seam) for piece in self.bound] + [len(self.skirt) if self.skirt else 0]
        worn = np.empty((len(posed.vertices), sum(sizes), 3), np.float32)
        start = 0
        for piece, size in zip(self.bound, sizes, strict=False):
            piece.pose(posed.vertices, posed.transforms, worn[:, start : start + size])
            start += size
        if self.skirt is not None:
            self.skirt.pose(posed.transforms, worn[:, start:])
        skin = posed.vertices
        if self.fingers is not None:
            which, bent = self.fingers
            moved = np.empty((len(skin), len(which), 3), np.float32)
            bent.pose(skin, posed.transforms, moved)
            skin = skin.copy()
            skin[:, which] = moved
        return skin, worn


@dataclass(frozen=True, eq=False)
class _Piece:
    """One thing worn, to be cut: its offsets are a function of the vertices that the cut leaves."""

    mesh: Uncut
    outline: Floats
    uv_map: UvMap
    bind: Callable[[Seam], Bound | Skirt]


def dress(body: BodyModel, betas: NDArray[np.floating], look: Look, texture: Texture) -> Dressed:
    """Cut a look's clothes for a body of shape ``betas`` (up to B of them).

    Args:
        texture: of :func:`appearance.textures.worn_texture` with the same body and look, or any in the body's
            own layout.
    """
    painted = unlike_a_person(landmarks(body))
    if painted is not None:
        whole = Surface(body.faces, body.face_parts, body.uv, body.uv_faces, texture)
        return Dressed((whole,), painted=painted)
    height, width = texture.levels[0].shape[:2]
    ratio = max(height / width, 1.0)
    who = mannequin(body)
    look = as_worn(look, who.at)
    at = lines(look, who.at)
    shape = shaped(who, betas)
    garments, covered = _garments(look, who, at)
    pieces = [_sewn(garment, shape, who, body_uv(ratio)) for garment in garments]
    pieces.append(_loft(who.shoes, shoes.cut_field(who.shoes, look), tile_uv(SHOE, ratio)))
    if look.long_haired:
        pieces.append(_loft(who.long_hair, long_hair.cut_field(who.long_hair, look), tile_uv(HAIR, ratio)))
    if look.skirted:
        ease = garments[0].ease[: len(who.own), None]
        shirt = shape.cloth + ease * shape.normals
        pieces.append(_skirt(body, who, betas, look, shirt, tile_uv(SKIRT, ratio)))
    worn, bound = _cut_out(pieces, texture)

    hidden = who.at.mouth.copy()  # coarse lips would let teeth through
    hidden[who.own] = covered
    hidden[who.shod] |= who.shod_edge > RIM_M - look.outfit.shoe_top
    skin = bare_skin(body, hidden, texture, _worn_uv(who, body_uv(ratio)))
    skirt = bound[-1] if isinstance(bound[-1], Skirt) else None
    fingers = (who.hands.vertices, relaxed(who.hands, look.fit.curl))
    worn_pieces = tuple(piece for piece in bound if isinstance(piece, Bound))
    return Dressed((skin, worn), worn_pieces, skirt, fingers)


def _cut_out(pieces: list[_Piece], texture: Texture) -> tuple[Surface, list[Bound | Skirt]]:
    """All pieces as one surface, each face with texture coordinates of its own, and what moves them."""
    sheet = Sheet.of(sum(most_faces(piece.mesh) for piece in pieces))
    bound: list[Bound | Skirt] = []
    face = vertex = 0
    for piece in pieces:
        seam, face = cut(piece.mesh, piece.outline, piece.uv_map, sheet, face, vertex)
        bound.append(piece.bind(seam))
        vertex += len(seam)
    sheet = sheet.first(face)
    uv_faces = counting(len(sheet.faces))
    return Surface(sheet.faces, sheet.face_parts, sheet.uv, uv_faces, texture, double_sided=True), bound


def _garments(look: Look, who: Mannequin, at: Lines) -> tuple[list[Tailored], NDArray[np.bool_]]:
    """What is cut from the cloth mesh, and which of the body's vertices ``who.own`` lie under cloth."""
    count, heights = len(who.own), who.heights
    top, bottom = tailor(look, who, at)
    garments = [top, bottom]
    under = bottom.outline[:count]
    if look.skirted:
        garments = [top]
        low = look.fit.skirt_bottom + UNDER_SKIRT_M - RIM_M
        own = heights[:count]
        under = np.minimum(np.minimum(own - low, at.waist - own), 0.5 - who.fields[:count, ARM])
    if look.face.hair_cover > 0:
        garments.append(hair(look, who))  # the scalp stays: one sees to it beside the ears
    covered = np.maximum(top.outline[:count], under) > RIM_M
    if at.tucked:
        below = SHIRT_TAIL_M if look.skirted else UNDERLAP_M / 2
        np.minimum(top.outline, heights - np.float32(at.waist - below), out=top.outline)
    elif at.open_width == 0:
        np.minimum(bottom.outline, np.float32(at.hem + UNDERLAP_M) - heights, out=bottom.outline)
    return garments, covered


def _sewn(garment: Tailored, shape: Shaped, who: Mannequin, uv_map: UvMap) -> _Piece:
    return _Piece(
        garment.mesh,
        garment.outline,
        uv_map,
        lambda seam: Bound(who.hold, seam, offsets(shape, who, seam.whole, garment.ease)),
    )


def _loft(loft: Loft, outline: Floats, uv_map: UvMap) -> _Piece:
    return _Piece(loft.mesh, outline, uv_map, lambda seam: Bound(loft.hold, seam, loft.offsets[seam.whole]))


def _skirt(
    body: BodyModel, who: Mannequin, betas: NDArray[np.floating], look: Look, shirt: Floats, tile: UvMap
) -> _Piece:
    low = look.fit.skirt_bottom
    scale = tile[3] / (look.outfit.waist - low)  # v of its pattern is the height
    return _Piece(
        who.skirt.mesh,
        skirts.outline(who.skirt, look),
        (tile[0], tile[1], tile[2] - scale * low, scale),
        lambda seam: skirts.sew(body, who.skirt, seam, betas, look, shirt),
    )


@lru_cache(maxsize=16)
def _worn_uv(who: Mannequin, uv_map: UvMap) -> Floats:
    """The body's coordinates in a worn texture."""
    return np.asarray(who.body_uv * uv_map[1::2] + uv_map[::2], np.float32)
