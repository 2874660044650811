"""A map from the joints of one skeleton to those of another, as plain data.

Rigs that share a joint's name do not share its place: Human3.6M's hips, neck and head are not SMPL's (LCR-Net++
section 4.1: "some of the 17 joints do not correspond exactly to their SMPL counterparts"). Two forms, both
of which commute with turning and moving the person, so that a map learned in one camera's frame holds in any:

``affine``  each joint is a weighted sum of the source's joints, with weights that sum to one and are shared by
            x, y and z. The default: (J - 1) numbers a joint are learned from a few hundred poses, and what is
            learned can be read. It cannot leave the space that the joints span: nothing tells it which way is
            ahead of a straight body.
``linear``  each coordinate is a linear function of all coordinates, in the frame of the trunk (origin between
            shoulders and hips, axes left, up and ahead of it). Reaches any place that is rigid with the trunk;
            needs more poses, and ones that turn every joint.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from posecorpus.core.errors import InputError
from posecorpus.core.skeletons import FULL_42, SKELETONS, TORSO, convert, correspondence, skeleton

Form = Literal["affine", "linear"]
BUILTIN = {"coco-clicks": "coco_clicks.json"}
"""Regressors that come with the package."""
MAX_BYTES = 4 << 20
_SUM_TOLERANCE = 1e-6


@dataclass(frozen=True)
class JointRegressor:
    """A map of joints.

    Attributes:
        name: for messages.
        source, target: names of skeletons of J and K joints.
        form: see the module's text.
        weights: (K, J) of the affine form; (3 K, 3 J + 1) of the linear one, constant last.
    """

    name: str
    source: str
    target: str
    form: Form
    weights: NDArray[np.float64]

    def apply(self, joints: NDArray[np.floating]) -> NDArray[np.float64]:
        """(..., K, 3) joints of the target from (..., J, 3) of the source, in the frame of those."""
        points = np.asarray(joints, np.float64)
        if self.form == "affine":
            return np.asarray(np.einsum("kj,...jc->...kc", self.weights, points))
        origin, axes = trunk_frame(points, self.source)
        local = (points - origin[..., None, :]) @ axes
        flat = local.reshape(*local.shape[:-2], -1)
        mapped = flat @ self.weights[:, :-1].T + self.weights[:, -1]
        placed = mapped.reshape(*mapped.shape[:-1], -1, 3) @ np.swapaxes(axes, -1, -2)
        return np.asarray(placed + origin[..., None, :])

    def of_body(self, landmarks: NDArray[np.floating]) -> NDArray[np.float64]:
        """(..., K, 3) joints of the target from the (..., 42, 3) landmarks of ``full_42``."""
        return self.apply(convert(landmarks, FULL_42, skeleton(self.source)))

    def as_json(self) -> dict[str, Any]:
        """What :func:`regressor_of` reads."""
        return {
            "name": self.name, "source": self.source, "target": self.target, "form": self.form,
            "weights": self.weights.tolist(),
        }  # fmt: skip


class _Weights(BaseModel):
    """The part of a regressor's file that says what it does; the rest says where it comes from."""

    model_config = ConfigDict(allow_inf_nan=False)
    name: str = Field(max_length=100)
    source: str
    target: str
    form: Form
    weights: list[list[float]]


def trunk_frame(joints: NDArray[np.floating], name: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Origin (..., 3) between shoulders and hips, and axes (..., 3, 3), columns left, up and ahead.

    Args:
        joints: (..., J, 3) of the named skeleton, metres.

    Raises:
        InputError: the skeleton lacks shoulders or hips.
    """
    torso = np.asarray(joints, np.float64)[..., _torso(name), :]
    left = _unit(torso[..., 0, :] - torso[..., 1, :] + torso[..., 2, :] - torso[..., 3, :])
    up = torso[..., 0, :] + torso[..., 1, :] - torso[..., 2, :] - torso[..., 3, :]
    up = _unit(up - (up * left).sum(-1, keepdims=True) * left)
    return torso.mean(-2), np.stack([left, up, np.cross(left, up)], -1)


@lru_cache(maxsize=32)
def _torso(name: str) -> list[int]:
    bases = [landmark.partition("@")[0] for landmark in skeleton(name).landmarks]
    if not set(TORSO) <= set(bases):
        raise InputError(f"skeleton {name}", "shoulders and hips, for the frame of the trunk", "none")
    return [bases.index(joint) for joint in TORSO]


def _unit(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    norm = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return vectors / np.where(norm > 0, norm, 1.0)


def regressor_of(data: Any, where: str) -> JointRegressor:
    """A regressor from the JSON value that a file or a manifest holds.

    Raises:
        InputError: not a regressor, unknown skeletons, weights of another shape, or affine ones that do not
            sum to one.
    """
    try:
        found = _Weights.model_validate(data)
    except ValidationError as error:
        first = error.errors()[0]
        at = f"{where}: {'.'.join(map(str, first['loc']))}"
        raise InputError(at, first["msg"], str(first["input"])[:80]) from None
    for name in (found.source, found.target):
        if name not in SKELETONS:
            raise InputError(where, f"skeletons among {', '.join(SKELETONS)}", repr(name[:80]))
    joints, targets = len(SKELETONS[found.source]), len(SKELETONS[found.target])
    shape = (targets, joints) if found.form == "affine" else (3 * targets, 3 * joints + 1)
    if len(found.weights) != shape[0] or any(len(row) != shape[1] for row in found.weights):
        raise InputError(f"{where}: weights", f"shape {shape} of the {found.form} form", "another")
    weights = np.array(found.weights)
    if found.form == "linear":
        _torso(found.source)
    elif np.abs(weights.sum(1) - 1).max() > _SUM_TOLERANCE:
        row = int(np.abs(weights.sum(1) - 1).argmax())
        joint = SKELETONS[found.target].joints[row]
        raise InputError(f"{where}: weights of {joint}", "a sum of 1", f"{weights[row].sum():.9g}")
    return JointRegressor(found.name, found.source, found.target, found.form, weights)


def load_regressor(which: str) -> JointRegressor:
    """The regressor of a name in :data:`BUILTIN`, or of a file that ``posecorpus fit-regressor`` wrote.

    Raises:
        InputError: no such file, too large, not JSON, or not a regressor.
    """
    if which in BUILTIN:
        text = (files("posecorpus.synth.regressors") / BUILTIN[which]).read_bytes()
        return regressor_of(json.loads(text), which)
    path = Path(which)
    try:
        with path.open("rb") as file:
            text = file.read(MAX_BYTES + 1)
        if len(text) > MAX_BYTES:
            raise InputError(path, f"at most {MAX_BYTES >> 20} MiB", "more")
        data = json.loads(text)
    except OSError as error:
        expected = f"a regressor's file, or one of {', '.join(BUILTIN)}"
        raise InputError(path, expected, error.strerror) from None
    except (ValueError, RecursionError) as error:
        raise InputError(path, "JSON", error) from None
    return regressor_of(data, str(path))


def of_full_42(regressor: JointRegressor) -> JointRegressor:
    """The regressor, checked that bodies can feed it.

    Raises:
        InputError: its source has a joint that ``full_42`` lacks.
    """
    lacking = np.flatnonzero(correspondence(FULL_42, skeleton(regressor.source)) < 0)
    if len(lacking):
        joint = skeleton(regressor.source).joints[lacking[0]]
        raise InputError(f"regressor {regressor.name}", "a source whose joints bodies have", f"{joint!r}")
    return regressor
