"""``posecorpus eval``."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from posecorpus.pipelines.commands.shared import PpiIou, PpiMm, examples, integration, needs_models

app = typer.Typer()


@app.command(
    name="eval",
    epilog=examples(
        "eval run --corpus held-out --out figures",
        "eval run --corpus lspet --limit 200 --device cuda",
    ),
)
def evaluate(
    run: Annotated[Path, typer.Argument(help="Folder that `posecorpus train` wrote.")],
    corpus: Annotated[str, typer.Option(help="Folder or URL of a corpus with pictures and people.")],
    out: Annotated[Path, typer.Option(help="Folder for the figures.")] = Path("eval"),
    limit: Annotated[
        int | None, typer.Option(help="Look at so many pictures, evenly spread, for a quick answer.", min=1)
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1, ...")] = "auto",
    iou: PpiIou = None,
    distance_mm: PpiMm = None,
    nms_iou: Annotated[
        float | None, typer.Option(help="Suppression: overlap from which the worse pose is dropped.", min=0, max=1)
    ] = None,
    sweep: Annotated[
        bool, typer.Option("--sweep", help="Try a grid of --ppi-iou and --ppi-mm, too.")
    ] = False,
    least_visible: Annotated[
        int, typer.Option(help="People with fewer visible joints do not count.", min=1)
    ] = 1,
    pictured: Annotated[
        int, typer.Option("--examples", help="Worst and best pictures on the page, of each.", min=0, max=200)
    ] = 12,
) -> None:  # fmt: skip
    """Measure a trained detector on a corpus: 2D and 3D, integration against suppression, and where it fails."""
    needs_models()
    from posecorpus.models.lcrnet.detect import DetectSettings
    from posecorpus.models.lcrnet.run import open_run
    from posecorpus.pipelines.console import stages
    from posecorpus.pipelines.evaluation.eval_people import EvalPeopleRequest, eval_people, usual_decodings
    from posecorpus.pipelines.evaluation.people_table import print_people

    detector = open_run(run, device)
    settings = DetectSettings(integration=integration(iou, distance_mm))
    if nms_iou is not None:
        settings = replace(settings, suppression_iou=nms_iou)
    request = EvalPeopleRequest(
        corpus=corpus,
        limit=limit,
        least_visible=least_visible,
        examples=pictured,
        decodings=usual_decodings(settings),
        sweep=sweep,
        about={"run": run.resolve().name, "step": detector.step, "device": str(detector.net.mean.device)},
    )
    with stages() as (report, _):
        done = eval_people(detector, request, out, report=report)
    print_people(done.results)
    typer.echo(done.page)
