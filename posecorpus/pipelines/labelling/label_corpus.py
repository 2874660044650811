"""``posecorpus label``: part masks of ellipses and skeleton maps, drawn from the people's joints.

Models can also draw them on the fly (``models.rasters``); a corpus that holds them can be looked at,
verified and exported.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from posecorpus.core.ellipses import EllipseConstants, default_constants, load_constants
from posecorpus.core.errors import InputError
from posecorpus.core.manifest import describe_taxonomy
from posecorpus.core.progress import Report, silent
from posecorpus.core.sample import Sample
from posecorpus.core.shards import Corpus
from posecorpus.core.sticks import describe_sticks
from posecorpus.pipelines.derive import derive, digest, open_source
from posecorpus.pseudogt.ellipse_parts.draw import draw_sample as draw_ellipses
from posecorpus.pseudogt.skeleton_maps.label import draw_sample as draw_maps


@dataclass(frozen=True)
class MapSettings:
    """Which skeleton maps to draw of each person: every width in every crop.

    Attributes:
        widths: of the sticks, pixels of the map.
        crops: side of the window in multiples of the person's square.
        size: side of the map, pixels.
    """

    widths: tuple[float, ...] = (3.0, 5.0, 7.0)
    crops: tuple[float, ...] = (1.0,)
    size: int = 224


@dataclass(frozen=True)
class LabelRequest:
    """Which labels to draw.

    Attributes:
        ellipses: the constants of part masks, or None for no masks.
        maps: the skeleton maps, or None for none.
    """

    ellipses: EllipseConstants | None = None
    maps: MapSettings | None = None


def label_request(ellipses: bool, taxonomy: str, constants: Path | None, maps: str | None) -> LabelRequest:
    """From the command line's options.

    Args:
        maps: settings of :class:`MapSettings`, e.g. ``widths=3,5,7 crops=0.8,1``.

    Raises:
        InputError: constants that cannot be read, or of another taxonomy; settings in another form.
    """
    chosen = None
    if ellipses:
        chosen = default_constants(taxonomy) if constants is None else load_constants(constants)
        if chosen.taxonomy != taxonomy:
            raise InputError(
                str(constants), f"ellipses for {taxonomy}", chosen.taxonomy, "name its --taxonomy"
            )
    return LabelRequest(chosen, None if maps is None else map_settings(maps))


def map_settings(text: str) -> MapSettings:
    """Parse ``widths=3,5,7 crops=0.8,1,1.2 size=224``; what is not named keeps its default.

    Raises:
        InputError: another form, or values that no map can have.
    """
    form = "e.g. widths=3,5,7 or 'widths=3,5 crops=0.8,1 size=224'"
    found: dict[str, tuple[float, ...]] = {}
    for word in text.split():
        name, _, values = word.partition("=")
        try:
            numbers = tuple(float(value) for value in values.split(","))
        except ValueError:
            raise InputError("--skeleton-maps", form, repr(word)) from None
        if name not in ("widths", "crops", "size") or not all(0 < n <= 4096 for n in numbers):
            raise InputError("--skeleton-maps", f"{form}, with positive numbers", repr(word))
        found[name] = numbers
    size = found.get("size", (MapSettings.size,))
    if len(size) != 1 or size[0] != int(size[0]):
        raise InputError("--skeleton-maps", "one whole number for size", text)
    return MapSettings(
        found.get("widths", MapSettings.widths), found.get("crops", MapSettings.crops), int(size[0])
    )


def label_corpus(
    source: Path, request: LabelRequest, out: Path, *, workers: int = 1, report: Report = silent
) -> Path:
    """Write the corpus with the labels drawn, or finish it; gives its manifest's path.

    Part masks replace those that are there; instances are drawn only where there are none.

    Raises:
        InputError: nothing to draw, or skeleton maps of a corpus without 3D.
    """
    if request.ellipses is None and request.maps is None:
        raise InputError("label", "--parts, --skeleton-maps or both", "neither")
    corpus = open_source(source, out)
    if request.maps is not None and not _has_3d(corpus):
        fix = "lift the corpus first: posecorpus lift"
        raise InputError(source, "3D joints, which order the sticks by depth", "none", fix)
    planned = corpus.manifest.model_copy(
        update={
            "kind": "label",
            "configuration": corpus.manifest.configuration | _configuration(request),
            "inputs": corpus.manifest.inputs | digest(corpus),
            "shards": [],
        }
        | (
            {}
            if request.ellipses is None
            else {"part_taxonomy": describe_taxonomy(request.ellipses.taxonomy)}
        )
        | ({} if request.maps is None else {"sticks": describe_sticks()})
    )
    return derive(corpus, out, planned, label_samples, request, workers, report, "drawing")


def label_samples(request: LabelRequest, samples: Iterator[Sample]) -> Iterable[Sample]:
    """The samples of a shard with their labels drawn."""
    for sample in samples:
        if request.ellipses is not None:
            sample = _with_ellipses(sample, request.ellipses)
        if request.maps is not None:
            maps = draw_maps(sample, request.maps.widths, request.maps.crops, request.maps.size)
            sample = replace(sample, skeleton_maps=maps)
        yield sample


def _with_ellipses(sample: Sample, constants: EllipseConstants) -> Sample:
    parts, instances = draw_ellipses(sample.people, sample.width, sample.height, constants)
    encoded = {name: data for name, data in sample.encoded.items() if name != "parts"}
    return replace(
        sample, parts=parts, instances=None if "instances" in encoded else instances, encoded=encoded
    )


def _has_3d(corpus: Corpus) -> bool:
    return any(p.joints3d is not None for sample in corpus.samples(()) for p in sample.people)


def _configuration(request: LabelRequest) -> dict[str, Any]:
    """What the manifest says of the labels, so that they can be drawn again and compared."""
    said: dict[str, Any] = {}
    if request.ellipses is not None:
        said |= {"parts": "ellipses", "ellipses": request.ellipses.as_json()}
    if request.maps is not None:
        maps = request.maps
        said |= {"skeleton_maps": {"widths": list(maps.widths), "crops": list(maps.crops), "size": maps.size}}
    return said
