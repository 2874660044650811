"""Rasters of rendered people against rays cast at their bodies, pixel by pixel.

Renderers snap vertices to a grid (ours to 1/4096 pixel, graphics cards to 1/256), so where an outline or a border
between parts passes that close to a pixel's centre, a raster may show what lies on either side. A pixel is right
if it agrees with the ray through its centre or with one of two rings of eight rays around it. A face that is seen
almost edge-on may also be read a little beyond its own border: its depth may leave the range of these rays by as
much as that range, and at an outline by a centimetre. Of two surfaces that lie in one another, like boards of a shelf
that share a plane, either may be shown. There is no other allowance.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from posecorpus.core.errors import InputError
from posecorpus.core.parts import SMPL_24_PARTS, merge_table, taxonomy
from posecorpus.inspect.verify.cast import Hits, interpolate, sides
from posecorpus.inspect.verify.joints import Messages
from posecorpus.inspect.verify.rasters import any_channel, dots
from posecorpus.inspect.verify.subject import Subject
from posecorpus.synth.bodies.skinning import vertex_normals
from posecorpus.synth.raster.visibility import NEAR_M

DEPTH_M = 1.5e-3
NORMAL_COSINE = float(np.cos(np.radians(4.0)))
EDGE_ON_M = 0.01
SAME_PLACE_M = 1e-5
"""Renderers hold depth in single precision: surfaces as near to each other as this are in one another."""
FLOW_PX, FLOW_SHARE = 0.02, 2e-3
"""Flow is stored in half precision: 11 significant bits."""

Mask = NDArray[np.bool_]
Pixels = tuple[NDArray[np.intp], NDArray[np.intp]]
Agree = Callable[[Hits, Pixels, Pixels], Mask]
"""Whether a raster's pixels (rows, columns) agree with hits at (rows, columns) of their window."""

_RINGS = [
    (dx * radius_px, dy * radius_px)
    for radius_px in (1 / 2048, 1 / 192)
    for dy in (-1, 0, 1)
    for dx in (-1, 0, 1)
    if dx or dy
]


def check_surface_depth(subject: Subject) -> Messages:
    """Depth is that of the bodies, to a millimetre and a half."""
    depth = subject.sample.depth_mm
    if depth is None or not subject.surfaces_known:
        return None
    metres = depth / 1e3
    occluded = subject.occluded

    def agree(hits: Hits, pixels: Pixels, at: Pixels) -> Mask:
        z, seen = hits.z[at], metres[pixels]
        return np.where(np.isfinite(z), np.abs(seen - z) <= DEPTH_M, seen == 0) | occluded[pixels]

    wrong = _disagreeing(subject, agree, metres > 0)
    wrong = wrong[~_within_reach(subject, wrong, metres)]
    return _messages(wrong, lambda y, x: f"{metres[y, x]:.3f} m, a body is at {subject.hits.z[y, x]:.3f} m")


def check_surface_instances(subject: Subject) -> Messages:
    """Each pixel belongs to the person whose body is seen there. Ids of nobody are reported elsewhere."""
    instances = subject.sample.instances
    if instances is None or not subject.surfaces_known:
        return None
    occluded, people = subject.occluded, len(subject.posed)
    owners = np.array([0, *(shell.instance for shell in subject.shells)], np.uint8)

    def agree(hits: Hits, pixels: Pixels, at: Pixels) -> Mask:
        seen = instances[pixels]
        return np.asarray((owners[hits.mesh[at]] == seen) | occluded[pixels] | (seen > people))

    wrong = _disagreeing(subject, agree, instances > 0)
    met = owners[subject.hits.mesh]
    return _messages(wrong, lambda y, x: f"instance {instances[y, x]}, a ray meets {met[y, x]}")


def check_surface_parts(subject: Subject) -> Messages:
    """Each pixel shows the part of the body that is seen there. Ids outside the legend are reported elsewhere."""
    parts = subject.rendered_parts
    if parts is None or subject.taxonomy is None or not subject.surfaces_known:
        return None
    merge, legend = _merge(subject.taxonomy.name), subject.taxonomy.legend
    if merge is None:
        return None
    occluded = subject.occluded
    known = np.isin(np.arange(256), list(legend))
    face_parts = [merge[shell.surface.face_parts] for shell in subject.shells]

    def agree(hits: Hits, pixels: Pixels, at: Pixels) -> Mask:
        mesh, face = hits.mesh[at], hits.face[at]
        expected = np.zeros(len(mesh), np.uint8)
        for i, ids in enumerate(face_parts):
            expected[mesh == i + 1] = ids[face[mesh == i + 1]]
        seen = parts[pixels]
        return np.asarray((expected == seen) | occluded[pixels] | ~known[seen])

    wrong = _disagreeing(subject, agree, parts > 0)
    return _messages(wrong, lambda y, x: f"{legend.get(int(parts[y, x]))}, a ray meets another part")


def check_surface_normals(subject: Subject) -> Messages:
    """Normals are those of the bodies, interpolated between vertices, to four degrees."""
    normals, camera = subject.sample.normals, subject.sample.camera
    if normals is None or camera is None or not subject.surfaces_known:
        return None
    faces = [shell.surface.faces for shell in subject.shells]
    at_vertices = [vertex_normals(s.vertices, s.surface.faces) @ camera.R.T for s in subject.shells]

    def agree(hits: Hits, pixels: Pixels, at: Pixels) -> Mask:
        expected = interpolate(hits, *at, faces, at_vertices)
        got = normals[pixels] / 127.5 - 1.0
        norm = np.sqrt(dots(expected, expected) * dots(got, got))
        cosine = dots(expected, got) * sides(hits, *at, subject.targets)
        return np.asarray((hits.mesh[at] == 0) | (norm < 1e-6) | (cosine >= NORMAL_COSINE * norm))

    stored = any_channel(normals) & ~subject.occluded
    wrong = _disagreeing(subject, agree, stored, only=stored)
    return _messages(wrong, lambda y, x: "the normal is over four degrees off a body's")


