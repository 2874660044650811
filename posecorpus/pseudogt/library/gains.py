"""What each MoCap source adds to a library (LCR-Net++ section 3.7 merges two and measures it).

People are photographed who are in the library, but matched only against poses of other people. The
distance to the nearest view tells how well the library covers human poses: with one source alone,
without that source, and with all of them.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from posecorpus.core.progress import Report, silent
from posecorpus.core.seeds import generator
from posecorpus.core.skeletons import FULL_42, LSP_14, correspondence
from posecorpus.pseudogt.library.build import select_poses
from posecorpus.pseudogt.library.heading import torso_centred
from posecorpus.pseudogt.library.store import ClipEntry, view_rotations
from posecorpus.pseudogt.library.views import spread_views
from posecorpus.pseudogt.lift.simulate import Condition, simulate

QUERIES = 480
MAX_SOURCES = 12
OTHERS = "other sources"
_BLOCK = 128
_SKELETON = LSP_14
_CONDITION = Condition(noise=0.02)


@dataclass(frozen=True)
class SourceGain:
    """One source.

    Attributes:
        source: folder or zip.
        clips, frames: how many were read.
        kept: distinct poses that it holds in the merged library; of near-duplicates in several sources
            the first source has the pose.
        kept_alone: distinct poses of a library of this source alone.
        distance_alone, distance_without: mean match distance with this source alone and with all the
            others; None where nobody can be matched with somebody else everywhere.
    """

    source: str
    clips: int
    frames: int
    kept: int
    kept_alone: int
    distance_alone: float | None
    distance_without: float | None


@dataclass(frozen=True)
class Gains:
    """All sources.

    Attributes:
        sources: in the order of their first clip.
        queries: how many people were matched; only those who found somebody else in every library.
        distance: mean match distance with all sources; None as in :class:`SourceGain`.
    """

    sources: tuple[SourceGain, ...]
    queries: int
    distance: float | None

    @property
    def gain(self) -> float | None:
        """By which share merging lowers the match distance of the best single source."""
        alone = [s.distance_alone for s in self.sources if s.distance_alone is not None]
        if self.distance is None or not alone or len(self.sources) < 2:
            return None
        return 1.0 - self.distance / min(alone)

    def as_dict(self) -> dict[str, Any]:
        """For ``library.json``."""
        rounded = [{k: _round(v) for k, v in asdict(s).items()} for s in self.sources]
        return {
            "sources": rounded,
            "queries": self.queries,
            "distance": _round(self.distance),
            "gain": None if self.gain is None else round(self.gain, 4),
        }

    @staticmethod
    def from_dict(data: dict[str, Any]) -> Gains:
        """The reverse of :meth:`as_dict`."""
        sources = tuple(SourceGain(**source) for source in data["sources"])
        return Gains(sources, data["queries"], data["distance"])

    def lines(self) -> list[str]:
        """A table for people."""
        head = ("source", "clips", "poses", "kept", "share", "kept alone", "distance alone", "without it")
        total = sum(s.kept for s in self.sources)
        rows = [
            (
                s.source, f"{s.clips:,}", f"{s.frames:,}", f"{s.kept:,}", f"{s.kept / max(total, 1):.0%}",
                f"{s.kept_alone:,}", _number(s.distance_alone), _number(s.distance_without),
            )
            for s in self.sources
        ]  # fmt: skip
        frames, clips = sum(s.frames for s in self.sources), sum(s.clips for s in self.sources)
        rows.append(
            ("all", f"{clips:,}", f"{frames:,}", f"{total:,}", "100%", "", _number(self.distance), "")
        )
        widths = [max(len(row[i]) for row in [head, *rows]) for i in range(len(head))]
        lines = [
            "  ".join(c.ljust(w) if i == 0 else c.rjust(w) for i, (c, w) in enumerate(zip(row, widths, strict=True)))
            for row in [head, *rows]
        ]  # fmt: skip
        if self.gain is not None:
            lines.append(
                f"Merging lowers the match distance of the best single source by {self.gain:.1%} "
                f"({self.queries} people, matched with other people's poses)."
            )
        return lines


def measure_gains(
    landmarks: NDArray[np.floating],
    clip: NDArray[np.integer],
    clips: tuple[ClipEntry, ...],
    kept: NDArray[np.int64],
    *,
    views: int,
    spacing_mm: float,
    elevation_deg: tuple[float, float],
    seed: int,
    report: Report = silent,
) -> Gains:
    """Measure every source.

    Args:
        landmarks: (N, 42, 3) all poses that were read; may be memory-mapped.
        clip: (N,) index into ``clips``.
        kept: (P,) rows in the merged library.
        views, spacing_mm, elevation_deg: of the library.
        seed: decides who is asked about, and the views.
    """
    names, source_of_clip = _sources(clips, np.bincount(clip, minlength=len(clips)))
    source = source_of_clip[clip]
    parts = [source == s for s in range(len(names))]
    if len(names) > 1:
        parts += [source != s for s in range(len(names))]
    libraries = [kept]
    for done, part in enumerate(parts):
        report("comparing sources", done, len(parts) + 1)
        rows = np.flatnonzero(part)
        libraries.append(select_poses(landmarks, spacing_mm, mirror=False, rows=rows)[0])

    asked = _queries(kept, source[kept], len(names), seed)
    subjects = np.unique([c.subject for c in clips], return_inverse=True)[1][clip]
    nearest = _nearest(landmarks, subjects, asked, libraries, views, elevation_deg, seed)
    answered = np.isfinite(nearest).all(0)  # the same people everywhere, or nothing could be compared
    distances = [float(row[answered].mean()) if answered.any() else None for row in nearest]
    report("comparing sources", len(parts) + 1, len(parts) + 1)
    clip_counts = np.bincount(source_of_clip, minlength=len(names))
    found = tuple(
        SourceGain(
            source=name,
            clips=int(clip_counts[s]),
            frames=int((source == s).sum()),
            kept=int((source[kept] == s).sum()),
            kept_alone=len(libraries[1 + s]),
            distance_alone=distances[1 + s],
            distance_without=distances[1 + len(names) + s] if len(names) > 1 else None,
        )
        for s, name in enumerate(names)
    )
    return Gains(found, int(answered.sum()), distances[0])


def _sources(clips: tuple[ClipEntry, ...], frames: NDArray[np.integer]) -> tuple[list[str], NDArray[np.intp]]:
    """Names of the sources, and the number of each clip's. Many small ones are taken together."""
    sizes: Counter[str] = Counter()
    for entry, count in zip(clips, frames.tolist(), strict=True):
        sizes[entry.collection] += count
    largest = {name for name, _ in sizes.most_common(MAX_SOURCES if len(sizes) <= MAX_SOURCES else MAX_SOURCES - 1)}  # fmt: skip
    labels = [entry.collection if entry.collection in largest else OTHERS for entry in clips]
    names = list(dict.fromkeys(labels))
    return names, np.array([names.index(label) for label in labels], np.intp)


