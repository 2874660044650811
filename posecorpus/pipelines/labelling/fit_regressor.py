"""``posecorpus fit-regressor``: learn the map from one rig's joints to another's, with its errors."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from posecorpus.core.errors import InputError
from posecorpus.core.manifest import write_atomically
from posecorpus.core.skeletons import SKELETONS, Skeleton, skeleton
from posecorpus.synth.regressors.fit import Fit, fit_regressor
from posecorpus.synth.regressors.pairs import Pairs, read_pairs
from posecorpus.synth.regressors.regressor import Form, load_regressor


@dataclass(frozen=True)
class FittedRegressor:
    """What came out: the file, and the fit it holds."""

    path: Path
    target: Skeleton
    fit: Fit
    poses: int

    def __str__(self) -> str:
        head = f"{'error, mm':<14}{'by landmark':>12}{'regressed':>12}"
        rows = zip(self.target.joints, self.fit.before_mm, self.fit.after_mm, strict=True)
        lines = [f"{joint:<14}{_cell(before)}{_cell(after)}" for joint, before, after in rows]
        shared = np.isfinite(self.fit.before_mm)
        if shared.any():
            means = (self.fit.before_mm[shared].mean(), self.fit.after_mm[shared].mean())
            lines.append(f"{'these shared':<14}{_cell(means[0])}{_cell(means[1])}")
        lines.append(f"{'all':<14}{'':>12}{_cell(self.fit.after_mm.mean())}")
        return "\n".join(
            [f"{self.poses} poses in {self.fit.folds} folds, errors on folds left out", head, *lines]
        )


def _cell(value: float) -> str:
    return f"{value:12.1f}" if np.isfinite(value) else f"{'-':>12}"


def fit_regressor_file(
    pairs: Path, out: Path, *, source: str, target: str, form: Form = "affine"
) -> FittedRegressor:
    """Learn the map from joints of ``source`` to joints of ``target`` and write it to ``out``.

    Args:
        pairs: ``.npz``; see :func:`posecorpus.synth.regressors.pairs.read_pairs`.
        source, target: names of skeletons, with or without the number of joints.

    Raises:
        InputError: unknown skeletons, unusable pairs, or ``out`` cannot be written.
    """
    own, other = _skeleton(source), _skeleton(target)
    read = read_pairs(pairs, own, other)
    fit = fit_regressor(f"{own.name} to {other.name}", read, own, other, form)
    text = json.dumps(fit.regressor.as_json() | _figures(fit, read, pairs, other), indent=1) + "\n"
    try:
        write_atomically(out, text.encode())
    except OSError as error:
        raise InputError(out, "a file that can be written", error.strerror) from None
    load_regressor(str(out))  # what is written must be readable
    return FittedRegressor(out, other, fit, len(read.source))


def _skeleton(name: str) -> Skeleton:
    """The skeleton of a name such as ``h36m_17``, or ``h36m`` where only one begins so."""
    begun = [full for full in SKELETONS if full.startswith(f"{name}_")]
    return skeleton(begun[0] if len(begun) == 1 else name)


def _figures(fit: Fit, pairs: Pairs, path: Path, target: Skeleton) -> dict[str, Any]:
    groups = None if pairs.groups is None else int(pairs.groups.max() + 1)
    columns = {"before": fit.before_mm, "after": fit.after_mm, "ridge": fit.strengths}
    return {
        "joints": {
            joint: {name: _number(values[j]) for name, values in columns.items()}
            for j, joint in enumerate(target.joints)
        },
        "units": "before: mean error in mm of the joint of the same landmark, null if there is none; after: of the "
        "regressed joint, on folds left out; ridge: in units of the mean variance of a feature",
        "pairs": {
            "file": path.name,
            "sha256": pairs.sha256,
            "poses": len(pairs.source),
            "groups": groups,
            "folds": fit.folds,
        },
    }


def _number(value: float) -> float | None:
    return float(f"{value:.4g}") if np.isfinite(value) else None
