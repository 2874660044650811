"""``posecorpus anchors``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from posecorpus.pipelines.commands.shared import Motions, Seed, SkipBad, Workers, examples, usable_workers

app = typer.Typer()


@app.command(
    epilog=examples(
        "anchors anchors.npz --corpus renders --corpus lifted --k 100 --upper-body",
        "anchors anchors.npz --motions cmu/ --k 200 --held-out renders",
    )
)
def anchors(
    out: Annotated[Path, typer.Argument(help="File to write (.npz); a readable .json comes beside it.")],
    corpus: Annotated[
        list[str] | None, typer.Option(help="Folder or URL of a corpus with 3D; repeatable.")
    ] = None,
    motions: Motions = None,
    k: Annotated[int, typer.Option("--k", help="Anchor poses.", min=1, max=100_000)] = 100,
    upper_body: Annotated[
        bool, typer.Option("--upper-body", help="As many more classes, of upper bodies.")
    ] = False,
    skeleton: Annotated[str, typer.Option(help="Joint set.")] = "lcr_13",
    views: Annotated[int, typer.Option(help="Virtual views of each frame of motions.", min=1, max=1000)] = 4,
    held_out: Annotated[str | None, typer.Option(help="Corpus whose coverage is told.")] = None,
    seed: Seed = 0,
    skip_bad: SkipBad = False,
    workers: Workers = None,
) -> None:
    """Cluster 3D poses into the anchor poses that LCR-Net's classes are, and say how good they are."""
    from posecorpus.pipelines.anchoring.cluster import AnchorsRequest, cluster_anchors
    from posecorpus.pipelines.console import stages

    request = AnchorsRequest(
        corpora=tuple(corpus or ()),
        motions=tuple(motions or ()),
        clusters=k,
        upper_body=upper_body,
        skeleton=skeleton,
        views=views,
        held_out=held_out,
        seed=seed,
        skip_bad=skip_bad,
    )
    with stages() as (report, _):
        made = cluster_anchors(request, out, workers=workers or usable_workers(), report=report)
    typer.echo(str(made))
    typer.echo(made.path)
