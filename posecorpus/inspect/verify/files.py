"""What a corpus's manifest and files must hold to, before any sample is looked at."""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatch
from importlib.metadata import version
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from posecorpus.core.errors import InputError
from posecorpus.core.manifest import CONVENTIONS, MANIFEST, Manifest, ShardEntry, describe_skeletons
from posecorpus.core.parts import TAXONOMIES, PartTaxonomy
from posecorpus.core.schema import SCHEMA
from posecorpus.core.shards import open_parquet
from posecorpus.core.skeletons import SKELETONS
from posecorpus.core.storage import Storage, stored_sha256
from posecorpus.inspect.verify.maps import stick_ids
from posecorpus.inspect.verify.report import Report


def check_manifest(storage: Storage, manifest: Manifest) -> Report:
    """Conventions, completeness, legends and skeletons of a manifest."""
    report = Report()
    wrong = [
        f"conventions: {name} is {manifest.conventions.get(name)!r}, expected {rule!r}"
        for name, rule in CONVENTIONS.items()
        if manifest.conventions.get(name) != rule
    ]
    report.record(MANIFEST, "conventions", wrong)
    report.record(MANIFEST, "complete", _incomplete(storage, manifest))
    if manifest.part_taxonomy is not None or manifest.sticks is not None:
        parts = [] if manifest.part_taxonomy is None else _legend_faults(manifest.part_taxonomy)
        sticks = [] if manifest.sticks is None else _stick_faults(manifest.sticks)
        report.record(MANIFEST, "legend", parts + sticks)
    report.record(MANIFEST, "skeletons", _skeleton_faults(manifest.skeletons))
    made_by, here = manifest.packages.get("posecorpus"), version("posecorpus")
    if made_by != here:
        report.notes.append(
            f"made by posecorpus {made_by}, checked by {here}: bodies may have changed between"
        )
    return report


def _incomplete(storage: Storage, manifest: Manifest) -> list[str]:
    listed = [entry.file for entry in manifest.shards]
    samples = sum(entry.samples for entry in manifest.shards)
    faults = [f"{name} is listed twice" for name in sorted({n for n in listed if listed.count(n) > 1})]
    if len(listed) != manifest.planned_shards or samples != manifest.planned_samples:
        planned = f"{manifest.planned_samples} samples in {manifest.planned_shards} shards were planned"
        faults.append(f"{planned}, {samples} in {len(listed)} are there")
    strays = [n for n in storage.names() if fnmatch(n, "shard-*.parquet") and n not in listed]
    return faults + [f"{name} lies in the folder, but is not listed" for name in strays]


def _legend_faults(described: dict[str, Any]) -> list[str]:
    name, legend, palette = (described.get(key) for key in ("name", "legend", "palette"))
    if not isinstance(legend, dict) or not isinstance(palette, dict):
        return ["part_taxonomy: expected a legend and a palette"]
    faults = []
    if not all(key.isdecimal() and int(key) < 256 and isinstance(part, str) for key, part in legend.items()):
        faults.append("legend: expected ids from 0 to 255 with names")
    if legend.get("0") != "background":
        faults.append(f"legend: id 0 is {legend.get('0')!r}, expected 'background'")
    if name in TAXONOMIES:
        for i, part in TAXONOMIES[name].legend.items():
            if legend.get(str(i)) != part:
                faults.append(f"legend: id {i} of {name} is {legend.get(str(i))!r}, expected {part!r}")
        faults += [
            f"legend: {name} has no id {i}" for i in legend if i not in map(str, TAXONOMIES[name].legend)
        ]
    return faults + _palette_faults("palette", legend, palette)


def _stick_faults(described: dict[str, Any]) -> list[str]:
    legend, palette = described.get("legend"), described.get("palette")
    if not isinstance(legend, dict) or not isinstance(palette, dict):
        return ["sticks: expected a legend and a palette"]
    faults = []
    if len(stick_ids(described)) < len(legend) or not all(isinstance(name, str) for name in legend.values()):
        faults.append("sticks: expected a legend of ids from 0 to 255 with names")
    return faults + _palette_faults("sticks: palette", legend, palette)


def _palette_faults(where: str, legend: dict[str, Any], palette: dict[str, Any]) -> list[str]:
    faults = []
    colours = [tuple(colour) if isinstance(colour, list) else None for colour in palette.values()]
    if palette.keys() != legend.keys():
        faults.append(f"{where}: lacks or has too much: {', '.join(sorted(palette.keys() ^ legend.keys()))}")
    if None in colours or len(set(colours)) < len(colours):
        faults.append(f"{where}: expected another colour for each id")
    return faults


def _skeleton_faults(described: dict[str, dict[str, Any]]) -> list[str]:
    faults = []
    for name, found in described.items():
        if name not in SKELETONS:
            faults.append(f"skeletons: {name!r} is none of {', '.join(SKELETONS)}")
        elif found != describe_skeletons(name)[name]:
            faults.append(f"skeletons: joints, parents or mirror pairs of {name} are not its own")
    return faults


def undescribed(manifest: Manifest, used: Iterable[str], parts: bool, maps: bool) -> list[str]:
    """What samples use, but the manifest does not describe: skeletons, and the ids of parts and of sticks."""
    faults = [f"skeleton {name} is not described" for name in sorted(used) if name not in manifest.skeletons]
    if parts and not manifest.part_taxonomy:
        faults.append("the ids of parts are not described")
    if maps and not manifest.sticks:
        faults.append("the ids of skeleton maps are not described")
    return faults


def manifest_taxonomy(manifest: Manifest) -> PartTaxonomy | None:
    """What part ids mean: the package's taxonomy of that name, or else what the manifest says."""
    described = manifest.part_taxonomy
    if described is None:
        return None
    name, legend = described.get("name"), described.get("legend")
    if name in TAXONOMIES:
        return TAXONOMIES[name]
    if not isinstance(legend, dict):
        return None
    return PartTaxonomy(str(name), {int(i): str(part) for i, part in legend.items() if i.isdecimal()})


def open_shard(storage: Storage, entry: ShardEntry, report: Report) -> pq.ParquetFile | None:
    """A shard whose hash, columns and number of rows are right; None, with the reason recorded, otherwise."""
    try:
        found = stored_sha256(storage, entry.file)
    except InputError as error:
        report.record(entry.file, "hash", [f"cannot be read: {error.got}"])
        return None
    if found != entry.sha256:
        report.record(
            entry.file, "hash", [f"sha256 is {found[:12]}..., the manifest says {entry.sha256[:12]}..."]
        )
        return None
    report.record(entry.file, "hash", [])
    try:
        file = open_parquet(storage, entry.file)
    except (OSError, pa.ArrowException) as error:
        report.record(entry.file, "columns", [str(InputError("file", "Parquet", error))])
        return None
    wrong = [
        f"column {field.name} is {_type_of(file.schema_arrow, field.name)}, expected {field.type}"
        for field in SCHEMA
        if _type_of(file.schema_arrow, field.name) != field.type
    ]
    wrong += [f"column {name} is unknown" for name in file.schema_arrow.names if name not in SCHEMA.names]
    report.record(entry.file, "columns", wrong)
    rows = file.metadata.num_rows
    short = [] if rows == entry.samples else [f"{rows} rows, the manifest says {entry.samples}"]
    report.record(entry.file, "count", short)
    return None if wrong else file


def _type_of(schema: pa.Schema, name: str) -> pa.DataType | None:
    return schema.field(name).type if name in schema.names else None
