"""What a synthetic run needs from outside, prepared before anything is rendered: motions and photos.

Every file is opened and checked here. A bad one stops the run before it has written anything, or, if
the user says so, is left out and listed in the manifest.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from posecorpus.core.errors import InputError
from posecorpus.core.manifest import Skipped, body_input
from posecorpus.core.progress import Report, silent
from posecorpus.pipelines.engine import Run
from posecorpus.synth.appearance.photos import find_photos, load_photo
from posecorpus.synth.bodies.model import load_body
from posecorpus.synth.builtin import builtin_clip
from posecorpus.synth.config import MotionConfig
from posecorpus.synth.mocap.resample import resample
from posecorpus.synth.mocap.sources import ClipRef, read_clip, scan
from posecorpus.synth.mocap.units import Reading
from posecorpus.synth.motion import BodyMotion
from posecorpus.synth.retarget import retarget

SPARE_S, LONGEST_S = 1.5, 120.0
"""Built-in motions are this much longer than the clips cut from them, and never longer than that."""


class UnusableInputs(InputError):
    """Some inputs are bad; ``lines`` holds one line for each if there are several."""

    def __init__(self, faults: Sequence[str]) -> None:
        self.lines = tuple(sorted(faults)) if len(faults) > 1 else ()
        fix = "mend or remove them, or use --skip-bad to go on without them"
        super().__init__("inputs", "usable files", f"{len(faults)} faults, listed above", fix)
        if len(faults) == 1:
            self.args = (f"{faults[0]}; {fix.replace('them', 'it')}",)

    def __str__(self) -> str:
        return str(self.args[0]) if self.args else super().__str__()


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
    config: MotionConfig,
    seed: int,
    *,
    builtin_count: int,
    frames: int,
    skip_bad: bool,
    run: Run,
    report: Report = silent,
) -> Motions:
    """Read, resample and retarget every clip of the given files, folders and zips.

    Args:
        paths: built-in motions are generated if empty.
        config: frame rate of the result, and what the user states about files.
        builtin_count: how many clips to generate in that case.
        frames: length that at least one clip must have.
        skip_bad: see the module's text.
        run: who does the work.

    Raises:
        InputError: bad files, no clip at all, or none of ``frames`` frames.
    """
    if paths:
        motions = _captured(paths, config, skip_bad, run, report)
    else:
        # Long enough for the asked frames wherever a clip begins; for stills, as they come.
        seconds = (frames / config.fps + SPARE_S) if frames > 2 else None
        if seconds is not None and seconds > LONGEST_S:
            limit = f"clips of at most {int((LONGEST_S - SPARE_S) * config.fps)} frames from built-in motions"
            raise InputError("--frames", limit, frames - 1, "give motions of that length by --motions")
        motions = _generated(config.fps, seed, builtin_count, seconds, run, report)
    longest = max((len(m.poses) for m in motions.clips), default=0)
    if not motions.clips:
        raise InputError(", ".join(map(str, paths)), "motion files (.amc, .bvh, .npz)", "none")
    if longest < frames:
        raise InputError(
            "motions",
            f"a clip of {frames} frames at {config.fps:g} fps",
            f"{longest}",
            "ask for fewer --frames",
        )
    return motions


def _generated(fps: float, seed: int, count: int, seconds: float | None, run: Run, report: Report) -> Motions:
    clips: list[BodyMotion] = []
    for clip in run(partial(builtin_clip, seed=seed, seconds=seconds), range(count)):
        clips.append(resample(clip, fps))
        report("making motions", len(clips), count)
    return Motions(sorted(clips, key=lambda clip: clip.name.rpartition("_")[2]), {}, [])


def _captured(
    paths: Sequence[Path], config: MotionConfig, skip_bad: bool, run: Run, report: Report
) -> Motions:
    readings = [(r.pattern, Reading(r.units, r.fps)) for r in config.readings]
    refs, problems = scan(paths, readings, partial(report, "reading motions"))
    skipped = [Skipped(where=p.where, reason=p.reason) for p in problems]
    clips: dict[str, BodyMotion] = {}
    for done, result in enumerate(run(partial(_prepare, fps=config.fps), refs), 1):
        report("retargeting", done, len(refs))
        if isinstance(result, BodyMotion):
            clips[result.name] = result
        else:
            skipped.append(result)
    if skipped and not skip_bad:
        raise UnusableInputs([f"{s.where}: {s.reason}" for s in skipped])
    # Workers finish in any order; the corpus must not depend on it.
    used = [ref for ref in refs if ref.name in clips]
    ordered = [replace(clips[ref.name], source=named(ref.source, paths)) for ref in used]
    digests = {named(ref.source, paths): ref.sha256 for ref in used}
    return Motions(ordered, digests, _listed(skipped, paths))


def _listed(skipped: list[Skipped], roots: Sequence[Path]) -> list[Skipped]:
    return sorted(
        (Skipped(where=named(s.where, roots), reason=s.reason) for s in skipped), key=lambda s: s.where
    )


def _prepare(ref: ClipRef, fps: float) -> BodyMotion | Skipped:
    """One clip on the body's joints, or why it cannot be."""
    try:
        clip = resample(read_clip(ref), fps)
        return clip if isinstance(clip, BodyMotion) else retarget(clip, load_body("open", "neutral"))
    except InputError as error:
        return Skipped.by(error)


def prepare_photos(where: Path | None, *, skip_bad: bool, run: Run, report: Report = silent) -> Photos:
    """List the photos of a folder or zip and decode each once, to know that it can be used.

    Raises:
        InputError: no photo there, or unreadable ones and not ``skip_bad``.
    """
    if where is None:
        return Photos((), {}, [])
    paths = find_photos(where)
    digests: dict[str, str] = {}
    skipped = []
    for done, (photo, result) in enumerate(run(_examine, paths), 1):
        report("checking photos", done, len(paths))
        if isinstance(result, Skipped):
            skipped.append(result)
        else:
            digests[photo] = result
    if skipped and not skip_bad:
        raise UnusableInputs([f"{s.where}: {s.reason}" for s in skipped])
    if not digests:
        raise InputError(where, "at least one usable photo", f"{len(skipped)} unusable ones")
    usable = tuple(photo for photo in paths if photo in digests)
    return Photos(
        usable, {named(photo, [where]): digests[photo] for photo in usable}, _listed(skipped, [where])
    )


def prepare_bodies(which: str, genders: Sequence[str]) -> dict[str, str]:
    """Load every body that will be drawn; gives the sha256 of each one's arrays by name and gender."""
    bodies = [load_body(which, gender) for gender in sorted(set(genders))]
    return {body_input(body.name, body.gender): body.digest for body in bodies}


def _examine(photo: str) -> tuple[str, str | Skipped]:
    try:
        return photo, hashlib.sha256(load_photo(photo).tobytes()).hexdigest()
    except InputError as error:
        return photo, Skipped.by(error)


def named(source: str, roots: Sequence[Path]) -> str:
    """A source as corpora name it: from what the user gave onwards, so that machines agree."""
    for root in roots:
        if source.startswith(str(root)):
            return source.removeprefix(str(root.parent)).lstrip("/")
    return source
