"""Commands that lift 2D annotations to 3D: library, lift, eval-lift."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from posecorpus.pipelines.commands.shared import (
    Camera,
    Library,
    Motions,
    Seed,
    SkipBad,
    Workers,
    examples,
    resumable_stages,
    usable_workers,
)

app = typer.Typer()


class LiftMethod(StrEnum):
    """Ways to lift."""

    nn = "nn"
    soft = "soft"
    depth = "depth"


Neighbours = Annotated[int, typer.Option("--k", help="How many matches are fused.", min=1, max=1000)]


@app.command(
    epilog=examples(
        "library lib --motions cmu/ --motions hdm05.zip",
        "library lib --motions cmu/ --views 240 --spacing-mm 20 --mirror",
    )
)
def library(
    out: Annotated[Path, typer.Argument(help="Folder of the library; an unfinished one is finished.")],
    motions: Motions = None,
    views: Annotated[int, typer.Option(help="Virtual views of each pose.", min=1, max=10_000)] = 120,
    spacing_mm: Annotated[float, typer.Option(help="Poses nearer to one another are dropped.", min=0)] = 30.0,
    mirror: Annotated[
        bool, typer.Option("--mirror", help="Add every pose with left and right exchanged.")
    ] = False,
    elevation: Annotated[tuple[float, float], typer.Option(help="Lowest and highest view, degrees.")] = (
        -20.0,
        40.0,
    ),
    seed: Seed = 0,
    skip_bad: SkipBad = False,
    workers: Workers = None,
) -> None:
    """Make a library of MoCap poses and views to lift from, and calibrate what its lifting can be trusted."""
    from posecorpus.pipelines.build_library import LibraryRequest, build

    request = LibraryRequest(
        motions=tuple(motions or ()),
        views=views,
        spacing_mm=spacing_mm,
        mirror=mirror,
        elevation_deg=elevation,
        seed=seed,
        skip_bad=skip_bad,
    )
    with resumable_stages() as (report, note):
        path = build(request, out, workers=workers or usable_workers(), report=report, note=note)
    typer.echo(path)


@app.command(
    epilog=examples(
        "lift lifted --annotations lspet --library lib",
        "lift lifted --annotations renders-as-photos --library lib --truth renders",
    )
)
def lift(
    out: Annotated[Path, typer.Argument(help="Folder of the corpus; an unfinished one is finished.")],
    annotations: Annotated[Path, typer.Option(help="Folder of a corpus with 2D joints.")],
    library: Library,
    k: Neighbours = 50,
    method: Annotated[LiftMethod, typer.Option(help="nn is LCR-Net++'s as published.")] = LiftMethod.depth,
    camera: Camera = 50.0,
    approximate: Annotated[
        bool, typer.Option("--approximate", help="Search faster; a nearest view may be missed.")
    ] = False,
    truth: Annotated[
        Path | None, typer.Option(help="Corpus that knows the 3D of the same people: measures the error.")
    ] = None,
    workers: Workers = None,
) -> None:
    """Give annotated people a 3D pose from a library, and say how far each can be trusted."""
    from posecorpus.pipelines.lift_corpus import LiftRequest, lift_corpus
    from posecorpus.pseudogt.lift.lifted import LiftSettings

    settings = LiftSettings(method=method.value, k=k, approximate=approximate)
    request = LiftRequest(library, settings, fov_deg=camera, truth=truth)
    with resumable_stages() as (report, note):
        path, summary = lift_corpus(
            annotations, request, out, workers=workers or usable_workers(), report=report
        )
        for line in summary.lines():
            note(line)
    typer.echo(path)
