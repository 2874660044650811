"""Commands that label photos: import, library, lift, filter, label, fit-ellipses, eval-lift, pseudogt."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from posecorpus.pipelines.commands.shared import (
    Workers,
    examples,
    resumable_stages,
    usable_workers,
)

app = typer.Typer()


@app.command(name="filter", epilog=examples("filter lifted trusted --max-error-mm 80"))
def filter_corpus(
    corpus: Annotated[Path, typer.Argument(help="Folder of a lifted corpus.")],
    out: Annotated[Path, typer.Argument(help="Folder of the corpus to write.")],
    max_error_mm: Annotated[float, typer.Option(help="Largest predicted pose error to keep.")] = 80.0,
    workers: Workers = None,
) -> None:
    """Keep the lifted 3D that is trusted; photos without any are left out."""
    from posecorpus.pipelines.filter_lifted import filter_lifted

    with resumable_stages() as (report, note):
        kept = filter_lifted(corpus, out, max_error_mm, workers=workers or usable_workers(), report=report)
        note(
            f"kept {kept.kept_people:,} of {kept.people:,} lifted people, {kept.kept_samples:,} of {kept.samples:,} photos"
        )
    typer.echo(kept.manifest)
