"""What per-pixel labels must hold to among themselves. Each check gives messages, or None where it does not apply."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from posecorpus.core.sample import VISIBLE, Sample
from posecorpus.core.skeletons import skeleton
from posecorpus.inspect.verify.joints import Messages
from posecorpus.inspect.verify.subject import Subject, joint_parts
from posecorpus.inspect.verify.visibility import ROUNDING_M, on_skin, pixels_around
from posecorpus.synth.labels import BEHIND_M, INNER_DEPTH_M, SURFACE_TOLERANCE_M

UNIT_TOLERANCE = 0.02
"""Rounding to 8 bits moves a unit vector by at most sqrt(3) / 255."""
AWAY_COSINE, AWAY_SHARE = 0.2, 0.05
"""Interpolated normals may look away from the camera at outlines and in folds, but only a few."""
GRADIENT_DEG = 15.0
MIN_GRADIENT_PIXELS = 200
MIN_PIXEL_M = 4e-3
"""Between the centres of finer pixels, whole millimetres of depth show no slope."""

Mask = NDArray[np.bool_]


def check_ids(subject: Subject) -> Messages:
    """No part id outside the legend, no instance without a person."""
    sample = subject.sample
    messages: Messages = None
    if sample.parts is not None and subject.taxonomy is not None:
        messages = []
        used = np.flatnonzero(np.bincount(sample.parts.ravel(), minlength=256))
        strangers = [int(i) for i in used if int(i) not in subject.taxonomy.legend]
        if strangers:
            where = _first(np.isin(sample.parts, strangers))
            messages.append(f"parts: id {strangers[0]} {where} is not in {subject.taxonomy.name}'s legend")
    if sample.instances is not None:
        messages = messages or []
        if int(sample.instances.max(initial=0)) > len(sample.people):
            messages.append(f"instances: id {int(sample.instances.max())} of {len(sample.people)} people")
    return messages


def check_masks(subject: Subject) -> Messages:
    """The rasters agree on where there is a person and where a surface.

    A surface that belongs to nobody (instance 0) is an occluder: it has depth and a normal, but no part.
    """
    sample = subject.sample
    fields = {"parts": subject.rendered_parts, "instances": sample.instances, "depth": sample.depth_mm}
    on: dict[str, Mask] = {name: value > 0 for name, value in fields.items() if value is not None}
    if sample.normals is not None:
        on["normals"] = any_channel(sample.normals)
    if len(on) < 2:
        return None
    messages = []
    for a, b in (("parts", "instances"), ("depth", "normals")):
        if a in on and b in on and (on[a] != on[b]).any():
            messages.append(f"{a} and {b} disagree {_first(on[a] != on[b])} on what is empty")
    person = on.get("instances", on.get("parts"))
    surface = on.get("depth", on.get("normals"))
    if person is not None and surface is not None and (person & ~surface).any():
        messages.append(f"a person without a surface {_first(person & ~surface)}")
    anything = surface if surface is not None else person
    if sample.flow is not None and anything is not None:
        stray = any_channel(sample.flow) & ~anything
        if stray.any():
            messages.append(f"flow on the static background {_first(stray)}")
    return messages


def check_joint_parts(subject: Subject) -> Messages:
    """The part under a visible joint of a rendered person (for the skin: under or beside it) is one of the joint's."""
    sample, parts = subject.sample, subject.rendered_parts
    if parts is None or subject.taxonomy is None:
        return None
    messages: Messages = None
    for i, person in enumerate(sample.people):
        own = joint_parts(person.skeleton, subject.taxonomy.name)
        if own is None or person.body is None:
            continue
        messages = messages or []
        inside, x, y = pixels_around(person, sample.width, sample.height)
        around = parts[y, x]
        ids, fits = around[:, 0], own[np.arange(len(own))[:, None], around]
        shown = np.where(on_skin(person.skeleton), fits.any(-1), fits[:, 0])
        wrong = inside & (person.visibility == VISIBLE) & ~shown
        names = skeleton(person.skeleton).joints
        messages += [
            f"people[{i}].{names[j]} is visible on part {subject.taxonomy.legend.get(int(ids[j]), ids[j])}"
            for j in np.flatnonzero(wrong)
        ]
    return messages


