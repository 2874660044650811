"""A person with clothes on: which surfaces there are, and where they go with a pose."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from posecorpus.synth.appearance.look import Look
from posecorpus.synth.appearance.strip import SHOE, tile
from posecorpus.synth.bodies.model import BodyModel
from posecorpus.synth.bodies.skinning import Posed
from posecorpus.synth.clothing.binding import Binding, join
from posecorpus.synth.clothing.cut import Cutting, cut
from posecorpus.synth.clothing.drape import Shaped, offsets, shaped
from posecorpus.synth.clothing.garments import RIM_M, UNDERLAP_M, Tailored, hair, lines, tailor
from posecorpus.synth.clothing.loft import Loft
from posecorpus.synth.clothing.mannequin import UP, Mannequin, mannequin
from posecorpus.synth.clothing.shoes import cut_field, edge_field
from posecorpus.synth.scene import Texture
from posecorpus.synth.surface import Surface


@dataclass(frozen=True, eq=False)
class Dressed:
    """Surfaces of one person: skin that is still seen, then everything worn.

    Attributes:
        surfaces: what a pose does not change, in the order of :meth:`pose`.
        binding: how the vertices of the second surface follow the body.
    """

    surfaces: tuple[Surface, ...]
    binding: Binding

    def pose(self, posed: Posed) -> tuple[NDArray[np.float32], ...]:
        """Vertices of each surface, (N, Vi, 3) float32 in the world, on N poses of the body."""
        return posed.vertices, self.binding.pose(posed.vertices, posed.transforms)


@dataclass(frozen=True, eq=False)
class _Piece:
    """One thing worn, on its way into the common surface."""

    binding: Binding
    faces: NDArray[np.int32]
    face_parts: NDArray[np.uint8]
    uv: NDArray[np.float32]


def dress(body: BodyModel, betas: NDArray[np.floating], look: Look, texture: Texture) -> Dressed:
    """Cut a look's clothes for a body of shape ``betas`` (up to B of them).

    Args:
        texture: of :func:`appearance.textures.worn_texture` with the same body and look.
    """
    ratio = texture.levels[0].shape[0] / texture.levels[0].shape[1]
    who = mannequin(body)
    at = lines(look, who.at)
    shape = shaped(who, betas)
    top, bottom = tailor(look, who, at)
    count = len(who.own)
    garments = [top, bottom]
    if look.face.hair_cover > 0:
        garments.append(hair(look, who))
    covered = np.max([garment.outline[:count] for garment in garments], axis=0) > RIM_M
    if at.tucked:
        np.minimum(top.outline, who.fields[:, UP] - (at.waist - UNDERLAP_M / 2), out=top.outline)
    else:
        np.minimum(bottom.outline, (at.hem + UNDERLAP_M) - who.fields[:, UP], out=bottom.outline)
    pieces = [_sew(garment, shape, who, ratio) for garment in garments]
    pieces.append(_cut_loft(who.shoes, cut_field(who.shoes, look, who.at), SHOE, ratio))
    binding, places = join([piece.binding for piece in pieces])
    faces = np.concatenate([place[piece.faces] for piece, place in zip(pieces, places, strict=True)])
    uv = np.concatenate([piece.uv for piece in pieces])
    cloth = Surface(
        faces=faces,
        face_parts=np.concatenate([piece.face_parts for piece in pieces]),
        uv=uv.reshape(-1, 2),
        uv_faces=np.arange(3 * len(faces), dtype=np.int32).reshape(-1, 3),
        texture=texture,
        double_sided=True,
    )
    hidden = np.zeros(len(body.v_template), bool)
    hidden[who.own] = covered
    hidden[who.shod] |= edge_field(who.shod_points, look.outfit.shoe_top, who.at) > RIM_M
    seen = ~hidden[body.faces].all(axis=1)
    skin = Surface(
        body.faces[seen], body.face_parts[seen], _in_worn(body.uv, ratio), body.uv_faces[seen], texture
    )
    return Dressed((skin, cloth), binding)


def _sew(garment: Tailored, shape: Shaped, who: Mannequin, ratio: float) -> _Piece:
    mesh = who.mesh
    piece: Cutting = cut(mesh.faces, mesh.edges, mesh.n_edges, who.uv, garment.outline)
    binding = Binding(
        who.anchors[piece.whole],
        who.shares[piece.whole],
        who.joints[piece.whole],
        who.weights[piece.whole],
        offsets(shape, who, piece.whole, garment.ease),
        piece.ends,
        piece.shares,
    )
    return _Piece(binding, piece.faces, who.face_parts[piece.sources], _in_worn(piece.uv, ratio))


def _cut_loft(loft: Loft, field: NDArray[np.float32], where: tuple[float, float], ratio: float) -> _Piece:
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
    return _Piece(binding, piece.faces, loft.face_parts[piece.sources], tile(where, piece.uv, ratio))


def _in_worn(uv: NDArray[np.float32], ratio: float) -> NDArray[np.float32]:
    """Coordinates (..., 2) in the body's layout as coordinates in a texture with a strip below it."""
    return np.stack([uv[..., 0], 1 - (1 - uv[..., 1]) / np.float32(ratio)], axis=-1)
