"""From what a user names (files, folders, zips) to clips, and to the list of what cannot be used.

:func:`scan` reads everything once, so that a run knows all problems before it renders anything;
:func:`read_clip` reads one clip again when it is needed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from fnmatch import fnmatch
from pathlib import Path, PurePosixPath

import numpy as np

from posecorpus.core.errors import InputError
from posecorpus.synth.mocap.amass import read_amass
from posecorpus.synth.mocap.amc import parse_amc
from posecorpus.synth.mocap.archive import Item, Problem, Reader, list_items
from posecorpus.synth.mocap.asf import Skeleton, parse_asf
from posecorpus.synth.mocap.asf_amc import read_amc
from posecorpus.synth.mocap.bvh import read_bvh
from posecorpus.synth.mocap.bvh_text import parse_bvh
from posecorpus.synth.mocap.capture import capture_fps, cmu_trial, subject_of
from posecorpus.synth.mocap.units import Reading
from posecorpus.synth.motion import BodyMotion, SourceClip

FORMATS = {".amc": "amc", ".bvh": "bvh", ".npz": "amass"}
SUFFIXES = (*FORMATS, ".asf")
MIN_FRAMES = 2
MAX_DISTANCE_M = 1e4
Clip = SourceClip | BodyMotion


@dataclass(frozen=True)
class ClipRef:
    """One clip of the index: where it is and what it is. Plain data; see :meth:`as_dict`.

    Attributes:
        name: unique among the clips of a scan, the shortest end of its path that is.
        item: the file.
        skeleton: for AMC, its ASF file.
        format: ``amc``, ``bvh`` or ``amass``.
        reading: what the caller stated about it.
        subject: who was captured, as far as the name tells.
        dialect: naming convention of the joints.
        frames: number of them, without a T-pose in front.
        fps: frames a second.
        sha256: of the file's bytes.
        note: what was changed against what the file says, for the reader of the index.
    """

    name: str
    item: Item
    skeleton: Item | None
    format: str
    reading: Reading = field(default_factory=Reading)
    subject: str = ""
    dialect: str = ""
    frames: int = 0
    fps: float = 0.0
    sha256: str = ""
    note: str = ""

    @property
    def source(self) -> str:
        """The file, or ``file.zip!member``."""
        return self.item.where

    def as_dict(self) -> dict[str, str | int | float]:
        """The index entry as it goes into a manifest."""
        values = asdict(self)
        kept = ("name", "format", "dialect", "subject", "frames", "fps", "sha256", "note")
        return {"source": self.source} | {key: values[key] for key in kept}


def scan(
    paths: Sequence[Path],
    readings: Sequence[tuple[str, Reading]] = (),
    progress: Callable[[int, int], None] | None = None,
) -> tuple[list[ClipRef], list[Problem]]:
    """Read every clip once and report all that is wrong.

    Args:
        paths: files, folders and zips, in the order in which their clips are to come.
        readings: (pattern, what is stated) pairs; the first pattern that matches a clip's path within
            its container, or its file name, holds.
        progress: told (done, total) after every clip.

    Returns:
        The usable clips, ordered by path within each of ``paths``, and the problems.
    """
    refs, problems = find(paths)
    usable: list[ClipRef] = []
    skeletons: dict[Item, Skeleton | InputError] = {}
    with Reader() as reader:
        for done, ref in enumerate(refs, 1):
            try:
                stated = replace(ref, reading=_stated(ref, readings))
                found = _examine(stated, reader, skeletons)
                if found is not None:
                    usable.append(found)
            except InputError as error:
                problems.append(Problem.of(error))
            if progress is not None:
                progress(done, len(refs))
    return _named(usable), list(dict.fromkeys(problems))


def find_clips(paths: Sequence[Path]) -> list[ClipRef]:
    """The clips of :func:`scan`.

    Raises:
        InputError: one of them is broken, or there is none.
    """
    refs, problems = scan(paths)
    if problems:
        raise InputError(problems[0].where, "clips that can be read", problems[0].reason)
    if not refs:
        raise InputError(", ".join(map(str, paths)), "motion files (.bvh, .amc with .asf, .npz)", "none")
    return refs


def read_clip(ref: ClipRef) -> Clip:
    """Read the clip that an entry of the index points to.

    Raises:
        InputError: the file is gone or broken.
    """
    with Reader() as reader:
        clip, _ = _parse(ref, reader.read(ref.item), reader, {})
    if clip is None:
        raise InputError(ref.source, "a motion with poses and trans", "an .npz without")
    return clip


def find(paths: Sequence[Path]) -> tuple[list[ClipRef], list[Problem]]:
    """Where clips may be, without opening any: the first half of :func:`scan`."""
    refs: list[ClipRef] = []
    problems: list[Problem] = []
    seen: set[Item] = set()
    for path in dict.fromkeys(paths):
        items, bad = list_items(path, SUFFIXES)
        problems += bad
        skeletons = [item for item in items if item.name.suffix.lower() == ".asf"]
        if path.is_file() and path.suffix.lower() == ".amc":
            skeletons = [Item(p, "", p.name) for p in sorted(path.parent.glob("*.[aA][sS][fF]"))]
        by_folder = _by_folder(skeletons)
        for item in items:
            suffix = item.name.suffix.lower()
            if suffix not in FORMATS or item in seen:
                if suffix not in SUFFIXES:
                    problems.append(
                        Problem(
                            item.where, f"expected {', '.join(SUFFIXES)} or .zip, got {suffix or 'no suffix'}"
                        )
                    )
                continue
            seen.add(item)
            asf = _skeleton_of(item, by_folder) if suffix == ".amc" else None
            if suffix == ".amc" and asf is None:
                problems.append(
                    Problem(
                        item.where, "expected an .asf skeleton beside it or named as its subject, got none"
                    )
                )
                continue
            refs.append(ClipRef(item.name.stem, item, asf, FORMATS[suffix]))
    return refs, problems


def _by_folder(skeletons: Sequence[Item]) -> dict[PurePosixPath, dict[str, Item]]:
    folders: dict[PurePosixPath, dict[str, Item]] = {}
    for item in skeletons:
        folders.setdefault(item.name.parent, {})[item.name.stem.lower()] = item
    return folders


def _skeleton_of(amc: Item, folders: dict[PurePosixPath, dict[str, Item]]) -> Item | None:
    """The ASF file that an AMC file belongs to.

    By name first (``01_05`` belongs to ``01``, ``HDM_bk_walk_120`` to ``HDM_bk``), in its own folder and
    then anywhere; else the only one in its folder, unless both are named by CMU's numbers, which differ.
    """
    beside = folders.get(amc.name.parent, {})
    stem = amc.name.stem.lower()
    prefixes = [stem] + [stem[:i] for i in range(len(stem) - 1, 0, -1) if stem[i] == "_"]
    for prefix in prefixes:
        if prefix in beside:
            return beside[prefix]
    for prefix in prefixes:
        anywhere = [skeletons[prefix] for skeletons in folders.values() if prefix in skeletons]
        if len(anywhere) == 1:
            return anywhere[0]
    if len(beside) == 1:
        ((other, item),) = beside.items()
        if not (cmu_trial(stem) and other.isdigit()):
            return item
    return None


def _stated(ref: ClipRef, readings: Sequence[tuple[str, Reading]]) -> Reading:
    for pattern, reading in readings:
        if fnmatch(ref.item.inside, pattern) or fnmatch(ref.item.name.name, pattern):
            return reading
    return ref.reading


def _examine(ref: ClipRef, reader: Reader, skeletons: dict[Item, Skeleton | InputError]) -> ClipRef | None:
    """The complete index entry of a file, or None if it is an .npz without a motion."""
    data = reader.read(ref.item)
    clip, note = _parse(ref, data, reader, skeletons)
    if clip is None:
        return None
    if isinstance(clip, BodyMotion):
        frames, dialect = len(clip.poses), "amass"
    else:
        frames, dialect = len(clip.positions), clip.dialect
    if frames < MIN_FRAMES:
        raise InputError(ref.source, f"at least {MIN_FRAMES} frames", frames)
    return replace(
        ref, subject=clip.subject, dialect=dialect, frames=frames, fps=clip.fps,
        sha256=hashlib.sha256(data).hexdigest(), note=note,
    )  # fmt: skip


def _parse(
    ref: ClipRef, data: bytes, reader: Reader, skeletons: dict[Item, Skeleton | InputError]
) -> tuple[Clip | None, str]:
    stem, subject = ref.item.name.stem, subject_of(ref.item.name.stem)
    if ref.format == "amass":
        # AMASS has a folder for every subject.
        subject = ref.item.name.parent.name or stem
        return read_amass(data, ref.source, ref.name, subject, ref.reading), ""
    if ref.format == "bvh":
        clip = read_bvh(parse_bvh(data, ref.source), ref.name, subject, ref.reading)
    else:
        skeleton = _skeleton(ref, reader, skeletons)
        clip = read_amc(skeleton, parse_amc(data, ref.source), ref.name, subject, ref.reading)
    if not np.isfinite(clip.positions).all() or np.abs(clip.positions).max() > MAX_DISTANCE_M:
        raise InputError(ref.source, f"a motion within {MAX_DISTANCE_M:g} m of the origin", "one outside")
    fps, note = _known_fps(ref, clip)
    return replace(clip, fps=fps), note


def _known_fps(ref: ClipRef, clip: SourceClip) -> tuple[float, str]:
    """The frame rate of a clip, and a note if it is not what the file says."""
    if ref.reading.fps is not None:
        return clip.fps, f"read at {clip.fps:g} frames a second, as stated"
    captured = capture_fps(ref.item.name.stem, clip.dialect)
    if ref.format == "amc":
        # An AMC file does not say; only a rate that is not the usual one is worth a note.
        known = f"captured at {captured:g} frames a second" if captured else "frame rate assumed"
        return captured or clip.fps, "" if captured == clip.fps else known
    if captured is None or abs(captured / clip.fps - 1) < 0.01:
        return clip.fps, ""
    return captured, f"captured at {captured:g} frames a second, not at the file's {clip.fps:.6g}"


def _skeleton(ref: ClipRef, reader: Reader, skeletons: dict[Item, Skeleton | InputError]) -> Skeleton:
    item = ref.skeleton
    assert item is not None
    if item not in skeletons:
        try:
            skeletons[item] = parse_asf(reader.read(item), item.where)
        except InputError as error:
            skeletons[item] = error
    found = skeletons[item]
    if isinstance(found, InputError):
        raise InputError(ref.source, "a skeleton that can be read", found)
    return found


def _named(refs: Sequence[ClipRef]) -> list[ClipRef]:
    """Give every clip the shortest end of its path that no other clip's path ends with."""
    paths = [_long_name(ref) for ref in refs]
    ends: dict[tuple[str, ...], int] = {}
    for parts in paths:
        for i in range(len(parts)):
            ends[parts[i:]] = ends.get(parts[i:], 0) + 1
    named, taken = [], set()
    for ref, parts in zip(refs, paths, strict=True):
        unique = [parts[i:] for i in range(len(parts) - 1, -1, -1) if ends[parts[i:]] == 1]
        name = base = "/".join(unique[0] if unique else parts)
        copy = 1
        while name in taken:
            copy += 1
            name = f"{base}~{copy}"
        taken.add(name)
        named.append(replace(ref, name=name))
    return named


def _long_name(ref: ClipRef) -> tuple[str, ...]:
    path = ref.item.path.absolute().with_suffix("").parts
    return path + PurePosixPath(ref.item.member).with_suffix("").parts if ref.item.member else path
