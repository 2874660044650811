"""Which layer of a dressed person is seen: rendered from all around, one layer at a time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from posecorpus.core.cameras import Camera
from posecorpus.synth.appearance.look import Look, as_worn
from posecorpus.synth.bodies.model import BodyModel
from posecorpus.synth.bodies.skinning import Posed, vertex_normals
from posecorpus.synth.clothing.dressed import Dressed
from posecorpus.synth.clothing.garments import hair, lines, tailor
from posecorpus.synth.clothing.mannequin import ARM, UP, mannequin
from posecorpus.synth.raster.engine import render
from posecorpus.synth.scene import Frame, Mesh, Texture

BLANK = Texture((np.full((1, 1, 3), 128, np.uint8),))
LIGHT = np.zeros((9, 3), np.float32)
SIDE = 140
JUST_BEHIND_M = 0.02


@dataclass(frozen=True)
class Counts:
    """Pixels of one view: cloth that is seen, skin under cloth that stands out of it, and holes."""

    cloth: int
    poking: int
    holes: int


def cameras(middle: np.ndarray, extent: float) -> Iterator[Camera]:
    """Twenty views: from the corners of a dodecahedron."""
    g = (1 + 5**0.5) / 2
    corners = [(x, y, z) for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)]
    corners += [
        p for a in (-1, 1) for b in (-1, 1) for p in ((0, a / g, b * g), (a / g, b * g, 0), (a * g, 0, b / g))
    ]
    for corner in corners:
        away = 5.0 * np.array(corner) / np.linalg.norm(corner)
        yield Camera.look_at(tuple(middle + away), tuple(middle), 5.0 * SIDE / extent, SIDE, SIDE)


def ring(points: np.ndarray) -> Iterator[Camera]:
    """Eight views from around and a little above."""
    middle = (points.min(0) + points.max(0)) / 2
    for angle in np.arange(8) * np.pi / 4:
        away = 4.0 * np.array([np.sin(angle), 0.2, np.cos(angle)])
        yield Camera.look_at(tuple(middle + away), tuple(middle), 2.0 * SIDE, SIDE, SIDE)


def depth_of(points: np.ndarray, faces: np.ndarray, camera: Camera) -> np.ndarray:
    """(SIDE, SIDE) depth of the front faces, 0 where there are none."""
    marks, uv = np.ones(len(faces), np.uint8), np.zeros((1, 2), np.float32)
    mesh = Mesh(points, points, vertex_normals(points, faces), faces, marks, 1, uv, 0 * faces, BLANK)
    return render([mesh], camera, LIGHT, np.zeros((SIDE, SIDE, 3), np.uint8)).depth


def under_cloth(body: BodyModel, look: Look, inside_m: float) -> np.ndarray:
    """(F,) faces of the body that lie farther than ``inside_m`` under a garment or the hair."""
    who = mannequin(body)
    look = as_worn(look, who.at)
    top, bottom = tailor(look, who, lines(look, who.at))
    outlines = [top.outline] if look.skirted else [top.outline, bottom.outline]
    if look.skirted:
        y, arm = who.fields[:, UP], who.fields[:, ARM]
        lining = float(who.at.joint("l_hip")[1] * 0.7 + who.at.joint("l_knee")[1] * 0.3)
        outlines.append(np.minimum(np.minimum(y - look.fit.skirt_bottom, lining - y), 0.5 - arm))
    if look.face.scarf_below > 0:
        outlines.append(hair(look, who).outline)
    deep = np.zeros(len(body.v_template), bool)
    deep[who.own] = np.max(outlines, axis=0)[: len(who.own)] > inside_m
    return np.asarray(deep[body.faces].all(axis=1))


def views(body: BodyModel, look: Look, dressed: Dressed, posed: Posed, frame: int = 0) -> Iterator[Counts]:
    """What is seen of one pose from twenty sides."""
    skin, worn = dressed.surfaces
    skin_points, worn_points = (v[frame] for v in dressed.pose(posed))
    deep = under_cloth(body, look, 0.004).astype(np.uint8) + 1
    index = {face.tobytes(): i for i, face in enumerate(body.faces)}
    kept = deep[[index[face.tobytes()] for face in skin.faces]]
    middle = (skin_points.min(0) + skin_points.max(0)) / 2
    extent = 1.1 * float(np.linalg.norm(skin_points.max(0) - skin_points.min(0)))

    def look_at(
        camera: Camera, points: np.ndarray, faces: np.ndarray, marks: np.ndarray, both: bool
    ) -> Frame:
        uv_faces = np.zeros_like(faces)
        mesh = Mesh(
            points, points, vertex_normals(points, faces), faces, marks, 1, np.zeros((1, 2), np.float32),
            uv_faces, BLANK, both,
        )  # fmt: skip
        return render([mesh], camera, LIGHT, np.zeros((SIDE, SIDE, 3), np.uint8))

    for camera in cameras(middle, extent):
        naked = look_at(camera, skin_points, body.faces, deep, False)
        bare = look_at(camera, skin_points, skin.faces, kept, False)
        front = look_at(camera, worn_points, worn.faces, worn.face_parts, False)
        both = look_at(camera, worn_points, worn.faces, worn.face_parts, True)
        cloth_behind = (front.depth > bare.depth) & (front.depth < bare.depth + JUST_BEHIND_M)
        poking = (bare.parts == 2) & cloth_behind & ~((both.depth > 0) & (both.depth < bare.depth))
        holes = (naked.parts == 2) & (both.depth == 0) & (bare.depth == 0)
        seen = (both.depth > 0) & ((bare.depth == 0) | (both.depth < bare.depth))
        yield Counts(int(seen.sum()), int(poking.sum()), int(holes.sum()))
