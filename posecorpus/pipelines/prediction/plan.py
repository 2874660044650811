"""Which pictures each shard of predictions holds, and the pictures themselves when their turn comes."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from posecorpus.core.cameras import Camera
from posecorpus.core.codecs import decode
from posecorpus.core.manifest import ShardEntry
from posecorpus.core.sample import Sample
from posecorpus.core.shards import Corpus
from posecorpus.pipelines.importing.summary import sample_keys
from posecorpus.pipelines.prediction.inputs import Proved, carry

SHARD_SAMPLES, SHARD_BYTES = 200, 64 << 20
"""A shard of photos ends with the one that brings it to either: an interrupted run looks at these again."""

FILM_DIAGONAL_MM = math.hypot(36, 24)


@dataclass(frozen=True, eq=False)
class PhotoShard:
    """Photos that become one shard."""

    photos: tuple[Proved, ...]
    keys: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class CorpusShard:
    """One shard of a corpus, which becomes one shard."""

    corpus: Corpus
    entry: ShardEntry
    keys: tuple[str, ...]


Shard = PhotoShard | CorpusShard


def plan(photos: Sequence[Proved], corpora: Sequence[Corpus]) -> list[Shard]:
    """The shards of the predictions. Samples of corpora keep their keys, unless two have the same."""
    shards: list[Shard] = []
    used: set[str] = set()
    for corpus in corpora:
        for entry in corpus.manifest.shards:
            keys = corpus.shard_keys(entry)
            shards.append(CorpusShard(corpus, entry, tuple(_unused(key, used) for key in keys)))
    keys = [_unused(key, used) for key in sample_keys([proved.photo.name for proved in photos])]
    first = held = 0
    for last, proved in enumerate(photos, 1):
        held += proved.size_bytes
        if last - first == SHARD_SAMPLES or held >= SHARD_BYTES or last == len(photos):
            shards.append(PhotoShard(tuple(photos[first:last]), tuple(keys[first:last])))
            first, held = last, 0
    return shards


def pictures(shard: Shard) -> Iterator[tuple[Sample, NDArray[np.uint8]]]:
    """Each picture of a shard, as a sample that nobody has been found in, and its pixels (H, W, 3), RGB.

    The sample holds the picture encoded: byte for byte as it was, if it can be.
    """
    if isinstance(shard, PhotoShard):
        for key, proved in zip(shard.keys, shard.photos, strict=True):
            picture = carry(proved)
            origin: dict[str, Any] = {"image": proved.photo.name}
            if picture.change:
                origin["image_change"] = picture.change
            sample = Sample(key, picture.width, picture.height, [], provenance=origin)
            if proved.focal_35mm is not None:
                sample.camera = camera_of_lens(proved.focal_35mm, picture.width, picture.height)
                origin["focal_35mm"] = proved.focal_35mm
            sample.encoded["image"] = picture.encoded
            yield sample, _decoded(sample, proved.photo.where)
        return
    old = shard.corpus.shard_samples(shard.entry, (), keep_encoded=True)
    for key, sample in zip(shard.keys, old, strict=True):
        bare = replace(_bare(sample, shard.corpus.storage.name), key=key)
        yield bare, _decoded(bare, f"{shard.corpus.storage}: {sample.key}")


def camera_of_lens(focal_35mm: float, width: int, height: int) -> Camera:
    """The level camera of a lens that gives, on 35 mm film, the same view from corner to corner.

    It is taken for granted that the picture has not been cut since it was taken.
    """
    focal_px = focal_35mm * math.hypot(width, height) / FILM_DIAGONAL_MM
    return Camera.assumed(math.degrees(2 * math.atan(max(width, height) / 2 / focal_px)), width, height)


def _bare(sample: Sample, corpus: str) -> Sample:
    """A corpus's sample without its labels: the picture, and the camera that took it."""
    origin: dict[str, Any] = {"corpus": corpus, "origin": sample.provenance}
    return Sample(
        sample.key,
        sample.width,
        sample.height,
        [],
        camera=sample.camera,
        clip=sample.clip,
        frame=sample.frame,
        provenance=origin,
        encoded={"image": sample.encoded["image"]},
    )


def _decoded(sample: Sample, where: str) -> NDArray[np.uint8]:
    return np.asarray(decode("image", sample.encoded["image"], sample.width, sample.height, where), np.uint8)


def _unused(key: str, used: set[str]) -> str:
    """The key, with a number if it is taken; it is taken then."""
    free, number = key, 1
    while free in used:
        number += 1
        free = f"{key}-{number}"
    used.add(free)
    return free