def _queries(kept: NDArray[np.int64], source: NDArray[np.intp], sources: int, seed: int) -> NDArray[np.int64]:
    """Rows of the people asked about: equally many of each source, as far as there are."""
    rng = generator(seed, "gains")
    share = QUERIES // sources
    chosen = [rng.permutation(kept[source == s])[:share] for s in range(sources)]
    return np.sort(np.concatenate(chosen))


def _nearest(
    landmarks: NDArray[np.floating],
    subjects: NDArray[np.intp],
    asked: NDArray[np.int64],
    libraries: list[NDArray[np.int64]],
    views: int,
    elevation_deg: tuple[float, float],
    seed: int,
) -> NDArray[np.float64]:
    """(L, Q) match distance of each query in each library, other people's poses only; inf for nobody."""
    rng = generator(seed, "gains photos")
    photos = simulate(landmarks[asked], _SKELETON, _CONDITION, rng).joints2d
    wanted = _normalised(photos).astype(np.float32)
    picked = correspondence(FULL_42, _SKELETON)
    best = np.full((len(libraries), len(asked)), -np.inf, np.float32)
    rows = np.unique(np.concatenate(libraries))
    members = [np.isin(rows, library) for library in libraries]
    for start in range(0, len(rows), _BLOCK):
        part = rows[start : start + _BLOCK]
        azimuth, elevation = spread_views(len(part), views, elevation_deg, seed, first=start)
        poses = torso_centred(landmarks[part])[:, picked]
        seen = np.einsum("pvab,pjb->pvja", view_rotations(azimuth, elevation)[..., :2, :], poses)
        flat = _normalised(seen.reshape(-1, len(picked), 2)).astype(np.float32)
        cosines = (wanted @ flat.T).reshape(len(asked), len(part), views).max(2)
        cosines[subjects[asked][:, None] == subjects[part]] = -np.inf
        for number, member in enumerate(members):
            mine = cosines[:, member[start : start + _BLOCK]]
            if mine.shape[1]:
                np.maximum(best[number], mine.max(1), out=best[number])
    return np.asarray(np.sqrt(np.maximum(2.0 - 2.0 * best.astype(np.float64), 0.0)))


def _normalised(points: NDArray[np.floating]) -> NDArray[np.float64]:
    """(N, 2 J): poses (N, J, 2) centred on their mean and divided by their norm (equation 9)."""
    flat = (points - points.mean(1, keepdims=True)).reshape(len(points), -1)
    return np.asarray(flat / np.linalg.norm(flat, axis=1, keepdims=True))


def _round(value: Any) -> Any:
    return round(value, 6) if isinstance(value, float) else value


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"
