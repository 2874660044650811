"""``posecorpus synth``."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from posecorpus.core.errors import InputError
from posecorpus.pipelines.commands.shared import (
    Motions,
    Seed,
    SkipBad,
    Workers,
    examples,
    numbers,
    resumable_stages,
    usable_workers,
)

app = typer.Typer()


class Renderer(StrEnum):
    """The rendering engines."""

    raster = "raster"
    pyrender = "pyrender"


class EngineName(StrEnum):
    """Who makes the shards: processes of this machine, or a Ray cluster."""

    local = "local"
    ray = "ray"


@app.command(
    epilog=examples(
        "synth corpus --samples 1000",
        "synth corpus --preset lcr-wild --motions cmu/ --backgrounds photos/ --samples 1000",
        "synth corpus --motions cmu/ --motions walk.bvh --backgrounds photos/ --clips 50 --frames 100",
        "synth more --motions cmu/ --balance corpus     # new poses where corpus is thin",
        "synth corpus --samples 100000 --shard 3/8      # the third of eight machines",
        "synth s3://bucket/corpus --samples 100000 --engine ray --ray-address auto",
    )
)
def synth(
    out: Annotated[
        str,
        typer.Argument(
            help="Folder of the corpus, or a URL such as s3://bucket/corpus; an unfinished one is finished."
        ),
    ],
    preset: Annotated[str, typer.Option(help="Recipe to start from.")] = "surreal",
    motions: Motions = None,
    body: Annotated[
        str | None,
        typer.Option(help="neutral, female, male, mixed, or an SMPL file or folder. Default: the preset's."),
    ] = None,
    backgrounds: Annotated[
        Path | None, typer.Option(help="Folder or zip of photos. Default: procedural rooms.")
    ] = None,
    cameras: Annotated[
        Path | None, typer.Option(help="Calibrated cameras (JSON), for presets like lcr-room.")
    ] = None,
    textures: Annotated[
        Path | None, typer.Option(help="Folder of pictures in the body's UV layout, worn by the people.")
    ] = None,
    meshes: Annotated[
        Path | None, typer.Option(help="Folder of .obj, .ply, .stl or .glb things that hide people.")
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
    engine: Annotated[EngineName, typer.Option(help="Who makes the shards.")] = EngineName.local,
    ray_address: Annotated[
        str | None,
        typer.Option(
            help="host:port of a Ray cluster's head, or auto on one of its nodes. Default: a Ray of this machine's own.",
            metavar="ADDRESS",
        ),
    ] = None,
    renderer: Annotated[Renderer, typer.Option(help="Rendering engine.")] = Renderer.raster,
    config: Annotated[Path | None, typer.Option(help="YAML file with the preset's keys to override.")] = None,
    balance: Annotated[
        Path | None,
        typer.Option(help="A corpus; poses are drawn where its poses are thin.", metavar="CORPUS"),
    ] = None,
    balance_k: Annotated[int, typer.Option(help="How many neighbours tell how thin.", min=1, max=1000)] = 10,
    skeleton_regressor: Annotated[
        str | None,
        typer.Option(
            help="File of `fit-regressor`, or coco-clicks: people carry its joints.", metavar="FILE"
        ),
    ] = None,
    skip_bad: SkipBad = False,
) -> None:
    """Render people moved by motion capture, with every label, into a corpus."""
    from posecorpus.pipelines.synthesis.request import SynthRequest, clips_and_frames
    from posecorpus.pipelines.synthesis.synthesize import synthesize
    from posecorpus.synth.config import load_config
    from posecorpus.synth.regressors.regressor import load_regressor, of_full_42

    settings = load_config(preset, config, _overrides(body, cameras, textures, meshes))
    if size is not None:
        settings = settings.resized(*numbers("--size", size, "x", "WIDTHxHEIGHT, e.g. 320x240"))
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
        balance=balance,
        balance_k=balance_k,
        regressor=None if skeleton_regressor is None else of_full_42(load_regressor(skeleton_regressor)),
    )
    piece = None if shard is None else numbers("--shard", shard, "/", "i/n with 1 <= i <= n, e.g. 3/8")
    if piece is not None and not 1 <= piece[0] <= piece[1]:
        raise InputError("--shard", "i/n with 1 <= i <= n, e.g. 3/8", shard)
    with resumable_stages() as (report, note):
        path = synthesize(
            request,
            out,
            workers=workers or usable_workers(),
            engine=engine.value,
            ray_address=ray_address,
            piece=piece,
            report=report,
            note=note,
        )
    typer.echo(path)


def _overrides(
    body: str | None, cameras: Path | None, textures: Path | None, meshes: Path | None
) -> dict[str, dict[str, Any]]:
    """Sections of the configuration that options decide."""
    sections: dict[str, dict[str, Any]] = {
        "people": _people(body) | ({} if textures is None else {"textures": str(textures)}),
        "place": {} if cameras is None else {"kind": "calibrated", "cameras": str(cameras)},
        "props": {} if meshes is None else {"meshes": str(meshes)},
    }
    return {name: values for name, values in sections.items() if values}


def _people(body: str | None) -> dict[str, Any]:
    if body is None:
        return {}
    if body == "mixed":
        return {"genders": ["neutral", "female", "male"]}
    if body in ("neutral", "female", "male"):
        return {"genders": [body]}
    return {"body": body}