def check_surface_flow(subject: Subject) -> Messages:
    """Flow leads to where the clip's next sample has the same point of the same body."""
    flow, camera = subject.sample.flow, subject.sample.camera
    after = camera if subject.following is None else subject.following.camera
    if flow is None or camera is None or after is None or not subject.surfaces_known:
        return None
    shells, following = subject.shells, subject.shells_next
    if len(following) != len(shells):
        return None
    if any(a.vertices.shape != b.vertices.shape for a, b in zip(shells, following, strict=True)):
        return ["the body model changes within the clip"]
    faces = [shell.surface.faces for shell in shells]
    moved = [after.to_camera(shell.vertices) for shell in following]

    def agree(hits: Hits, pixels: Pixels, at: Pixels) -> Mask:
        points = interpolate(hits, *at, faces, moved)
        expected = after.project_camera(points)[0] - np.column_stack([pixels[1], pixels[0]]) - 0.5
        valid = points[:, 2] >= NEAR_M  # nearer points have no flow
        off = flow[pixels] - expected
        allowed = FLOW_PX + FLOW_SHARE * np.sqrt(dots(expected, expected))
        return np.asarray(~valid | (np.sqrt(dots(off, off)) <= allowed))

    shown: Mask = (subject.hits.mesh > 0) & ~subject.occluded
    wrong = _disagreeing(subject, agree, shown, only=shown)
    return _messages(wrong, lambda y, x: f"flow {flow[y, x].tolist()} px leads elsewhere than a body moves")


def _disagreeing(subject: Subject, agree: Agree, marked: Mask, only: Mask | None = None) -> NDArray[np.intp]:
    """(N, 2) rows and columns of the pixels that agree with no ray near their centre.

    Args:
        marked: pixels to compare beside those where a body is met.
        only: compare no others than these.
    """
    compare = (subject.hits.mesh > 0) | marked
    if only is not None:
        compare &= only
    y, x = np.nonzero(compare)
    wrong = ~agree(subject.hits, (y, x), (y, x))
    y, x = y[wrong], x[wrong]
    for offset in _RINGS:
        if not len(y):
            break
        window = (int(x.min()), int(y.min()), int(x.max()) + 1, int(y.max()) + 1)
        hits = subject.cast(window, offset)
        wrong = ~agree(hits, (y, x), (y - window[1], x - window[0]))
        y, x = y[wrong], x[wrong]
    wrong = ~_in_one_another(subject, agree, y, x)
    return np.column_stack([y[wrong], x[wrong]])


def _in_one_another(
    subject: Subject, agree: Agree, y: NDArray[np.intp], x: NDArray[np.intp]
) -> NDArray[np.bool_]:
    """(N,) pixels that agree with a second surface in the very place of the first."""
    found = np.zeros(len(y), bool)
    if not len(y):
        return found
    window = (int(x.min()), int(y.min()), int(x.max()) + 1, int(y.max()) + 1)
    at = (y - window[1], x - window[0])
    for offset in ((0.0, 0.0), *_RINGS):
        first = subject.cast(window, offset).z
        second = subject.cast(window, offset, beyond=np.nextafter(first, np.inf))
        with np.errstate(invalid="ignore"):  # inf - inf where nothing is met
            near = second.z[at] - first[at] <= SAME_PLACE_M
        found |= near & agree(second, (y, x), at)
    return found


def _within_reach(
    subject: Subject, pixels: NDArray[np.intp], metres: NDArray[np.float64]
) -> NDArray[np.bool_]:
    """(N,) pixels (row, column) whose depth is no farther from the rays around them than these are apart."""
    if not len(pixels):
        return np.zeros(0, bool)
    (y0, x0), (y1, x1) = pixels.min(0).tolist(), pixels.max(0).tolist()
    at = (pixels[:, 0] - y0, pixels[:, 1] - x0)
    window = (x0, y0, x1 + 1, y1 + 1)
    z = np.stack([subject.cast(window, offset).z[at] for offset in (*_RINGS, (0.0, 0.0))])
    low, high = z.min(0), z.max(0, initial=-np.inf, where=np.isfinite(z))
    span = np.where(np.isfinite(low), high - low, -np.inf)
    outline = np.isfinite(low) & ~np.isfinite(z).all(0)
    span = np.where(outline, np.maximum(span, EDGE_ON_M), span)
    seen = metres[pixels[:, 0], pixels[:, 1]]
    return np.asarray((seen >= low - span) & (seen <= high + span))


@lru_cache(maxsize=8)
def _merge(name: str) -> NDArray[np.uint8] | None:
    try:
        return merge_table(SMPL_24_PARTS, taxonomy(name))
    except InputError:
        return None


def _messages(wrong: NDArray[np.intp], what: Callable[[int, int], str]) -> list[str]:
    if not len(wrong):
        return []
    y, x = (int(v) for v in wrong[0])
    return [f"at ({x}, {y}) {what(y, x)}; {len(wrong)} such pixels"]