def check_joint_depth(subject: Subject) -> Messages:
    """The surface at a visible joint is the joint's own flesh; no hidden joint hovers before a surface."""
    sample = subject.sample
    if sample.depth_mm is None:
        return None
    messages: Messages = None
    depth = sample.depth_mm / 1e3
    for i, person in enumerate(sample.people):
        if person.joints3d is None:
            continue
        messages = messages or []
        inside, x, y = pixels_around(person, sample.width, sample.height)
        around, skin = depth[y, x], on_skin(person.skeleton)
        gap = person.joints3d[:, 2:] - around  # how far the joint is behind the surface
        reach = np.where(skin, SURFACE_TOLERANCE_M, INNER_DEPTH_M)[:, None] + ROUNDING_M
        fits = (gap >= -np.minimum(reach, BEHIND_M + ROUNDING_M)) & (gap <= reach) & (around > 0)
        visible = inside & (person.visibility == VISIBLE) & ~np.where(skin, fits.any(-1), fits[:, 0])
        # Of the pixels around a hidden joint one must be near or before it: its own may look past an outline.
        hovering = inside & (person.visibility != VISIBLE) & (gap[:, 0] < -BEHIND_M) & (around[:, 0] > 0)
        hovering &= ~((gap >= -BEHIND_M) & (around > 0)).any(-1)
        names = skeleton(person.skeleton).joints
        for wrong, what in ((visible, "is visible"), (hovering, "is hidden")):
            messages += [
                f"people[{i}].{names[j]} {what} at z = {person.joints3d[j, 2]:.3f} m, the surface is at {around[j, 0]:.3f} m"
                for j in np.flatnonzero(wrong)
            ]
    return messages


def check_normals(subject: Subject) -> Messages:
    """Normals have unit length, face the camera, and lean as the depth does."""
    sample = subject.sample
    if sample.normals is None or sample.camera is None:
        return None
    y, x = np.nonzero(any_channel(sample.normals))
    if not len(y):
        return []
    normals = sample.normals[y, x] / 127.5 - 1.0
    messages = []
    length = np.sqrt(dots(normals, normals))
    if (np.abs(length - 1) > UNIT_TOLERANCE).any():
        worst = int(np.abs(length - 1).argmax())
        messages.append(f"a normal of length {length[worst]:.3f} at ({x[worst]}, {y[worst]})")
    rays = sample.camera.unproject(np.column_stack([x, y]) + 0.5, np.ones(len(x)))
    cosine = dots(normals, rays) / np.sqrt(dots(rays, rays))
    away = cosine > AWAY_COSINE
    if away.mean() > AWAY_SHARE:
        worst = int(cosine.argmax())
        messages.append(
            f"{away.mean():.0%} of the normals look away from the camera, e.g. at ({x[worst]}, {y[worst]})"
        )
    angle = _angle_to_depth(sample)
    if angle is not None and angle > GRADIENT_DEG:
        messages.append(f"normals are {angle:.0f} degrees off the slope of the depth (median)")
    return messages


def _angle_to_depth(sample: Sample) -> float | None:
    """Median angle, degrees, between normals and the surface through the pixels beside; None if there are too few."""
    if sample.depth_mm is None or sample.normals is None or sample.camera is None:
        return None
    z = sample.depth_mm / 1e3
    reach = np.abs(z[1:-1, 2:] - z[1:-1, :-2]) + np.abs(z[2:, 1:-1] - z[:-2, 1:-1])
    pixel_m = z[1:-1, 1:-1] / sample.camera.K[0, 0]
    smooth = (z[1:-1, 2:] > 0) & (z[1:-1, :-2] > 0) & (z[2:, 1:-1] > 0) & (z[:-2, 1:-1] > 0)
    # Slopes up to 60 degrees that millimetres resolve; steeper ones may be jumps to another limb.
    smooth &= (z[1:-1, 1:-1] > 0) & (reach < 4 * pixel_m + 2e-3) & (pixel_m > MIN_PIXEL_M)
    y, x = np.nonzero(smooth)
    if len(y) < MIN_GRADIENT_PIXELS:
        return None
    y, x = y + 1, x + 1

    def point(dx: int, dy: int) -> NDArray[np.float64]:
        assert sample.camera is not None
        return sample.camera.unproject(np.column_stack([x + dx, y + dy]) + 0.5, z[y + dy, x + dx])

    slope = np.cross(point(0, 1) - point(0, -1), point(1, 0) - point(-1, 0))
    normals = sample.normals[y, x] / 127.5 - 1.0
    cosine = dots(slope, normals) / np.sqrt(dots(slope, slope) * dots(normals, normals))
    return float(np.degrees(np.arccos(np.clip(np.median(cosine), -1, 1))))


def check_flow_values(subject: Subject) -> Messages:
    """Flow is finite wherever it is stored."""
    flow = subject.sample.flow
    if flow is None:
        return None
    finite = np.isfinite(flow)
    return [] if finite.all() else [f"not a number {_first(any_channel(~finite))}"]


def dots(a: NDArray[np.floating], b: NDArray[np.floating]) -> NDArray[np.float64]:
    """(N,) inner products of (N, C) rows; far faster than ``sum(-1)`` for few channels."""
    return np.asarray(np.einsum("nc,nc->n", a, b))


def any_channel(values: NDArray[Any]) -> Mask:
    """(H, W) where any channel of (H, W, C) is not zero; far faster than ``any(-1)`` for few channels."""
    result: Mask = values[..., 0] != 0
    for channel in range(1, values.shape[-1]):
        result |= values[..., channel] != 0
    return result


def _first(mask: Mask) -> str:
    y, x = np.argwhere(mask)[0].tolist()
    return f"at ({x}, {y})"
