"""What a synthetic run needs from outside, prepared before anything is rendered: motions and photos.

Every file is opened and checked here. A bad one stops the run before it has written anything, or, if
the user says so, is left out and listed in the manifest.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from posecorpus.core.errors import InputError
from posecorpus.core.manifest import Skipped
from posecorpus.pipelines.engine import Report, run_local, silent
from posecorpus.synth.appearance.photos import find_photos
from posecorpus.synth.bodies.model import load_body
from posecorpus.synth.builtin import builtin_clips
from posecorpus.synth.mocap.resample import resample
from posecorpus.synth.mocap.sources import ClipRef, read_clip, scan
from posecorpus.synth.motion import BodyMotion
from posecorpus.synth.retarget import retarget


class UnusableInputs(InputError):
    """Several inputs are bad; ``lines`` holds one line for each."""

    def __init__(self, lines: Sequence[str]) -> None:
        self.lines = tuple(lines)
        fix = "mend or remove them, or use --skip-bad to go on without them"
        super().__init__(
            f"{len(lines)} inputs", "usable files", f"the faults listed above ({len(lines)})", fix
        )


@dataclass(frozen=True)
class Motions:
    """Motions ready for rendering.

    Attributes:
        clips: at one frame rate, on the body's joints, in a fixed order.
        digests: sha256 of each clip's bytes by its source.
        skipped: clips that were left out, and why.
    """

    clips: list[BodyMotion]
    digests: dict[str, str]
    skipped: list[Skipped]


@dataclass(frozen=True)
class Photos:
    """Photos for backgrounds: names a worker can open, their digests, and those left out."""

    paths: tuple[str, ...]
    digests: dict[str, str]
    skipped: list[Skipped]


def prepare_motions(
    paths: Sequence[Path],
    fps: float,
    seed: int,
    *,
    builtin_count: int,
    frames: int,
    skip_bad: bool,
    workers: int,
    report: Report = silent,
) -> Motions:
    """Read, resample and retarget every clip of the given files, folders and zips.

    Args:
        paths: built-in motions are generated if empty.
        fps: frame rate of the result.
        builtin_count: how many clips to generate in that case.
        frames: length that at least one clip must have.
        skip_bad: see the module's text.

    Raises:
        InputError: bad files, no clip at all, or none of ``frames`` frames.
    """
    if paths:
        motions = _captured(paths, fps, skip_bad, workers, report)
    else:
        motions = Motions([resample(m, fps) for m in builtin_clips(seed, builtin_count)], {}, [])
    longest = max((len(m.poses) for m in motions.clips), default=0)
    if not motions.clips:
        raise InputError(", ".join(map(str, paths)), "motion files (.amc, .bvh, .npz)", "none")
    if longest < frames:
        raise InputError(
            "motions", f"a clip of {frames} frames at {fps:g} fps", f"{longest}", "ask for fewer --frames"
        )
    return motions


def _captured(paths: Sequence[Path], fps: float, skip_bad: bool, workers: int, report: Report) -> Motions:
    refs, problems = scan(paths, progress=partial(report, "reading motions"))
    skipped = [Skipped(where=p.where, reason=p.reason) for p in problems]
    clips: dict[str, BodyMotion] = {}
    for done, result in enumerate(run_local(partial(_prepare, fps=fps), refs, workers), 1):
        report("retargeting", done, len(refs))
        if isinstance(result, BodyMotion):
            clips[result.name] = result
        else:
            skipped.append(result)
    if skipped and not skip_bad:
        raise UnusableInputs([f"{s.where}: {s.reason}" for s in sorted(skipped, key=lambda s: s.where)])
    # Workers finish in any order; the corpus must not depend on it.
    ordered = [clips[ref.name] for ref in refs if ref.name in clips]
    digests = {ref.source: ref.sha256 for ref in refs if ref.name in clips}
    return Motions(ordered, digests, sorted(skipped, key=lambda s: s.where))


def _prepare(ref: ClipRef, fps: float) -> BodyMotion | Skipped:
    """One clip on the body's joints, or why it cannot be."""
    try:
        clip = resample(read_clip(ref), fps)
        return clip if isinstance(clip, BodyMotion) else retarget(clip, load_body("open", "neutral"))
    except InputError as error:
        return Skipped(where=error.where, reason=f"expected {error.expected}, got {error.got}")


def prepare_photos(folder: Path | None, skip_bad: bool) -> Photos:
    """List and check the photos of a folder or zip.

    Raises:
        InputError: no photo there, or unreadable ones and not ``skip_bad``.
    """
    if folder is None:
        return Photos((), {}, [])
    photos, problems = find_photos(folder)
    if problems and not skip_bad:
        raise UnusableInputs([f"{p.where}: {p.reason}" for p in problems])
    if not photos:
        raise InputError(folder, "photos (.jpg, .png)", "none")
    skipped = [Skipped(where=p.where, reason=p.reason) for p in problems]
    return Photos(tuple(p.path for p in photos), {p.name: p.sha256 for p in photos}, skipped)
