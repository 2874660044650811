"""From a rendered frame and the posed bodies to the labels of a :class:`Sample`.

Joint visibility follows two rules. A joint inside the body is VISIBLE if its pixel shows, of this very
person, a part that the joint belongs to, no farther in front of it than a trunk is thick, and hardly behind
it: through a gap one may look past a joint at the far side of its sleeve. A point of the
skin (nose, eyes, ears, crown) is VISIBLE if its pixel shows the surface it lies on, or looks past it while
one of the eight pixels around shows that surface: the point then lies on the outline. Every other joint
that projects is labelled but HIDDEN, also outside the picture; a joint behind the camera has no pixel and
is UNLABELLED.

With a regressor people carry the joints of its target instead of FULL_42's: regressed from the body's
landmarks, projected like any joint. Their visibility follows the same rules at the place they are regressed to,
with the parts, and the skin or inside, of the landmark they stand for.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from posecorpus.core.parts import SMPL_24_PARTS
from posecorpus.core.sample import HIDDEN, UNLABELLED, VISIBLE, Person, Sample
from posecorpus.core.skeletons import FULL_42, SMPL_24, correspondence, skeleton
from posecorpus.synth.quantise import quantise
from posecorpus.synth.raster.jit import kernel
from posecorpus.synth.record import describe_scene
from posecorpus.synth.regressors.regressor import JointRegressor
from posecorpus.synth.scene import Frame, Scene

SURFACE_TOLERANCE_M = 0.04
"""How far the seen surface may lie from a point of the skin that counts as seen."""
INNER_DEPTH_M = 0.25
"""How far the seen surface may lie in front of a joint inside the body that counts as seen.

From any side a pelvis or spine lies at most 0.23 and 0.26 m deep in the open bodies with betas within +-2; a
thigh that points at the camera ends up to half a metre before the hip.
"""
BEHIND_M = 0.05
"""How far the seen surface may lie behind a joint inside the body that counts as seen."""
SURFACE_JOINTS = ("nose", "l_eye", "r_eye", "l_ear", "r_ear", "head_top")

_EXTRA_PARTS = {
    "pelvis": "spine1 l_hip r_hip",
    "upper_neck": "head neck",
    "head_centre": "head",
    "thorax": "neck spine3 l_collar r_collar",
    "jaw_h36m": "head neck",
    "head_h36m": "head",
    "spine_h36m": "spine1 spine2 spine3",
    "pelvis_lsp": "pelvis spine1 l_hip r_hip",
    "pelvis_h36m": "pelvis spine1 l_hip r_hip",
    "l_hip_lsp": "pelvis spine1 l_hip",
    "r_hip_lsp": "pelvis spine1 r_hip",
    "l_hip_h36m": "pelvis spine1 l_hip",
    "r_hip_h36m": "pelvis spine1 r_hip",
} | dict.fromkeys(SURFACE_JOINTS, "head")


def _joint_parts() -> NDArray[np.bool_]:
    """(J, 256) whether a part id of SMPL-24 is a part that a joint of FULL_42 belongs to."""
    ids = {name: i for i, name in SMPL_24_PARTS.legend.items()}
    table = np.zeros((len(FULL_42), 256), dtype=bool)
    for j, joint in enumerate(FULL_42.joints):
        names = _EXTRA_PARTS.get(joint, "").split()
        if joint in SMPL_24.joints:  # the segments on both sides of the joint
            parent = SMPL_24.parents[SMPL_24.index(joint)]
            names += [joint] + ([SMPL_24.joints[parent]] if parent >= 0 else [])
        table[j, [ids[name] for name in names]] = True
    return table


JOINT_PARTS = _joint_parts()
AROUND = np.array([(0, 0), *((dx, dy) for dy in (-1, 0, 1) for dx in (-1, 0, 1) if dx or dy)])
"""(9, 2) columns and rows from a pixel to itself and its neighbours."""


@lru_cache(maxsize=32)
def _rules(name: str) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Parts (J, 256) that a skeleton's joints belong to, and (J,) which are points of the skin.

    A joint that is no joint of FULL_42 belongs to every part.
    """
    shape = skeleton(name)
    picked = correspondence(FULL_42, shape)
    parts = np.where(picked[:, None] >= 0, JOINT_PARTS[picked], True)
    return parts, np.isin(shape.landmarks, SURFACE_JOINTS)


