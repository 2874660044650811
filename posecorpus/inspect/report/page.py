"""Puts the report together: reads the corpus, gathers what the page shows, writes one file."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from posecorpus.core.errors import InputError
from posecorpus.core.manifest import Manifest, write_atomically
from posecorpus.core.parts import TAXONOMIES, PartTaxonomy
from posecorpus.core.sample import Sample
from posecorpus.core.shards import Corpus
from posecorpus.core.skeletons import SKELETONS
from posecorpus.core.sticks import PALETTE_TABLE, STICKS
from posecorpus.core.storage import stored_size
from posecorpus.inspect.joint_drawing import skeleton_record
from posecorpus.inspect.overlays import INSTANCE_COLOURS, colour_depth
from posecorpus.inspect.report.charts import all_charts
from posecorpus.inspect.report.choice import choose
from posecorpus.inspect.report.columns import Columns, label_coverage, read_columns
from posecorpus.inspect.report.lift_records import map_records, stacks
from posecorpus.inspect.report.pictures import MAX_TEXT, picture_record
from posecorpus.inspect.report.space import bytes_of, space_record
from posecorpus.inspect.shell import PageParts, render_page

PICTURE_BYTES = 10_000_000
"""All pictures and point clouds of a report together, however many and large the samples are."""
MAX_COUNTED = 20_000
"""Samples whose annotations are read for the distributions."""
MAX_SKIPPED = 200
MAX_CONFIGURATION = 100_000
_PARTS = PageParts(
    package="posecorpus.inspect.report",
    body="report.html",
    style="report.css",
    scripts=("gallery.js", "lifted.js", "space.js", "main.js"),
)


def write_report(
    corpus: Corpus | Path | str,
    out: Path,
    *,
    samples: int = 48,
    seed: int = 0,
    report: Callable[[str, int, int], None] | None = None,
) -> Path:
    """Write a self-contained HTML report on a corpus.

    Args:
        corpus: what to look at, or its folder or URL; it may be unfinished.
        out: the file to write; its folder is made. A file that is there is replaced, atomically.
        samples: how many samples to picture: spread evenly over the corpus; where people were lifted, the most
            and the least trusted and those around the median.
        seed: which sample of each stretch is pictured. The same corpus and seed give the same bytes.
        report: called with ("pictures", pictures done, pictures in all).

    Returns:
        ``out``.

    Raises:
        InputError: a shard is missing or damaged.
    """
    corpus = corpus if isinstance(corpus, Corpus) else Corpus(corpus)
    taxonomy = _taxonomy(corpus.manifest)
    coverage = label_coverage(corpus)
    columns = read_columns(corpus, MAX_COUNTED)
    groups = choose(columns, len(corpus), samples, seed)
    chosen = [row for group in groups for row in group.rows]
    pictures, spaces, maps, part_pixels = [], [], [], np.zeros(256)
    for done, index in enumerate(chosen):
        sample = corpus[index]
        picture, space = _records(sample, taxonomy, PICTURE_BYTES // len(chosen))
        pictures.append(picture)
        spaces.append(space)
        maps.append(sample.skeleton_maps or [])
        if sample.parts is not None:
            part_pixels += np.bincount(sample.parts.ravel(), minlength=256)
        if report is not None:
            report("pictures", done + 1, len(chosen))
    pictured = {index: place for place, index in enumerate(chosen)}
    data = {
        **_overview(corpus, columns, coverage),
        **_legends(taxonomy),
        **_about(corpus.manifest),
        "samples": pictures,
        "spaces": spaces,
        "groups": [[group.title, group.note, len(group.rows)] for group in groups],
        "rows": chosen,
        "stacks": stacks(maps),
        "charts": all_charts(columns, pictured, part_pixels, taxonomy, corpus.manifest.trust),
        "basis": _basis(corpus, columns),
    }
    out.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(out, render(data).encode())
    return out


def _records(
    sample: Sample, taxonomy: PartTaxonomy | None, max_bytes: int
) -> tuple[dict[str, Any], dict[str, Any] | None]:
    space = space_record(sample, max_bytes * 2 // 5)
    maps = map_records(sample, PALETTE_TABLE, max_bytes * 2 // 5)
    used = sum(len(record["front"]) + len(record["back"]) for record in maps) + bytes_of(space)
    return picture_record(sample, taxonomy, max_bytes - used) | {"maps": maps}, space


def _taxonomy(manifest: Manifest) -> PartTaxonomy | None:
    """The taxonomy that the manifest names, or one of its legend where the name is not ours.

    Raises:
        InputError: a legend that is not a table of ids below 256.
    """
    described = manifest.part_taxonomy
    if described is None:
        return None
    name, legend = str(described.get("name")), described.get("legend")
    if name in TAXONOMIES:
        return TAXONOMIES[name]
    if not isinstance(legend, dict) or not all(i.isascii() and i.isdigit() and int(i) < 256 for i in legend):
        raise InputError("manifest.json: part_taxonomy", "a legend of ids below 256", legend)
    return PartTaxonomy(name, {int(i): str(part) for i, part in legend.items()})


def _overview(corpus: Corpus, columns: Columns, coverage: dict[str, int]) -> dict[str, Any]:
    manifest, read = corpus.manifest, len(columns.rows)
    sizes = np.unique(columns.size, axis=0).astype(int)
    size = f"{sizes[0][0]} × {sizes[0][1]}" if len(sizes) == 1 else f"{len(sizes):,} sizes"
    motions = {motion for motion in columns.text["motion"] if motion is not None}
    disk = sum(stored_size(corpus.storage, entry.file) for entry in corpus.manifest.shards)
    whole = read == len(corpus)
    figures = [
        (f"{len(corpus):,}", "samples"),
        (f"{len(columns.image):,}", "people" if whole else f"people in {read:,} samples"),
        (size, "pixels"),
        (f"{columns.clips:,}", "clips"),
        (f"{len(motions):,}", "motions"),
        (f"{len(manifest.shards):,}", "shard" if len(manifest.shards) == 1 else "shards"),
        (_bytes(disk), "on disk"),
    ]
    state = (
        ""
        if manifest.complete
        else f" Unfinished: {len(manifest.shards)} of {manifest.planned_shards} shards."
    )
    return {
        "name": corpus.storage.name,
        "story": _story(manifest) + state,
        "figures": [[value, label] for value, label in figures if value not in ("0", "0 sizes")],
        "coverage": _coverage(corpus, columns, coverage),
    }


def _story(manifest: Manifest) -> str:
    if manifest.kind == "predict":
        run, step = (str(manifest.configuration.get(name))[:MAX_TEXT] for name in ("run", "step"))
        return f"People that the network {run} found, after {step} steps of training."
    return f"Made by posecorpus {manifest.kind} with seed {manifest.seed}."


def _coverage(corpus: Corpus, columns: Columns, rasters: dict[str, int]) -> list[tuple[str, int, int]]:
    """(label, how many have it, of how many) for each kind of label."""
    people = len(columns.image)
    titles = {
        "image": "picture",
        "parts": "parts",
        "instances": "instances",
        "depth": "depth",
        "normals": "normals",
        "flow": "flow",
    }
    return [
        *((title, rasters[column], len(corpus)) for column, title in titles.items()),
        ("skeleton maps", int(columns.maps.sum()), len(columns.rows)),
        ("camera", int(np.isfinite(columns.t).all(-1).sum()), len(columns.rows)),
        ("2D joints", int(np.isfinite(columns.limbs2d).any((1, 2)).sum()), people),
        ("3D joints", int(np.isfinite(columns.limbs3d).any((1, 2)).sum()), people),
        ("lifted", int(np.isfinite(columns.lift["pose_error_mm"]).sum()), people),
        ("body pose", int((columns.text["body"] != None).sum()), people),  # noqa: E711 (elementwise)
    ]


def _basis(corpus: Corpus, columns: Columns) -> str:
    read, total = len(columns.rows), len(corpus)
    return f"From the annotations of {'all' if read == total else f'{read:,} of'} {total:,} samples."


def _legends(taxonomy: PartTaxonomy | None) -> dict[str, Any]:
    ramp = colour_depth(np.linspace(1000, 2000, 12).astype(np.uint16)[None], (1000, 2000))[0]
    legend = {} if taxonomy is None else taxonomy.legend
    table: NDArray[np.uint8] = np.zeros((1, 3), np.uint8) if taxonomy is None else taxonomy.palette_table
    return {
        "skeletons": {name: skeleton_record(shape) for name, shape in SKELETONS.items()},
        "parts": [{"id": i, "name": name, "colour": table[i].tolist()} for i, name in legend.items()],
        "partColours": {str(i): table[i].tolist() for i in legend} | {"0": [128, 128, 128]},
        "sticks": [{"name": stick.name, "colour": stick.colour} for stick in STICKS],
        "instanceColours": INSTANCE_COLOURS,
        "depthRamp": ramp.tolist(),
    }


def _about(manifest: Manifest) -> dict[str, Any]:
    configuration = json.dumps(manifest.configuration, indent=2, sort_keys=True, ensure_ascii=False)
    cut = "\n… and more, in manifest.json" if len(configuration) > MAX_CONFIGURATION else ""
    return {
        "configuration": configuration[:MAX_CONFIGURATION] + cut,
        "conventions": list(manifest.conventions.items()),
        "packages": list(manifest.packages.items()),
        "skipped": [
            (entry.where[:MAX_TEXT], entry.reason[:MAX_TEXT]) for entry in manifest.skipped[:MAX_SKIPPED]
        ],
        "skippedMore": max(0, len(manifest.skipped) - MAX_SKIPPED),
    }


def _bytes(count: float) -> str:
    for name in ("B", "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:.3g} {name}"
        count /= 1000
    return f"{count:.3g} TB"


def render(data: dict[str, Any]) -> str:
    """The page for the given data."""
    return render_page(data, _PARTS)
