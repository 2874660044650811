"""What the user brought to be rendered with people: photos, calibrated cameras, textures, meshes.

Everything is opened once before a run starts, so that a bad file is told of at once and not in the middle.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from posecorpus.core.errors import InputError
from posecorpus.core.manifest import Skipped
from posecorpus.core.progress import Report, silent
from posecorpus.core.shards import file_sha256
from posecorpus.pipelines.engine import Run
from posecorpus.pipelines.inputs import UnusableInputs, named, prepare_photos
from posecorpus.synth.config import SynthConfig
from posecorpus.synth.places import PhotoPlate, Plate, Rejected, Stated, count_reasons, read_sidecar
from posecorpus.synth.places.calibrated import STUDIO, load_cameras
from posecorpus.synth.places.screen import judge_photo
from posecorpus.synth.props import find_meshes, prop_surface
from posecorpus.synth.sampling import Materials
from posecorpus.synth.scene import Prop


@dataclass
class Prepared:
    """Materials that can be used, the digests of their files by name, and what was left out."""

    materials: Materials
    digests: dict[str, str] = field(default_factory=dict)
    skipped: list[Skipped] = field(default_factory=list)


def prepare_materials(
    config: SynthConfig,
    backgrounds: Path | None,
    *,
    skip_bad: bool,
    run: Run,
    report: Report = silent,
    note: Callable[[str], None] = lambda message: None,
) -> Prepared:
    """Find and try everything but motions and bodies.

    Args:
        backgrounds: folder or zip of photos.
        note: told what will not be used, and why.

    Raises:
        InputError: nothing where the user says there is something, or unusable files and not ``skip_bad``.
    """
    photos = prepare_photos(backgrounds, skip_bad=skip_bad, run=run, report=report)
    worn = config.people.textures
    textures = prepare_photos(None if worn is None else Path(worn), skip_bad=skip_bad, run=run, report=report)
    meshes, mesh_digests, bad_meshes = _meshes(config.props.meshes, skip_bad)
    plates, plate_digests = _plates(config, backgrounds, photos.paths, run, report, note)
    return Prepared(
        Materials(photos.paths, tuple(plates), textures.paths, meshes),
        photos.digests | textures.digests | mesh_digests | plate_digests,
        photos.skipped + textures.skipped + bad_meshes,
    )


def _meshes(where: str | None, skip_bad: bool) -> tuple[tuple[str, ...], dict[str, str], list[Skipped]]:
    if where is None:
        return (), {}, []
    usable: list[str] = []
    skipped: list[Skipped] = []
    for path in find_meshes(where):
        try:
            prop_surface(Prop(path, 0, (1.0, 1.0, 1.0), (0.0, 0.0, 0.0)))
            usable.append(path)
        except InputError as error:
            skipped.append(Skipped.by(error))
    if skipped and not skip_bad:
        raise UnusableInputs([f"{s.where}: {s.reason}" for s in skipped])
    if not usable:
        raise InputError(where, "at least one usable mesh", f"{len(skipped)} unusable ones")
    digests = {named(path, [Path(where)]): file_sha256(Path(path)) for path in usable}
    return tuple(usable), digests, skipped


def _plates(
    config: SynthConfig,
    backgrounds: Path | None,
    photos: Sequence[str],
    run: Run,
    report: Report,
    note: Callable[[str], None],
) -> tuple[list[Plate], dict[str, str]]:
    """Cameras and photos of known ground that the configured kind of place can draw from."""
    if config.place.kind == "calibrated":
        path = Path(config.place.cameras or STUDIO)
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        return list(load_cameras(path, backgrounds)), {f"cameras {path.name}": digest}
    if config.place.kind != "photo":
        return [], {}
    if not photos:
        note("no --backgrounds: people stand in procedural rooms")
        return [], {}
    return _screened(photos, config.place.plates, run, report, note)


def _screened(
    photos: Sequence[str], sidecar: str | None, run: Run, report: Report, note: Callable[[str], None]
) -> tuple[list[Plate], dict[str, str]]:
    """Photos with a visible ground plane; what is wrong with the others is counted and told."""
    stated = {} if sidecar is None else read_sidecar(sidecar, photos)
    plates: dict[str, PhotoPlate] = {}
    rejected: list[Rejected] = []
    tasks = [(photo, stated.get(photo)) for photo in photos]
    for done, (photo, found) in enumerate(run(_judge, tasks), 1):
        report("looking for ground", done, len(photos))
        if isinstance(found, PhotoPlate):
            plates[photo] = found
        else:
            rejected.append(Rejected(photo, found))
    reasons = ", ".join(f"{count} {reason}" for reason, count in count_reasons(rejected).items())
    if not plates:
        fix = "state horizons in a file (place.plates), or use place.kind room"
        raise InputError("backgrounds", "at least one photo with a visible ground plane", reasons, fix)
    note(
        f"{len(plates)} of {len(photos)} photos show a ground plane"
        + (f"; left out: {reasons}" if reasons else "")
    )
    digests = {} if sidecar is None else {f"plates {Path(sidecar).name}": file_sha256(Path(sidecar))}
    return [plates[photo] for photo in photos if photo in plates], digests


def _judge(task: tuple[str, Stated | None]) -> tuple[str, PhotoPlate | str]:
    return task[0], judge_photo(*task)
