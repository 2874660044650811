"""A body that can be shaped and posed: SMPL's arrays, arranged for fast skinning."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, fields
from functools import cached_property, lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from posecorpus.core.errors import InputError
from posecorpus.core.skeletons import SMPL_24
from posecorpus.synth.bodies.arrays import BodyArrays, read_body_arrays
from posecorpus.synth.bodies.landmark_transfer import Surface, transfer_landmarks
from posecorpus.synth.bodies.planar_uv import planar_uv
from posecorpus.synth.bodies.regressor import LandmarkRegressor

OPEN = "open"
GENDERS = ("neutral", "female", "male")
DATA = Path(__file__).parent / "data"
LEVEL_FACES = (1_000_000, 7000, 2800)
"""Most faces of a body at each level of detail."""
_HANDED_OUT = {
    "neutral": ("smpl_neutral", "basicmodel_neutral"),
    "female": ("smpl_female", "basicmodel_f_"),
    "male": ("smpl_male", "basicmodel_m_"),
}
"""How the names of SMPL's files begin, in lower case."""


@dataclass(frozen=True, eq=False)
class BodyModel:
    """A body in its rest pose (T-pose, Y up, facing +Z, its left at +X) with all that moves it.

    Arrays are read-only: bodies are shared between callers.

    Attributes:
        name: ``open`` or the file it was read from.
        gender: ``neutral``, ``female`` or ``male``.
        v_template: (V, 3) float32 metres.
        shapedirs: (V, 3, B) float32 metres per unit of beta, a view of memory ordered (B, V, 3).
        posedirs: (V, 3, 207) float32 pose correctives, a view of memory ordered (207, V, 3); None if none.
        weight_joints: (V, K) uint8, joints that move each vertex, heaviest first.
        weights: (V, K) float32, their shares; rows sum to one, padded with zeros.
        landmarks_template: (42, 3) float64 metres, points of the skeleton ``full_42``; the first 24 are
            SMPL's joints, the others move rigidly with their parent joint.
        landmarks_shapedirs: (42, 3, B) float64.
        faces: (F, 3) int32, counter-clockwise from outside.
        face_parts: (F,) uint8 ids of the taxonomy ``smpl_24``.
        uv: (T, 2) float32, origin at the bottom left.
        uv_faces: (F, 3) int32 into ``uv``.
        finest: the body of which this is a coarser version, with some of its vertices; None if it is the body itself.
    """

    name: str
    gender: str
    v_template: NDArray[np.float32]
    shapedirs: NDArray[np.float32]
    posedirs: NDArray[np.float32] | None
    weight_joints: NDArray[np.uint8]
    weights: NDArray[np.float32]
    landmarks_template: NDArray[np.float64]
    landmarks_shapedirs: NDArray[np.float64]
    faces: NDArray[np.int32]
    face_parts: NDArray[np.uint8]
    uv: NDArray[np.float32]
    uv_faces: NDArray[np.int32]
    finest: BodyModel | None = None

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, np.ndarray):
                value.flags.writeable = False

    @cached_property
    def digest(self) -> str:
        """sha256 of all arrays that labels depend on: bodies with the same one give the same labels.

        Landmarks are sums whose last bits depend on the machine, so they count in whole micrometres.
        """
        digest = hashlib.sha256()
        for field in fields(self):
            value = getattr(self, field.name)
            if not isinstance(value, np.ndarray) or field.name.startswith("uv"):
                continue
            if field.name.startswith("landmarks"):
                value = np.rint(value * 1e6).astype(np.int64)
            digest.update(f"{field.name} {value.dtype.str} {value.shape}".encode())
            digest.update(np.ascontiguousarray(value).tobytes())
        return digest.hexdigest()

    @property
    def num_betas(self) -> int:
        """How many shape coefficients the body knows."""
        return int(self.shapedirs.shape[2])

    @property
    def joints_template(self) -> NDArray[np.float64]:
        """(24, 3) joints of the rest pose, metres."""
        return self.landmarks_template[: len(SMPL_24)]

    @property
    def joints_shapedirs(self) -> NDArray[np.float64]:
        """(24, 3, B) movement of the joints per unit of beta, metres."""
        return self.landmarks_shapedirs[: len(SMPL_24)]

    @property
    def parents(self) -> tuple[int, ...]:
        """Index of each joint's parent, -1 for the pelvis."""
        return SMPL_24.parents


def load_body(which: str, gender: str, level: int = 0) -> BodyModel:
    """The body of that name and gender.

    Args:
        which: ``open`` for the bodies that ship with the package, a file in SMPL's format (``.npz`` or
            ``.pkl``), or a folder with ``SMPL_NEUTRAL.pkl``, ``basicModel_f_lbs_10_207_0_v1.0.0.pkl`` and
            so on.
        gender: ``neutral``, ``female`` or ``male``. Of a single file it is only the label.
        level: how coarse, an index into :data:`LEVEL_FACES`; 0 for the body as it is.

    Raises:
        InputError: no such body, gender or level, or a file that is no intact SMPL body.
    """
    return _load_body(which, gender, level)  # however it was called, the same object


