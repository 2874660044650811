"""The same skinning as :mod:`skinning`, batched and differentiable, on any device."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from posecorpus.core.skeletons import FULL_42, SMPL_24
from posecorpus.synth.bodies.model import BodyModel


@dataclass(frozen=True)
class TorchBody:
    """What skinning needs of a :class:`BodyModel`, as tensors of one device and precision.

    Attributes:
        v_template: (V, 3) metres.
        shapedirs: (B, V, 3).
        posedirs: (207, V, 3) or None.
        weights: (V, 24).
        landmarks_template: (42, 3) metres.
        landmarks_shapedirs: (B, 42, 3).
    """

    v_template: Tensor
    shapedirs: Tensor
    posedirs: Tensor | None
    weights: Tensor
    landmarks_template: Tensor
    landmarks_shapedirs: Tensor


@dataclass(frozen=True)
class TorchPosed:
    """Bodies in the world, metres: ``vertices`` (N, V, 3) and ``landmarks`` (N, 42, 3) of ``full_42``."""

    vertices: Tensor
    landmarks: Tensor

    @property
    def joints(self) -> Tensor:
        """(N, 24, 3) SMPL joints."""
        return self.landmarks[:, : len(SMPL_24)]


def torch_body(
    body: BodyModel, device: torch.device | str = "cpu", dtype: torch.dtype = torch.float32
) -> TorchBody:
    """Copy a body to a device."""

    def tensor(array: np.ndarray[tuple[int, ...], np.dtype[np.floating]]) -> Tensor:
        return torch.tensor(np.ascontiguousarray(array), device=device, dtype=dtype)

    dense = np.zeros((len(body.weights), len(body.parents)), np.float32)
    np.add.at(dense, (np.arange(len(dense))[:, None], body.weight_joints), body.weights)
    return TorchBody(
        v_template=tensor(body.v_template),
        shapedirs=tensor(np.moveaxis(body.shapedirs, -1, 0)),
        posedirs=None if body.posedirs is None else tensor(np.moveaxis(body.posedirs, -1, 0)),
        weights=tensor(dense),
        landmarks_template=tensor(body.landmarks_template),
        landmarks_shapedirs=tensor(np.moveaxis(body.landmarks_shapedirs, -1, 0)),
    )


def pose_body(body: TorchBody, betas: Tensor, poses: Tensor, translations: Tensor) -> TorchPosed:
    """Shape, pose and place N bodies; gradients flow to all three.

    Args:
        body: from :func:`torch_body`; the arguments are on its device.
        betas: (N, B) shape, B up to the body's own; missing ones count as zero.
        poses: (N, 24, 3) axis-angles in radians.
        translations: (N, 3) metres, added to vertices and joints.
    """
    count = betas.shape[1]
    rest = body.v_template + torch.einsum("nb,bvc->nvc", betas, body.shapedirs[:count])
    points = body.landmarks_template + torch.einsum("nb,bpc->npc", betas, body.landmarks_shapedirs[:count])
    local = rotation_matrices(poses)
    if body.posedirs is not None:
        identity = torch.eye(3, dtype=poses.dtype, device=poses.device)
        feature = (local[:, 1:] - identity).flatten(1)
        rest = rest + torch.einsum("np,pvc->nvc", feature, body.posedirs)
    rotations, world = _forward_kinematics(local, points)
    joints = len(SMPL_24)
    offsets = world[:, :joints] - torch.einsum("njab,njb->nja", rotations, points[:, :joints])
    transforms = torch.cat([rotations, offsets[..., None]], dim=-1)
    blend = (body.weights @ transforms.flatten(2)).reshape(*rest.shape[:2], 3, 4)
    vertices = (blend[..., :3] @ rest[..., None])[..., 0] + blend[..., 3]
    return TorchPosed(vertices + translations[:, None], world + translations[:, None])


def rotation_matrices(axis_angles: Tensor) -> Tensor:
    """(..., 3, 3) rotations of axis-angles (..., 3) by Rodrigues' formula; smooth at zero."""
    squared = (axis_angles**2).sum(dim=-1)[..., None, None]
    small = squared < 1e-8
    safe = torch.where(small, torch.ones_like(squared), squared)  # keeps NaN out of the gradient
    angle = safe.sqrt()
    first = torch.where(small, 1 - squared / 6, angle.sin() / angle)
    second = torch.where(small, 0.5 - squared / 24, (1 - angle.cos()) / safe)
    x, y, z = axis_angles.unbind(-1)
    zero = torch.zeros_like(x)
    cross = torch.stack([zero, -z, y, z, zero, -x, -y, x, zero], dim=-1).reshape(*x.shape, 3, 3)
    identity = torch.eye(3, dtype=axis_angles.dtype, device=axis_angles.device)
    rotations: Tensor = identity + first * cross + second * (cross @ cross)
    return rotations


def _forward_kinematics(local: Tensor, points: Tensor) -> tuple[Tensor, Tensor]:
    """World rotations (N, 24, 3, 3) of the joints and positions (N, 42, 3) of all points."""
    rotations: list[Tensor] = []
    world: list[Tensor] = []
    for i, parent in enumerate(FULL_42.parents):
        if parent < 0:
            world.append(points[:, i])
            rotations.append(local[:, i])
            continue
        bone = (points[:, i] - points[:, parent])[..., None]
        world.append(world[parent] + (rotations[parent] @ bone)[..., 0])
        if i < len(SMPL_24):
            rotations.append(rotations[parent] @ local[:, i])
    return torch.stack(rotations, dim=1), torch.stack(world, dim=1)