def make_sample(
    key: str,
    scene: Scene,
    frame: Frame,
    joints_world: Sequence[NDArray[np.float32]],
    clip: str,
    number: int,
    provenance: dict[str, Any],
    photograph: bytes | None = None,
    regressor: JointRegressor | None = None,
) -> Sample:
    """All labels of one frame.

    Args:
        joints_world: per person, (42, 3) landmarks of FULL_42 in the world.
        number: the frame's number within the clip.
        photograph: the picture as a camera stored it, JPEG; the frame's own colours if None.
        regressor: gives the joints people are labelled with; FULL_42's if None.
    """
    camera = scene.camera
    name = FULL_42.name if regressor is None else regressor.target
    bodies = joints_world if regressor is None else [regressor.of_body(world) for world in joints_world]
    joints3d = camera.to_camera(np.reshape(bodies, (len(scene.people), len(skeleton(name)), 3)))
    # Rounded first: a joint on the edge of a pixel must have the visibility of the pixel that is stored.
    joints2d = camera.project_camera(joints3d)[0].astype(np.float32)
    flags = visibility(joints2d, joints3d[..., 2], frame, np.arange(1, len(joints3d) + 1), name)
    boxes = bounding_boxes(frame.instances, joints2d)
    people = [
        Person(
            skeleton=name,
            joints2d=joints2d[i],
            joints3d=joints3d[i].astype(np.float32),
            visibility=flags[i],
            bbox=boxes[i],
            body=who.body,
            gender=who.gender,
            pose=who.pose,
            betas=who.betas,
            translation=who.translation,
            motion=who.motion,
            motion_frame=who.motion_frame,
        )
        for i, who in enumerate(scene.people)
    ]
    depth_mm, normals, flow = quantise(frame)
    return Sample(
        key=key,
        width=camera.width,
        height=camera.height,
        people=people,
        image=frame.rgb if photograph is None else None,
        camera=camera,
        parts=frame.parts,
        instances=frame.instances,
        depth_mm=depth_mm,
        normals=normals,
        flow=flow,
        clip=clip,
        frame=number,
        provenance=provenance | describe_scene(scene),
        encoded={} if photograph is None else {"image": photograph},
    )


def visibility(
    joints2d: NDArray[np.floating],
    depth: NDArray[np.floating],
    frame: Frame,
    instance: ArrayLike,
    name: str = FULL_42.name,
) -> NDArray[np.uint8]:
    """(..., J) flags of people's joints by the rules at the head of this file.

    Args:
        joints2d: (..., J, 2) pixels, NaN behind the camera.
        depth: (..., J) z of the joints, metres.
        instance: (...) the people's ids in ``frame.instances``.
        name: the joints' skeleton.
    """
    parts, on_surface = _rules(name)
    height, width = frame.parts.shape
    labelled = np.isfinite(joints2d).all(-1)
    pixels = np.where(labelled[..., None], np.clip(joints2d, -1.0, max(height, width) + 1.0), -1.0)
    x, y = np.moveaxis(np.floor(pixels).astype(int), -1, 0)
    inside = (x >= 0) & (x < width) & (y >= 0) & (y < height)
    # (..., J, 9) pixels, the joint's own first; those over the border repeat one that is in the picture.
    x = np.clip(np.where(inside, x, 0)[..., None] + AROUND[:, 0], 0, width - 1)
    y = np.clip(np.where(inside, y, 0)[..., None] + AROUND[:, 1], 0, height - 1)
    own = parts[np.arange(len(parts))[:, None], frame.parts[y, x]]
    own &= frame.instances[y, x] == np.asarray(instance)[..., None, None]
    surface = frame.depth[y, x]
    in_front = depth[..., None] - surface
    flesh = own[..., 0] & (in_front[..., 0] <= INNER_DEPTH_M) & (in_front[..., 0] >= -BEHIND_M)
    skin = own & (np.abs(in_front) <= SURFACE_TOLERANCE_M)
    looks_past = (surface[..., 0] == 0) | (in_front[..., 0] < 0)
    on_outline = looks_past & skin.any(-1)
    seen = inside & np.where(on_surface, skin[..., 0] | on_outline, flesh)
    return np.where(seen, VISIBLE, np.where(labelled, HIDDEN, UNLABELLED)).astype(np.uint8)


def bounding_boxes(instances: NDArray[np.uint8], joints2d: NDArray[np.floating]) -> NDArray[np.float32]:
    """(P, 4) x0, y0, x1, y1: the edges of the pixels where each person is seen.

    A person of whom no pixel is seen gets the box of the projected joints, which may lie outside the
    picture; with all joints behind the camera it is NaN.

    Args:
        instances: (H, W) ids, ``i + 1`` of the i-th person.
        joints2d: (P, J, 2) pixels, NaN behind the camera.
    """
    seen = np.zeros((256, 4), np.int64)
    _extents(instances, seen)
    boxes = seen[1 : len(joints2d) + 1].astype(np.float32)
    for i in np.flatnonzero(boxes[:, 2] == 0):
        points = joints2d[i][np.isfinite(joints2d[i]).all(-1)]
        boxes[i] = np.concatenate([points.min(0), points.max(0)]) if len(points) else np.nan
    return boxes


@kernel
def _extents(instances: NDArray[np.uint8], boxes: NDArray[np.int64]) -> None:
    """Fill in (256, 4) x0, y0, x1, y1 of each id but 0; ids that are not there stay 0."""
    height, width = instances.shape
    for y in range(height):
        x = 0
        while x < width:
            start, owner = x, instances[y, x]
            while x < width and instances[y, x] == owner:
                x += 1
            if owner > 0:
                box = boxes[owner]
                if box[2] == 0:
                    box[0], box[1] = start, y
                box[0], box[2], box[3] = min(box[0], start), max(box[2], x), y + 1