@lru_cache(maxsize=16)
def _load_body(which: str, gender: str, level: int) -> BodyModel:
    if level:
        return _coarser(which, gender, level)
    if gender not in GENDERS:
        raise InputError("gender", f"one of {', '.join(GENDERS)}", repr(gender))
    path = DATA / f"open_{gender}.npz" if which == OPEN else _user_file(Path(which), gender)
    return assemble(which, gender, read_body_arrays(path))


def _coarser(which: str, gender: str, level: int) -> BodyModel:
    from posecorpus.synth.bodies.coarse import coarser  # it builds on bodies, and few need it

    if not 0 < level < len(LEVEL_FACES):
        raise InputError("level of detail", f"0 to {len(LEVEL_FACES) - 1}", level)
    return coarser(load_body(which, gender, level - 1), LEVEL_FACES[level])


def _user_file(path: Path, gender: str) -> Path:
    """The file itself, or the one for that gender in the folder or in its folder ``smpl``."""
    if not path.is_dir():
        return path
    names = _HANDED_OUT[gender]
    for folder in (path, path / "smpl"):
        for entry in sorted(folder.iterdir()) if folder.is_dir() else ():
            if entry.suffix.lower() in (".npz", ".pkl") and entry.stem.lower().startswith(names):
                return entry
    raise InputError(path, f"a file SMPL_{gender.upper()}.pkl or .npz", "none")


def assemble(name: str, gender: str, arrays: BodyArrays) -> BodyModel:
    """Arrange the arrays of a file as a :class:`BodyModel`."""
    shapedirs = _last_axis_outermost(arrays.shapedirs)
    weight_joints, weights = sparse_rows(arrays.weights)
    regressor = _landmarks(name, gender, arrays)
    joints, template = arrays.joint_regressor, arrays.v_template.astype(np.float64)
    uv, uv_faces = arrays.uv, arrays.uv_faces
    if uv is None or uv_faces is None:
        uv, uv_faces = planar_uv(arrays.v_template, arrays.faces)
    return BodyModel(
        name=name,
        gender=gender,
        v_template=np.ascontiguousarray(arrays.v_template),
        shapedirs=shapedirs,
        posedirs=None if arrays.posedirs is None else _last_axis_outermost(arrays.posedirs),
        weight_joints=weight_joints,
        weights=weights,
        landmarks_template=np.concatenate([joints @ template, regressor(template)]),
        landmarks_shapedirs=np.concatenate(
            [np.tensordot(joints, arrays.shapedirs, 1), regressor(arrays.shapedirs)]
        ),
        faces=np.ascontiguousarray(arrays.faces),
        face_parts=face_parts(arrays.weights, arrays.faces),
        uv=np.ascontiguousarray(uv),
        uv_faces=np.ascontiguousarray(uv_faces),
    )


def _landmarks(name: str, gender: str, arrays: BodyArrays) -> LandmarkRegressor:
    """The regressor in the file, or else that of the open body of the same gender, carried over."""
    if arrays.landmarks is not None:
        return LandmarkRegressor.from_entries(*arrays.landmarks)
    for joint in ("head", "pelvis"):
        if not (arrays.weights[:, SMPL_24.index(joint)] > 0.5).any():
            raise InputError(f"body {name}", f"skin moved by the joint {joint}", "none")
    reference = read_body_arrays(DATA / f"open_{gender}.npz")
    assert reference.landmarks is not None
    return transfer_landmarks(
        _surface(reference), LandmarkRegressor.from_entries(*reference.landmarks), _surface(arrays)
    )


def _surface(arrays: BodyArrays) -> Surface:
    return Surface(arrays.v_template.astype(np.float64), arrays.faces, arrays.weights, arrays.shapedirs)


def _last_axis_outermost(directions: NDArray[np.float32]) -> NDArray[np.float32]:
    """The same array laid out so that each direction is contiguous, which is how skinning adds them."""
    return np.moveaxis(np.ascontiguousarray(np.moveaxis(directions, -1, 0)), 0, -1)


def sparse_rows(weights: NDArray[np.float32]) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """Skinning weights (V, 24) as the K largest of each row, K being the longest row: exact.

    Returns:
        (V, K) uint8 joints and (V, K) float32 weights, heaviest first, padded with weight 0.
    """
    longest = int((weights > 0).sum(axis=1).max())
    joints = np.argsort(-weights, axis=1, kind="stable")[:, :longest].astype(np.uint8)
    return joints, np.take_along_axis(weights, joints.astype(np.intp), axis=1)


def face_parts(weights: NDArray[np.float32], faces: NDArray[np.int32]) -> NDArray[np.uint8]:
    """(F,) part of each face: one more than the joint that moves its three vertices most."""
    heaviest: NDArray[np.intp] = weights[faces].sum(axis=1).argmax(axis=1)
    return (heaviest + 1).astype(np.uint8)
