"""``posecorpus train``: models learn from corpora."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from posecorpus.pipelines.commands.shared import (
    Seed,
    examples,
    needs_models,
    numbers,
    resumable_stages,
    usable_workers,
)

if TYPE_CHECKING:
    from posecorpus.models.data.mixture import Source

app = typer.Typer(
    no_args_is_help=True,
    help="Train a model on corpora.",
    rich_markup_mode=None,
    epilog=examples("train lcrnet --corpus renders --anchors anchors.npz --out run"),
)


@app.callback()
def _group() -> None:
    """Train a model on corpora."""


class LCRNetPreset(StrEnum):
    """Sizes of LCR-Net."""

    tiny = "tiny"
    vgg16 = "vgg16"
    resnet50 = "resnet50"


class Precision(StrEnum):
    """Of products and convolutions."""

    no = "no"
    bf16 = "bf16"
    fp16 = "fp16"


@app.command(
    epilog=examples(
        "train lcrnet --corpus renders --anchors anchors.npz --out run",
        "train lcrnet --corpus renders=2 --corpus photos=1 --anchors anchors.npz --out run --steps 5000",
        "train lcrnet --corpus renders --anchors anchors.npz --preset resnet50 --init resnet50-imagenet.pth --precision bf16",
    )
)
def lcrnet(
    corpus: Annotated[
        list[str],
        typer.Option(
            help="Folder or URL of a corpus, with =WEIGHT for its share; repeatable.", metavar="CORPUS"
        ),
    ],
    anchors: Annotated[Path, typer.Option(help="File of `posecorpus anchors`.")],
    out: Annotated[Path, typer.Option(help="Folder of the run; an unfinished one is gone on with.")] = Path(
        "run"
    ),
    preset: Annotated[LCRNetPreset, typer.Option(help="Size of the network.")] = LCRNetPreset.tiny,
    frame: Annotated[
        str | None,
        typer.Option(
            help="Pixels that pictures are scaled to: of the shorter side, and at most of the longer one. Default: the preset's.",
            metavar="SHORTERxLONGEST",
        ),
    ] = None,
    init: Annotated[
        str | None, typer.Option(help="File or URL of the backbone's ImageNet weights, as torchvision's.")
    ] = None,
    steps: Annotated[int | None, typer.Option(help="Steps in all; default: the preset's.", min=1)] = None,
    images: Annotated[
        int | None, typer.Option(help="Pictures of a step; default: the preset's.", min=1)
    ] = None,
    learning_rate: Annotated[
        float | None, typer.Option(help="Before it drops; default: the preset's.")
    ] = None,
    precision: Annotated[
        Precision, typer.Option(help="Of products; parameters stay float32.")
    ] = Precision.no,
    augment: Annotated[
        bool, typer.Option(help="Show pictures mirrored, turned, scaled, in other colours.")
    ] = True,
    previews: Annotated[
        str | None, typer.Option(help="Corpus of the pictures shown while it learns; default: the first.")
    ] = None,
    preview_every: Annotated[int, typer.Option(help="Steps between such pictures; 0: none.", min=0)] = 500,
    checkpoint_every: Annotated[int, typer.Option(help="Steps between checkpoints.", min=1)] = 500,
    seed: Seed = 0,
    workers: Annotated[
        int | None, typer.Option(help="Processes that make batches; default: half of the cores.", min=0)
    ] = None,
) -> None:
    """Train LCR-Net: people's 2D and 3D poses from pictures. Ctrl-C saves; the same command goes on."""
    needs_models()
    from posecorpus.models.data.augment import AugmentParams
    from posecorpus.pipelines.training.train_lcrnet import TrainRequest, train_lcrnet

    training: dict[str, Any] = {
        "precision": precision.value,
        "preview_every": preview_every,
        "checkpoint_every": checkpoint_every,
        "seed": seed,
        "workers": max(1, usable_workers() // 2) if workers is None else workers,
    }
    given = {"steps": steps, "images": images, "learning_rate": learning_rate}
    request = TrainRequest(
        corpora=tuple(_source(text) for text in corpus),
        anchors=anchors,
        preset=preset.value,
        network={"frame": numbers("--frame", frame, "x", "SHORTERxLONGEST")} if frame else {},
        training=training | {name: value for name, value in given.items() if value is not None},
        augment=AugmentParams() if augment else AugmentParams.none(),
        init=init,
        previews=previews,
    )
    with resumable_stages() as (report, note):
        train_lcrnet(request, out, report=report, note=note)
    typer.echo(out)


def _source(text: str) -> Source:
    """``PLACE`` or ``PLACE=WEIGHT``; an equals sign that no number follows belongs to the place."""
    from posecorpus.models.data.mixture import Source

    place, _, weight = text.rpartition("=")
    try:
        return Source(place, float(weight)) if place else Source(text)
    except ValueError:
        return Source(text)
