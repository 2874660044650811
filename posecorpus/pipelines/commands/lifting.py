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
    calibration: Annotated[
        int, typer.Option(help="People lifted to calibrate the predicted errors.", min=1)
    ] = 4800,
    seed: Seed = 0,
    skip_bad: SkipBad = False,
    workers: Workers = None,
) -> None:
    """Make a library of MoCap poses and views to lift from, and calibrate what its lifting can be trusted."""
    from posecorpus.pipelines.lifting.build_library import LibraryRequest, build

    request = LibraryRequest(
        motions=tuple(motions or ()),
        views=views,
        spacing_mm=spacing_mm,
        mirror=mirror,
        elevation_deg=elevation,
        calibration=calibration,
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
    from posecorpus.pipelines.lifting.lift_corpus import LiftRequest, lift_corpus
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


@app.command(
    name="eval-lift",
    epilog=examples(
        "eval-lift --motions cmu/ --motions hdm05.zip --hold-out 05,HDM_mm --out eval",
        "eval-lift --motions cmu/ --hold-out 05,07,10,11 --report 10,11 --shapes 1",
    ),
)
def evaluate(
    hold_out: Annotated[str, typer.Option(help="Subjects the library must not hold, with commas between.")],
    motions: Motions = None,
    report_on: Annotated[
        str | None,
        typer.Option(
            "--report", help="Those of them to measure on. Default: all; the others are for tuning."
        ),
    ] = None,
    library: Annotated[
        Path | None, typer.Option(help="A library made without them. Default: one is made in --out.")
    ] = None,
    queries: Annotated[int, typer.Option(help="Poses to photograph and lift.", min=1)] = 400,
    shapes: Annotated[
        float, typer.Option(help="Standard deviation of the people's body shapes; 0: the library's.", min=0)
    ] = 0.0,
    skeleton: Annotated[str, typer.Option(help="Joint set of the annotations.")] = "lsp_14",
    k: Neighbours = 50,
    out: Annotated[Path, typer.Option(help="Folder for the figures.")] = Path("eval-lift"),
    seed: Seed = 0,
    skip_bad: SkipBad = False,
    workers: Workers = None,
) -> None:
    """Measure lifting on people the library has never seen, under noise, missing joints and wrong cameras."""
    from posecorpus.pipelines.evaluation.eval_lift import EvalRequest, eval_lift
    from posecorpus.pipelines.evaluation.table import print_results

    request = EvalRequest(
        motions=tuple(motions or ()),
        hold_out=_names(hold_out),
        report_on=_names(report_on or ""),
        library=library,
        queries=queries,
        shapes=shapes,
        skeleton=skeleton,
        k=k,
        seed=seed,
        skip_bad=skip_bad,
    )
    with resumable_stages() as (report, note):
        evaluation = eval_lift(request, out, workers=workers or usable_workers(), report=report, note=note)
    print_results(evaluation.results)
    typer.echo(evaluation.page)


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())
