"""The command line. Each command imports what it needs when it runs, so that ``--help`` is instant."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from posecorpus.core.errors import InputError

EXIT_VIOLATIONS, EXIT_INPUT, EXIT_INTERRUPTED = 1, 2, 130

app = typer.Typer(
    name="posecorpus",
    help="Make training corpora for human pose: render people moved by MoCap with every label exact, check, look, export.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


class Renderer(StrEnum):
    """The rendering engines."""

    raster = "raster"
    pyrender = "pyrender"


class ExportFormat(StrEnum):
    """What a corpus can be exported to."""

    coco = "coco"
    folder = "folder"
    webdataset = "webdataset"


def _examples(*lines: str) -> str:
    return "\b\nExamples:\n" + "\n".join(f"  posecorpus {line}" for line in lines)


def _workers() -> int:
    import os

    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


Workers = Annotated[int | None, typer.Option(help="Processes; default: one for each core.", min=1)]
Seed = Annotated[int, typer.Option(help="Same seed, same bytes.", min=0)]


@app.command(
    epilog=_examples(
        "synth corpus --samples 1000",
        "synth corpus --motions cmu/ --motions walk.bvh --backgrounds photos/ --clips 50 --frames 100",
        "synth corpus --samples 100000 --shard 3/8      # the third of eight machines",
    )
)
def synth(
    out: Annotated[Path, typer.Argument(help="Folder of the corpus; an unfinished one is finished.")],
    preset: Annotated[str, typer.Option(help="Recipe to start from.")] = "surreal",
    motions: Annotated[
        list[Path] | None,
        typer.Option(help="MoCap file, folder or zip (ASF/AMC, BVH, AMASS); repeatable. Default: built-in."),
    ] = None,
    body: Annotated[
        str | None,
        typer.Option(help="neutral, female, male, mixed, or an SMPL file or folder. Default: the preset's."),
    ] = None,
    backgrounds: Annotated[
        Path | None, typer.Option(help="Folder or zip of photos. Default: procedural rooms.")
    ] = None,
    samples: Annotated[int | None, typer.Option(help="Stills to render [default: 200].", min=1)] = None,
    clips: Annotated[int | None, typer.Option(help="Clips to render, instead of stills.", min=1)] = None,
    frames: Annotated[int | None, typer.Option(help="Frames in a clip [default: 100].", min=1)] = None,
    size: Annotated[
        str | None, typer.Option(help="WIDTHxHEIGHT in pixels; the field of view is kept.")
    ] = None,
    seed: Seed = 0,
    workers: Workers = None,
    shard: Annotated[str | None, typer.Option(help="i/n: make the i-th of n pieces (1-based).")] = None,
    renderer: Annotated[Renderer, typer.Option(help="Rendering engine.")] = Renderer.raster,
    config: Annotated[Path | None, typer.Option(help="YAML file with the preset's keys to override.")] = None,
    skip_bad: Annotated[
        bool, typer.Option("--skip-bad", help="Leave out unusable inputs and list them.")
    ] = False,
) -> None:
    """Render people moved by motion capture, with every label, into a corpus."""
    from posecorpus.pipelines.console import stages
    from posecorpus.pipelines.synthesize import SynthRequest, clips_and_frames, synthesize
    from posecorpus.synth.config import load_config

    settings = load_config(preset, config, _people(body))
    if size is not None:
        settings = settings.resized(*_numbers("--size", size, "x", "WIDTHxHEIGHT, e.g. 320x240"))
    count, length = clips_and_frames(samples, clips, frames)
    request = SynthRequest(
        config=settings,
        seed=seed,
        clips=count,
        frames=length,
        motions=tuple(motions or ()),
        backgrounds=backgrounds,
        renderer=renderer.value,
        skip_bad=skip_bad,
    )
    piece = None if shard is None else _numbers("--shard", shard, "/", "i/n with 1 <= i <= n, e.g. 3/8")
    if piece is not None and not 1 <= piece[0] <= piece[1]:
        raise InputError("--shard", "i/n with 1 <= i <= n, e.g. 3/8", shard)
    try:
        with stages() as (report, note):
            path = synthesize(
                request, out, workers=workers or _workers(), piece=piece, report=report, note=note
            )
    except KeyboardInterrupt:
        typer.echo("posecorpus: interrupted; run the same command again to go on", err=True)
        raise typer.Exit(EXIT_INTERRUPTED) from None
    typer.echo(path)


@app.command(epilog=_examples("verify corpus"))
def verify(
    corpus: Annotated[Path, typer.Argument(help="Folder of a corpus.")],
    workers: Workers = None,
) -> None:
    """Re-derive every label that can be re-derived; exit 1 and list the samples that disagree."""
    from posecorpus.inspect.verify import verify_corpus
    from posecorpus.pipelines.console import print_verification, stages

    with stages() as (report, _):
        outcome = verify_corpus(corpus, workers or _workers(), report)
    print_verification(corpus, outcome)
    if not outcome.ok:
        raise typer.Exit(EXIT_VIOLATIONS)


@app.command(name="inspect", epilog=_examples("inspect corpus --out report.html"))
def inspect_corpus(
    corpus: Annotated[Path, typer.Argument(help="Folder of a corpus.")],
    out: Annotated[Path, typer.Option(help="The HTML file to write.")] = Path("report.html"),
    samples: Annotated[int, typer.Option(help="Samples on the contact sheet.", min=1, max=1000)] = 48,
    seed: Seed = 0,
) -> None:
    """Write one self-contained HTML report: pictures with overlays, a 3D view, distributions."""
    from posecorpus.inspect.report import write_report
    from posecorpus.pipelines.console import stages

    with stages() as (report, _):
        path = write_report(corpus, out, samples=samples, seed=seed, report=report)
    typer.echo(path)


@app.command(epilog=_examples("export corpus coco/ --format coco", "export corpus tars/ --format webdataset"))
def export(
    corpus: Annotated[Path, typer.Argument(help="Folder of a corpus.")],
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


@app.command(name="retarget-check", epilog=_examples("retarget-check cmu/ walk.bvh"))
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


fetch = typer.Typer(no_args_is_help=True, help="Download motion capture.", rich_markup_mode=None)
app.add_typer(fetch, name="fetch")


@fetch.command(
    epilog=_examples("fetch cmu --subjects 1-5 --subjects 07_02 --out cmu", "synth corpus --motions cmu")
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
    from posecorpus.pipelines.fetch import Site, fetch_cmu

    given = {"base_url": base_url, "motion": layout, "skeleton": skeleton_layout}
    site = Site(**{name: value for name, value in given.items() if value is not None})
    with stages() as (report, note):
        fetched = fetch_cmu(subjects, out, site=site, checksums=checksums, report=report, note=note)
    typer.echo(fetched.folder)
    if fetched.missing:
        raise typer.Exit(EXIT_VIOLATIONS)


@app.command()
def doctor() -> None:
    """Say what works on this machine, and how to mend what does not; exit 1 if something needed is missing."""
    from posecorpus.pipelines.doctor import print_report

    raise typer.Exit(print_report())


def _people(body: str | None) -> dict[str, Any] | None:
    if body is None:
        return None
    if body == "mixed":
        return {"genders": ["neutral", "female", "male"]}
    if body in ("neutral", "female", "male"):
        return {"genders": [body]}
    return {"body": body}


def _numbers(option: str, text: str, separator: str, form: str) -> tuple[int, int]:
    try:
        first, second = (int(part) for part in text.lower().split(separator))
    except ValueError:
        raise InputError(option, form, repr(text)) from None
    return first, second


def main() -> None:
    """Run the command line; a user's error is one line on stderr and exit code 2."""
    try:
        app()
    except InputError as error:
        for line in getattr(error, "lines", ()):
            print(line, file=sys.stderr)
        print(f"posecorpus: {error}", file=sys.stderr)
        sys.exit(EXIT_INPUT)


if __name__ == "__main__":
    main()
