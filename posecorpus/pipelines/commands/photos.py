"""Commands that label photos: import, filter, label, fit-ellipses, and pseudogt, which ties them together."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from posecorpus.pipelines.commands.shared import (
    Camera,
    Library,
    Seed,
    SkipBad,
    Workers,
    examples,
    resumable_stages,
    usable_workers,
)

app = typer.Typer()


class PhotoFormat(StrEnum):
    """Annotations that can be imported."""

    lsp = "lsp"
    lspet = "lspet"
    mpii = "mpii"
    coco = "coco"
    corpus = "corpus"


class Joints(StrEnum):
    """What becomes of joints that are of a kind."""

    keep = "keep"
    drop = "drop"


class Parts(StrEnum):
    """Part masks that can be drawn from joints."""

    ellipses = "ellipses"


class Taxonomy(StrEnum):
    """Part ids of drawn masks."""

    h36m_25 = "h36m_25"
    surreal_14 = "surreal_14"


Format = Annotated[PhotoFormat, typer.Option(help="What the annotations are.")]
Annotations = Annotated[Path, typer.Option(help="The annotation file; for `corpus`, a corpus's folder.")]
Images = Annotated[Path | None, typer.Option(help="Folder or zip of the photos. Default: joints only.")]
SkeletonName = Annotated[
    str | None, typer.Option(help="Joint set to import into, e.g. lsp_14. Default: the format's own.")
]
PartMasks = Annotated[Parts | None, typer.Option(help="Draw part masks.")]
PartIds = Annotated[Taxonomy, typer.Option(help="Part ids of the masks.")]
Constants = Annotated[
    Path | None, typer.Option(help="Ellipses from `fit-ellipses`. Default: the package's, fitted on renders.")
]
Maps = Annotated[
    str | None,
    typer.Option(
        help="Draw skeleton maps, e.g. widths=3,5,7 or 'widths=3,5 crops=0.8,1,1.2 size=224'.",
        metavar="SETTINGS",
    ),
]


@app.command(
    name="import",
    epilog=examples(
        "import lspet --format lspet --annotations joints.mat --images images.zip",
        "import coco --format coco --annotations person_keypoints_val2017.json --images val2017/",
        "import renders --format corpus --annotations corpus --skeleton lsp_14 --outside drop",
    ),
)
def import_corpus(
    out: Annotated[Path, typer.Argument(help="Folder of the corpus; an unfinished one is finished.")],
    format: Format,
    annotations: Annotations,
    images: Images = None,
    skeleton: SkeletonName = None,
    hidden: Annotated[Joints, typer.Option(help="Joints marked as hidden: labels, or none.")] = Joints.keep,
    outside: Annotated[
        Joints, typer.Option(help="Joints outside their photo: hidden labels, or none.")
    ] = Joints.keep,
    skip_bad: SkipBad = False,
    workers: Workers = None,
) -> None:
    """Make a corpus of photos and their 2D annotations."""
    from posecorpus.pipelines.importing.photos import ImportRequest, import_photos

    request = ImportRequest(
        format=format.value,
        annotations=annotations,
        images=images,
        skeleton=skeleton,
        hidden=hidden.value,
        outside=outside.value,
        skip_bad=skip_bad,
    )
    with resumable_stages() as (report, note):
        path = import_photos(request, out, workers=workers or usable_workers(), report=report, note=note)
    typer.echo(path)


@app.command(name="filter", epilog=examples("filter lifted trusted --max-error-mm 80"))
def filter_corpus(
    corpus: Annotated[Path, typer.Argument(help="Folder of a lifted corpus.")],
    out: Annotated[Path, typer.Argument(help="Folder of the corpus to write.")],
    max_error_mm: Annotated[float, typer.Option(help="Largest predicted pose error to keep.")] = 80.0,
    workers: Workers = None,
) -> None:
    """Keep the lifted 3D that is trusted; photos without any are left out."""
    from posecorpus.pipelines.lifting.filter_lifted import filter_lifted

    with resumable_stages() as (report, note):
        kept = filter_lifted(corpus, out, max_error_mm, workers=workers or usable_workers(), report=report)
        note(
            f"kept {kept.kept_people:,} of {kept.people:,} lifted people, {kept.kept_samples:,} of {kept.samples:,} photos"
        )
    typer.echo(kept.manifest)


@app.command(
    epilog=examples(
        "label lifted labelled --parts ellipses --skeleton-maps widths=3,5,7",
        "label corpus masks --parts ellipses --taxonomy surreal_14",
    )
)
def label(
    corpus: Annotated[Path, typer.Argument(help="Folder of a corpus with joints.")],
    out: Annotated[Path, typer.Argument(help="Folder of the corpus to write.")],
    parts: PartMasks = None,
    taxonomy: PartIds = Taxonomy.h36m_25,
    constants: Constants = None,
    skeleton_maps: Maps = None,
    workers: Workers = None,
) -> None:
    """Draw part masks and skeleton maps from the joints of a corpus."""
    from posecorpus.pipelines.labelling.label_corpus import label_corpus, label_request

    request = label_request(parts is not None, taxonomy.value, constants, skeleton_maps)
    with resumable_stages() as (report, _):
        path = label_corpus(corpus, request, out, workers=workers or usable_workers(), report=report)
    typer.echo(path)


@app.command(
    name="fit-ellipses",
    epilog=examples("synth renders --samples 400 --body mixed", "fit-ellipses renders --out ellipses.json"),
)
def fit(
    corpus: Annotated[Path, typer.Argument(help="Folder of a corpus of renders.")],
    out: Annotated[Path, typer.Option(help="The JSON file to write.")] = Path("ellipses.json"),
    taxonomy: PartIds = Taxonomy.h36m_25,
    held_out: Annotated[
        Path | None, typer.Option(help="Renders to report on. Default: half of the corpus.")
    ] = None,
    seed: Seed = 0,
    workers: Workers = None,
) -> None:
    """Fit the ellipses of part masks to renders, whose masks are exact, and report the overlap of each part."""
    from posecorpus.pipelines.labelling.fit_ellipses import fit_ellipses

    with resumable_stages() as (report, note):
        fitted = fit_ellipses(
            corpus,
            out,
            taxonomy=taxonomy.value,
            held_out=held_out,
            seed=seed,
            workers=workers or usable_workers(),
            report=report,
            note=note,
        )
    typer.echo(fitted)
    typer.echo(fitted.path)


@app.command(
    epilog=examples(
        "pseudogt lspet --format lspet --annotations joints.mat --images images.zip --library lib",
        "pseudogt coco --format coco --annotations keypoints.json --images val2017/ --library lib --max-error-mm 90",
    )
)
def pseudogt(
    out: Annotated[Path, typer.Argument(help="Folder to work in; the corpus is its folder `corpus`.")],
    format: Format,
    annotations: Annotations,
    library: Library,
    images: Images = None,
    skeleton: SkeletonName = None,
    camera: Camera = 50.0,
    max_error_mm: Annotated[
        float | None, typer.Option(help="Largest predicted pose error to keep. Default: keep all.")
    ] = None,
    taxonomy: PartIds = Taxonomy.h36m_25,
    constants: Constants = None,
    skeleton_maps: Maps = "widths=3,5,7",
    skip_bad: SkipBad = False,
    workers: Workers = None,
) -> None:
    """Import, lift, (filter,) and label annotated photos in one go."""
    from posecorpus.pipelines.importing.photos import ImportRequest
    from posecorpus.pipelines.labelling.label_corpus import label_request
    from posecorpus.pipelines.lifting.lift_corpus import LiftRequest
    from posecorpus.pipelines.lifting.pseudogt import PseudoGtRequest, make_pseudogt

    request = PseudoGtRequest(
        photos=ImportRequest(
            format=format.value, annotations=annotations, images=images, skeleton=skeleton, skip_bad=skip_bad
        ),
        lift=LiftRequest(library, fov_deg=camera),
        label=label_request(True, taxonomy.value, constants, skeleton_maps),
        max_error_mm=max_error_mm,
    )
    with resumable_stages() as (report, note):
        path = make_pseudogt(request, out, workers=workers or usable_workers(), report=report, note=note)
    typer.echo(path)
