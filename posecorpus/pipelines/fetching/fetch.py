"""``posecorpus fetch cmu``: the CMU motion capture database's own files, from its own site.

Every file is downloaded aside, checked, and renamed, so that a folder never holds half a file. What was downloaded is
recorded in ``cmu.lock.json`` (sha256 and size of every file); later runs, and other people who are given that file,
hold the site to it.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path

from posecorpus.core.errors import InputError
from posecorpus.core.manifest import write_atomically
from posecorpus.core.progress import Report, silent
from posecorpus.pipelines.fetching.download import Missing, Patience, download

TERMS = (
    "The data used in this project was obtained from mocap.cs.cmu.edu. "
    "The database was created with funding from NSF EIA-0196217."
)
"""What CMU asks its users to say. Use is free, also commercial; the motions may not be resold directly."""

LOCK_NAME = "cmu.lock.json"
_HEAD_BYTES = 4096
_TOKEN = re.compile(r"(\d{1,3})(?:-(\d{1,3})|_(\d{1,2}))?")


@dataclass(frozen=True)
class Site:
    """Where the database is and how its addresses are made.

    Attributes:
        base_url: ``http`` or ``https``.
        skeleton, motion: the rest of an address, with the fields ``subject`` and ``trial`` (numbers).
    """

    base_url: str = "http://mocap.cs.cmu.edu"
    skeleton: str = "subjects/{subject:02d}/{subject:02d}.asf"
    motion: str = "subjects/{subject:02d}/{subject:02d}_{trial:02d}.amc"

    def url(self, subject: int, trial: int | None) -> str:
        """The address of a motion, or of a skeleton if ``trial`` is None.

        Raises:
            InputError: the base or the layout is none.
        """
        if not self.base_url.lower().startswith(("http://", "https://")):
            raise InputError("base URL", "http:// or https://", repr(self.base_url))
        layout = self.skeleton if trial is None else self.motion
        try:
            path = layout.format(subject=subject, trial=trial)
        except (KeyError, ValueError, IndexError, AttributeError) as error:
            raise InputError(
                "URL layout", "{subject} and {trial} as its only fields", repr(layout)
            ) from error
        return f"{self.base_url.rstrip('/')}/{path.lstrip('/')}"


@dataclass(frozen=True)
class Fetched:
    """What a run did.

    Attributes:
        folder: where the files are.
        downloaded, kept: files fetched now, and those that were there already.
        missing: addresses that the site does not have.
    """

    folder: Path
    downloaded: int
    kept: int
    missing: tuple[str, ...] = field(default=())


def fetch_cmu(
    subjects: Sequence[str],
    out: Path,
    *,
    site: Site | None = None,
    checksums: Path | None = None,
    patience: Patience | None = None,
    report: Report = silent,
    note: Callable[[str], None] = lambda message: None,
) -> Fetched:
    """Download skeletons and motions of CMU subjects into ``out/subjects/NN/``.

    Args:
        subjects: ``7``, ``1-5``, ``07_02`` (one trial) or ``all``.
        out: folder; files in it that agree with its lock file are not downloaded again.
        site: address and layout; None for CMU's own.
        checksums: a lock file that the files must agree with, besides the one in ``out``.
        patience: time-outs and retries.
        report: told how many files are done.
        note: told each line a person should read; the terms of use are one.

    Raises:
        InputError: an unknown subject, a site that does not answer, or a file that is not what it was.
    """
    site = site or Site()
    wanted = [
        (subject, trial, site.url(subject, trial)) for subject, trial in _files_of(parse_subjects(subjects))
    ]
    lock = Lock.load(out / LOCK_NAME, checksums)
    downloaded, kept, missing = 0, 0, []
    for done, (subject, trial, url) in enumerate(wanted, 1):
        name = Site("http://cmu").url(subject, trial).removeprefix("http://cmu/")
        target = out / name
        if lock.holds(name, target):
            kept += 1
        else:
            try:
                _fetch_one(url, target, name, lock, patience or Patience())
                downloaded += 1
            except Missing:
                missing.append(url)
                note(f"not on the site: {url}")
        report("downloading", done, len(wanted))
    if missing and not downloaded and not kept:
        raise InputError(
            missing[0], "a file of the database", "nothing of that name", "see --base-url and the layouts"
        )
    note(TERMS)
    return Fetched(out, downloaded, kept, tuple(missing))


def _fetch_one(url: str, target: Path, name: str, lock: Lock, patience: Patience) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    part = download(url, target.with_name(target.name + ".part"), patience)
    try:
        _check_format(part, url)
        lock.check(name, part, url)
    except InputError:
        part.unlink()
        raise
    lock.record(name, part)
    os.replace(part, target)


def _check_format(path: Path, url: str) -> None:
    """An error page that a proxy sends instead of a file must not pass for one."""
    with path.open("rb") as file:
        head = file.read(_HEAD_BYTES)
    skeleton = path.name.endswith(".asf.part")
    mark = (
        rb"^\s*:(bonedata|units|root|version|name)\b"
        if skeleton
        else rb"^\s*:(FULLY-SPECIFIED|DEGREES|RADIANS)\b"
    )
    if not re.search(mark, head, re.MULTILINE | re.IGNORECASE):
        kind = "an ASF skeleton" if skeleton else "an AMC motion"
        raise InputError(url, kind, repr(head[:40].decode("latin-1")))


@dataclass
class Lock:
    """Sizes and sha256 of files by their name within the folder.

    Attributes:
        path: of the lock file, which is rewritten with every new entry.
        entries: what is known, ``name: {"bytes": ..., "sha256": ...}``.
        given: what the caller's checksums add; not written.
    """

    path: Path
    entries: dict[str, dict[str, str | int]]
    given: dict[str, dict[str, str | int]]

    @staticmethod
    def load(path: Path, checksums: Path | None) -> Lock:
        """Read a folder's lock file, if it has one, and the caller's.

        Raises:
            InputError: one is not readable.
        """
        given = _read_lock(checksums) if checksums is not None else {}
        return Lock(path, _read_lock(path) if path.exists() else {}, given)

    def expected(self, name: str) -> str | None:
        """The sha256 a file must have, if it is known; the caller's word comes first."""
        entry = self.given.get(name) or self.entries.get(name)
        return str(entry["sha256"]) if entry else None

    def holds(self, name: str, file: Path) -> bool:
        """Whether the file is there and what it must be."""
        return self.expected(name) is not None and file.is_file() and _sha256(file) == self.expected(name)

    def check(self, name: str, file: Path, url: str) -> None:
        """Raise :class:`InputError` if the file differs from what is known of it."""
        expected, got = self.expected(name), _sha256(file)
        if expected is not None and got != expected:
            raise InputError(
                url,
                f"sha256 {expected}",
                got,
                f"if the site changed the file, delete its entry in {self.path}",
            )

    def record(self, name: str, file: Path) -> None:
        """Remember a file and write the lock."""
        self.entries[name] = {"bytes": file.stat().st_size, "sha256": _sha256(file)}
        text = json.dumps(dict(sorted(self.entries.items())), indent=1)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(self.path, text.encode() + b"\n")


