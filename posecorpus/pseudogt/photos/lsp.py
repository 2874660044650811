"""Leeds Sports Pose and its extension: ``joints.mat``.

Johnson and Everingham, BMVC 2010 (LSP: 3 x 14 x N, third row 1 = occluded) and CVPR 2011 (LSP-extended:
14 x 3 x N, third column 1 = annotated). The two flags mean opposite things, so the shape decides which
file it is, never a guess. Coordinates are MATLAB's, the centre of the first pixel at (1, 1).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from posecorpus.core.errors import InputError
from posecorpus.core.manifest import Skipped
from posecorpus.core.sample import HIDDEN, UNLABELLED, VISIBLE
from posecorpus.core.skeletons import LSP_14
from posecorpus.pseudogt.photos.matfile import read_mat
from posecorpus.pseudogt.photos.records import AnnotatedPhoto, Annotations, person

MATLAB_OFFSET_PX = -0.5
"""From coordinates that count pixels from 1 to ours."""
LSP_TRAINING = 1000
"""The first so many images of LSP are for training, the others for testing."""

_TERMS = {
    "annotations_licence": "none stated; for research",
    "licence": "none stated; photos belong to their Flickr authors",
}
LSP = {"dataset": "Leeds Sports Pose", "cite": "Johnson and Everingham, BMVC 2010"} | _TERMS
LSPET = {
    "dataset": "Leeds Sports Pose Extended Training",
    "cite": "Johnson and Everingham, CVPR 2011",
} | _TERMS


def read_lsp(path: Path) -> Annotations:
    """LSP's ``joints.mat``: every joint is labelled, some are hidden.

    Raises:
        InputError: not that file.
    """
    joints = _joints(path)
    if joints.shape[:2] != (3, len(LSP_14)):
        fix = "LSP-extended? use --format lspet" if joints.shape[:2] == (len(LSP_14), 3) else ""
        raise InputError(f"{path}: joints", "3x14xN (LSP)", "x".join(map(str, joints.shape)), fix)
    flags = joints[2].T
    _check_flags(path, flags)
    visibility = np.where(flags == 1, HIDDEN, VISIBLE).astype(np.uint8)
    splits = ["train" if i < LSP_TRAINING else "test" for i in range(joints.shape[2])]
    return _annotations(path, joints[:2].transpose(2, 1, 0), visibility, "im{:04d}.jpg", LSP, splits)


def read_lspet(path: Path) -> Annotations:
    """LSP-extended's ``joints.mat``: what the flag leaves out is unlabelled, its coordinates meaningless.

    Raises:
        InputError: not that file.
    """
    joints = _joints(path)
    if joints.shape[:2] != (len(LSP_14), 3):
        fix = "LSP? use --format lsp" if joints.shape[:2] == (3, len(LSP_14)) else ""
        raise InputError(f"{path}: joints", "14x3xN (LSP-extended)", "x".join(map(str, joints.shape)), fix)
    flags = joints[:, 2].T
    _check_flags(path, flags)
    visibility = np.where(flags == 1, VISIBLE, UNLABELLED).astype(np.uint8)
    splits = ["train"] * joints.shape[2]
    return _annotations(path, joints[:, :2].transpose(2, 0, 1), visibility, "im{:05d}.jpg", LSPET, splits)


def _joints(path: Path) -> NDArray[np.float64]:
    variables = read_mat(path)
    if "joints" not in variables:
        raise InputError(path, "a variable 'joints'", ", ".join(sorted(variables)) or "none")
    joints = variables["joints"].array().astype(np.float64)
    if joints.ndim == 2:  # MATLAB drops the last dimension of a single image
        joints = joints[..., None]
    return joints


def _check_flags(path: Path, flags: NDArray[np.float64]) -> None:
    strange = ~np.isin(flags, (0.0, 1.0))
    if strange.any():
        raise InputError(f"{path}: joints", "flags of 0 or 1", flags[strange].flat[0])


def _annotations(
    path: Path,
    points: NDArray[np.float64],
    visibility: NDArray[np.uint8],
    name: str,
    dataset: dict[str, str],
    splits: list[str],
) -> Annotations:
    result = Annotations(dataset["dataset"], LSP_14.name, dataset, [])
    for i in range(len(points)):
        where = f"{path}: joints(:,:,{i + 1})"
        details: dict[str, Any] = {"index": i, "split": splits[i]}
        try:
            someone = person(points[i] + MATLAB_OFFSET_PX, visibility[i], where)
        except InputError as error:
            result.faults.append(Skipped.by(error))
            continue
        if not someone.visibility.any():
            result.left_out["people without a labelled joint"] = (
                result.left_out.get("people without a labelled joint", 0) + 1
            )
            continue
        result.photos.append(AnnotatedPhoto(name.format(i + 1), where, (someone,), None, details))
    return result
