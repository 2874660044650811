"""``posecorpus predict``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from posecorpus.pipelines.commands.shared import (
    PpiIou,
    PpiMm,
    SkipBad,
    Workers,
    examples,
    integration,
    needs_models,
    resumable_stages,
    usable_workers,
)

app = typer.Typer()


@app.command(
    epilog=examples(
        "predict run beach.jpg --out found",
        "predict run photos/ 'more/*.png' --camera 60 --out found",
        "predict run renders --out found --min-score 2",
    )
)
def predict(
    run: Annotated[Path, typer.Argument(help="Folder that `posecorpus train` wrote.")],
    images: Annotated[
        list[str], typer.Argument(help="Pictures, folders, zips, patterns, or corpora.", metavar="IMAGES...")
    ],
    out: Annotated[Path, typer.Option(help="Folder of the corpus; an unfinished one is finished.")],
    camera: Annotated[
        float | None,
        typer.Option(
            help="Field of view of the longer side, degrees, of pictures whose file or corpus tells no lens. Default: orthographic.",
            metavar="FOV_DEG",
        ),
    ] = None,
    min_score: Annotated[
        float, typer.Option(help="Leave out people of a lower score; eval names the best one.", min=0.05)
    ] = 0.5,
    iou: PpiIou = None,
    distance_mm: PpiMm = None,
    pictured: Annotated[
        int, typer.Option("--samples", help="Pictures on the HTML page.", min=1, max=1000)
    ] = 48,
    overlays: Annotated[bool, typer.Option(help="Draw the people over every picture.")] = True,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1, ...")] = "auto",
    skip_bad: SkipBad = False,
    workers: Workers = None,
) -> None:
    """Find people in pictures: a corpus of 2D and 3D poses, overlays, and a page with each picture's people in 3D."""
    needs_models()
    from posecorpus.pipelines.prediction.model import open_model
    from posecorpus.pipelines.prediction.people import Standing
    from posecorpus.pipelines.prediction.predict import PredictRequest, predict

    request = PredictRequest(
        images=tuple(images),
        standing=Standing(camera, min_score),
        pictured=pictured,
        overlays=overlays,
        skip_bad=skip_bad,
    )
    model = open_model(run, device, integration(iou, distance_mm))
    with resumable_stages() as (report, note):
        page = predict(model, request, out, workers=workers or usable_workers(), report=report, note=note)
    typer.echo(page)