def _read_lock(path: Path) -> dict[str, dict[str, str | int]]:
    try:
        entries = json.loads(path.read_bytes())
        if all(len(bytes.fromhex(entry["sha256"])) == 32 for entry in entries.values()):
            return dict(entries)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(path, "a lock file of sha256 sums", f"{type(error).__name__}: {error}") from error
    raise InputError(path, "a lock file of sha256 sums", "sums of another length")


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def parse_subjects(tokens: Sequence[str]) -> dict[int, list[int]]:
    """Subjects and their trials, in order.

    Args:
        tokens: ``7``, ``1-5``, ``07_02`` or ``all``; a token may hold several, separated by commas.

    Raises:
        InputError: a token is none of these, or the database has no such subject or trial.
    """
    known = cmu_trials()
    chosen: dict[int, set[int]] = {}
    for token in [part.strip() for text in tokens for part in text.split(",") if part.strip()]:
        match = _TOKEN.fullmatch(token)
        if token.lower() == "all":
            picked: Iterable[int] = known
        elif match:
            picked = range(int(match[1]), int(match[2] or match[1]) + 1)
        else:
            raise InputError("--subjects", "numbers such as 7, 1-5, 07_02, or all", repr(token))
        trials = {s: [int(match[3])] if match and match[3] else known[s] for s in picked if s in known}
        if not trials or any(set(wanted) - set(known[s]) for s, wanted in trials.items()):
            raise InputError(
                "--subjects", f"subjects of the database ({len(known)} from 1 to {max(known)})", repr(token)
            )
        for subject, wanted in trials.items():
            chosen.setdefault(subject, set()).update(wanted)
    if not chosen:
        raise InputError("--subjects", "at least one subject", "none")
    return {subject: sorted(chosen[subject]) for subject in sorted(chosen)}


def cmu_trials() -> dict[int, list[int]]:
    """The trial numbers of every subject of the database."""
    text = files("posecorpus.pipelines.fetching").joinpath("cmu_trials.json").read_text()
    return {int(subject): _numbers(ranges) for subject, ranges in json.loads(text).items()}


def _numbers(ranges: str) -> list[int]:
    numbers: list[int] = []
    for part in ranges.split():
        first, _, last = part.partition("-")
        numbers += range(int(first), int(last or first) + 1)
    return numbers


def _files_of(chosen: dict[int, list[int]]) -> list[tuple[int, int | None]]:
    return [(subject, trial) for subject, trials in chosen.items() for trial in (None, *trials)]
