"""Commands that look at corpora and inputs: verify, inspect, export, retarget-check, doctor."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from posecorpus.core.errors import InputError
from posecorpus.pipelines.commands.shared import (
    EXIT_VIOLATIONS,
    ReadableCorpus,
    Seed,
    Workers,
    examples,
    usable_workers,
)

app = typer.Typer()


class ExportFormat(StrEnum):
    """What a corpus can be exported to."""

    coco = "coco"
    folder = "folder"
    webdataset = "webdataset"


@app.command(epilog=examples("verify corpus"))
def verify(
    corpus: ReadableCorpus,
    workers: Workers = None,
) -> None:
    """Re-derive every label that can be re-derived; exit 1 and list the samples that disagree."""
    from posecorpus.inspect.verify import verify_corpus
    from posecorpus.pipelines.console import print_verification, stages

    with stages() as (report, _):
        outcome = verify_corpus(corpus, workers or usable_workers(), report)
    print_verification(corpus, outcome)
    if not outcome.ok:
        raise typer.Exit(EXIT_VIOLATIONS)


@app.command(
    name="inspect",
    epilog=examples("inspect corpus --out report.html", "inspect anchors.npz --out anchors.html"),
)
def inspect_what(
    what: Annotated[
        str,
        typer.Argument(
            help="Folder or URL of a corpus, or a file of anchors (.npz).", metavar="CORPUS|ANCHORS"
        ),
    ],
    out: Annotated[Path, typer.Option(help="The HTML file to write.")] = Path("report.html"),
    samples: Annotated[int, typer.Option(help="Samples on a corpus's contact sheet.", min=1, max=1000)] = 48,
    seed: Seed = 0,
) -> None:
    """Write one self-contained HTML report: of a corpus, pictures with overlays, 3D and distributions; of anchors, every pose."""
    from posecorpus.inspect.anchor_page import write_anchor_page
    from posecorpus.inspect.report import write_report
    from posecorpus.pipelines.console import stages

    if is_anchor_file(what):
        typer.echo(write_anchor_page(Path(what), out))
        return
    with stages() as (report, _):
        path = write_report(what, out, samples=samples, seed=seed, report=report)
    typer.echo(path)


def is_anchor_file(what: str) -> bool:
    """Whether a file of anchors is meant; raises :class:`InputError` for a file that is neither that nor a corpus."""
    path = Path(what)
    if path.suffix == ".npz" and "://" not in what and not path.is_dir():
        return True
    if path.is_file():
        raise InputError(path, "a folder or URL of a corpus, or a file of anchors (.npz)", "another file")
    return False


@app.command(epilog=examples("export corpus coco/ --format coco", "export corpus tars/ --format webdataset"))
def export(
    corpus: ReadableCorpus,
    out: Annotated[Path, typer.Argument(help="Folder to write; must be new or empty.")],
    format: Annotated[ExportFormat, typer.Option(help="Layout to write.")] = ExportFormat.coco,
    skeleton: Annotated[str, typer.Option(help="Joint set of COCO's keypoints.")] = "coco_17",
) -> None:
    """Copy a corpus into a layout that other tools read."""
    from posecorpus.pipelines.console import stages
    from posecorpus.pipelines.export import export_corpus

    with stages() as (report, _):
        path = export_corpus(corpus, out, format.value, skeleton=skeleton, report=report)
    typer.echo(path)


@app.command(name="retarget-check", epilog=examples("retarget-check cmu/ walk.bvh"))
def retarget_check(
    motions: Annotated[list[Path], typer.Argument(help="MoCap files, folders or zips.")],
) -> None:
    """Retarget every clip to the body and print how far limbs, hinges and feet are from the source."""
    from functools import partial

    from posecorpus.pipelines.console import stages
    from posecorpus.pipelines.retarget_table import retarget_table

    with stages() as (report, _):
        table = retarget_table(motions, partial(report, "retargeting"))
    typer.echo(table)


@app.command()
def doctor() -> None:
    """Say what works on this machine, and how to mend what does not; exit 1 if something needed is missing."""
    from posecorpus.pipelines.doctor import print_report

    raise typer.Exit(print_report())
