"""``posecorpus fetch``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from posecorpus.pipelines.commands.shared import EXIT_VIOLATIONS, examples

app = typer.Typer(no_args_is_help=True, help="Download motion capture.", rich_markup_mode=None)


@app.callback()
def _group() -> None:
    """Download motion capture."""


@app.command(
    epilog=examples("fetch cmu --subjects 1-5 --subjects 07_02 --out cmu", "synth corpus --motions cmu")
)
def cmu(
    subjects: Annotated[list[str], typer.Option(help="7, 1-5, 07_02 (one trial) or all; repeatable.")],
    out: Annotated[Path, typer.Option(help="Folder to download into.")] = Path("cmu"),
    base_url: Annotated[str | None, typer.Option(help="Address of a mirror. Default: CMU's own.")] = None,
    layout: Annotated[
        str | None, typer.Option(help="Path of a motion there, with {subject} and {trial}.")
    ] = None,
    skeleton_layout: Annotated[
        str | None, typer.Option(help="Path of a skeleton there, with {subject}.")
    ] = None,
    checksums: Annotated[Path | None, typer.Option(help="A lock file the downloads must agree with.")] = None,
) -> None:
    """Download skeletons and motions of the CMU Motion Capture Database; exit 1 if some are not there."""
    from posecorpus.pipelines.console import stages
    from posecorpus.pipelines.fetching.fetch import Site, fetch_cmu

    given = {"base_url": base_url, "motion": layout, "skeleton": skeleton_layout}
    site = Site(**{name: value for name, value in given.items() if value is not None})
    with stages() as (report, note):
        fetched = fetch_cmu(subjects, out, site=site, checksums=checksums, report=report, note=note)
    typer.echo(fetched.folder)
    if fetched.missing:
        raise typer.Exit(EXIT_VIOLATIONS)
