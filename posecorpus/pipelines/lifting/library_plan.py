"""What a library is made of, written down before it is made: only the same library is ever finished."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from posecorpus.core.errors import InputError
from posecorpus.core.manifest import PACKAGES, Skipped, body_input, write_atomically
from posecorpus.core.progress import Report
from posecorpus.pipelines.inputs import Motions, named
from posecorpus.pipelines.lifting.motion_landmarks import clip_entry
from posecorpus.pseudogt.library.files import LIBRARY, LibraryInfo, StoredClip, read_info
from posecorpus.synth.bodies.model import load_body
from posecorpus.synth.mocap.sources import scan

ASIDE, PLAN = ".build", "plan.json"
"""Results of finished stages lie in a folder of their own until the library is whole."""


class Plan(BaseModel):
    """Everything that decides a library's contents; the attributes are those of :class:`LibraryInfo`."""

    model_config = ConfigDict(extra="forbid")
    clips: list[StoredClip]
    request: dict[str, Any]
    inputs: dict[str, str]
    skipped: list[Skipped]

    @staticmethod
    def of(motions: Motions, settings: dict[str, Any]) -> Plan:
        """The plan of a library of these motions with these settings."""
        return Plan(
            clips=[StoredClip.of(clip_entry(motion)) for motion in motions.clips],
            request=settings | {"packages": {name: version(name) for name in PACKAGES}},
            inputs=motions.digests | _body_digest(),
            skipped=motions.skipped,
        )

    def check(self, out: Path, settings: dict[str, Any], motions: Sequence[Path], report: Report) -> None:
        """Refuse to go on with other settings or other inputs; motion files are read, not retargeted.

        Raises:
            InputError: the plan is another library's.
        """
        fix = "finish that library with the options and inputs it was begun with, or name another folder"
        wanted = settings | {"packages": {name: version(name) for name in PACKAGES}}
        for key in sorted(wanted.keys() | self.request.keys()):
            old, new = self.request.get(key), wanted.get(key)
            if old != new:
                raise InputError(f"{out}: {key}", f"{new!r} as this run would have", repr(old), fix)
        now = _digests(motions, report)
        left_out = {entry.where for entry in self.skipped}
        for name in sorted(self.inputs.keys() | (now.keys() - left_out)):
            if self.inputs.get(name) != now.get(name):
                state = "other contents" if name in self.inputs and name in now else "a file more or less"
                raise InputError(f"{out}: {name}", "the motions that it was begun with", state, fix)

    def write(self, out: Path) -> None:
        """Keep the plan in the library's folder, which is made if need be."""
        (out / ASIDE).mkdir(parents=True, exist_ok=True)
        write_atomically(out / ASIDE / PLAN, self.model_dump_json().encode())


def check_folder(out: Path) -> None:
    """Refuse a folder that holds something, but no library."""
    if out.exists() and not out.is_dir():
        raise InputError(out, "a folder for the library", "a file")
    if not out.is_dir() or (out / LIBRARY).exists() or (out / ASIDE).is_dir():
        return
    strangers = sorted(p.name for p in out.iterdir() if not p.name.startswith("."))
    if strangers:
        raise InputError(
            out, "an empty folder or a library", f"{strangers[0]!r} in it", "name another folder"
        )


def begun_plan(out: Path) -> Plan | None:
    """The plan of what lies in the folder, finished or not.

    Raises:
        InputError: a damaged plan.
    """
    if (out / LIBRARY).exists():
        return plan_of(read_info(out))
    path = out / ASIDE / PLAN
    if not path.exists():
        return None
    try:
        return Plan.model_validate_json(path.read_bytes())
    except ValidationError as error:
        fix = "remove the folder and begin again"
        raise InputError(path, "the plan of a library", error.errors()[0]["msg"], fix) from None


def plan_of(info: LibraryInfo) -> Plan:
    """The plan that a finished library was made by."""
    return Plan(clips=info.clips, request=info.request, inputs=info.inputs, skipped=info.skipped)


def _digests(motions: Sequence[Path], report: Report) -> dict[str, str]:
    """sha256 of the motion files as they are now."""
    refs = scan(motions, (), partial(report, "reading motions"))[0] if motions else []
    return {named(ref.source, motions): ref.sha256 for ref in refs} | _body_digest()


def _body_digest() -> dict[str, str]:
    body = load_body("open", "neutral")
    return {body_input(body.name, body.gender): body.digest}
