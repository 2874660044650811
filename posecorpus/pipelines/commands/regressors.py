"""``posecorpus fit-regressor``."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from posecorpus.pipelines.commands.shared import examples

app = typer.Typer()


class RegressorForm(StrEnum):
    """Forms of the map; see :mod:`posecorpus.synth.regressors.regressor`."""

    affine = "affine"
    linear = "linear"


@app.command(
    name="fit-regressor",
    epilog=examples(
        "fit-regressor h36m.json --from smpl_24 --to h36m_17 --pairs pairs.npz",
        "synth corpus --skeleton-regressor h36m.json",
    ),
)
def fit_regressor(
    out: Annotated[Path, typer.Argument(help="JSON file to write.")],
    source: Annotated[str, typer.Option("--from", help="Skeleton of the joints given.")],
    target: Annotated[str, typer.Option("--to", help="Skeleton of the joints wanted.")],
    pairs: Annotated[
        Path,
        typer.Option(
            help=".npz with source (N, J, 3), target (N, K, 3), metres, and groups (N,), e.g. subjects."
        ),
    ],
    form: Annotated[
        RegressorForm,
        typer.Option(help="affine: weights shared by x, y, z; linear: in the frame of the trunk."),
    ] = RegressorForm.affine,
) -> None:
    """Learn the joints of one rig from those of another, and say how far off they are."""
    from posecorpus.pipelines.labelling.fit_regressor import fit_regressor_file

    fitted = fit_regressor_file(pairs, out, source=source, target=target, form=form.value)
    typer.echo(str(fitted))
    typer.echo(fitted.path)
