"""``manifest.json``: what a corpus holds and the conventions it keeps.

The manifest is written last and atomically after every shard, so at any moment it tells the truth
about what is finished. It holds no time stamps: the same run writes the same bytes.
"""

from __future__ import annotations

import json
import os
import secrets
from importlib.metadata import version
from pathlib import Path
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from posecorpus.core.errors import InputError
from posecorpus.core.parts import taxonomy
from posecorpus.core.schema import SCHEMA_VERSION
from posecorpus.core.skeletons import skeleton

MANIFEST = "manifest.json"
MAX_BYTES = 256 << 20
PACKAGES = ("posecorpus", "numpy", "scipy", "numba", "opencv-python-headless", "pyarrow", "zstandard")

CONVENTIONS: dict[str, str] = {
    "units": "metres, radians, pixels",
    "world": "right-handed, Y up",
    "camera": "OpenCV: x right, y down, z forward; x = K (R X + t), det R = +1",
    "pixels": "continuous coordinates, centre of the first pixel at (0.5, 0.5)",
    "depth": "zstd of uint16 (H, W): z along the optical axis in millimetres, 0 = no surface",
    "normals": "zstd of uint8 (H, W, 3): camera frame, round(127.5 (n + 1)), 0 0 0 = no surface",
    "flow": "zstd of float16 (H, W, 2): (dx, dy) pixels to the NEXT frame of the clip",
    "parts": "PNG of uint8 ids; legend and palette below",
    "instances": "PNG of uint8: 0 background, i + 1 = people[i]",
    "sides": "the person's own left and right",
    "visibility": "0 unlabelled, 1 labelled but hidden, 2 visible",
    "joints3d": "camera frame, metres",
    "lift": "predicted errors in mm of joints relative to the mean of shoulders and hips",
    "skeleton_maps": "PNG of uint8 stick ids, 0 none, legend below; stick_px in pixels of the map",
    "pose": "SMPL axis-angles, pose[0] turns the body into the world; translation is added in the world",
}


class ShardEntry(BaseModel):
    """A finished shard."""

    model_config = ConfigDict(extra="forbid")
    file: str = Field(pattern=r"^shard-\d{5}\.parquet$")
    samples: int = Field(ge=0)
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")


class Skipped(BaseModel):
    """An input that was left out, and why."""

    model_config = ConfigDict(extra="forbid")
    where: str
    reason: str

    @classmethod
    def by(cls, error: InputError) -> Self:
        """The input that an error is about."""
        return cls(where=error.where, reason=f"expected {error.expected}, got {error.got}")


class Manifest(BaseModel):
    """The contents of ``manifest.json``.

    Attributes:
        kind: which command made the corpus.
        configuration: everything that decides its contents; a resumed run must bring the same.
        inputs: digests of the files it was made from.
        sticks: legend and palette of the skeleton maps' ids.
        trust: what the predicted errors of lifted people are worth: the library's reliability table.
        balance: how evenly poses are covered before and after ``synth --balance``; not written if None.
        planned_samples: how many samples the finished corpus has.
        planned_shards: how many shards.
    """

    model_config = ConfigDict(extra="forbid")
    schema_version: int = SCHEMA_VERSION
    kind: str
    seed: int
    configuration: dict[str, Any]
    inputs: dict[str, str] = {}
    conventions: dict[str, str] = Field(default_factory=lambda: dict(CONVENTIONS))
    skeletons: dict[str, dict[str, Any]] = {}
    part_taxonomy: dict[str, Any] | None = None
    sticks: dict[str, Any] | None = None
    trust: dict[str, Any] | None = None
    balance: dict[str, Any] | None = None
    packages: dict[str, str] = Field(default_factory=lambda: installed_packages())
    planned_samples: int
    planned_shards: int
    shards: list[ShardEntry] = []
    skipped: list[Skipped] = []

    @property
    def complete(self) -> bool:
        """Whether every planned shard is finished."""
        return len(self.shards) == self.planned_shards

    def as_bytes(self) -> bytes:
        """The contents of the manifest's file."""
        data = self.model_dump(exclude={"balance"} if self.balance is None else None)
        return (json.dumps(data, indent=1, sort_keys=True) + "\n").encode()

    def write(self, path: Path) -> None:
        """Write the manifest atomically to a file."""
        write_atomically(path, self.as_bytes())


def installed_packages() -> dict[str, str]:
    """Versions of the packages that decide a corpus's bytes."""
    return {name: version(name) for name in PACKAGES}


def read_manifest(path: Path) -> Manifest:
    """Read and validate a manifest file.

    Raises:
        InputError: missing, not JSON, or not a manifest of this schema version.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            raise InputError(path, f"at most {MAX_BYTES} bytes", path.stat().st_size)
        raw = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        raise no_manifest(path) from None
    return parse_manifest(raw, path)


def no_manifest(where: object) -> InputError:
    """The error of a place without a corpus."""
    fix = "name a folder that `posecorpus synth`, `import` or another command has written"
    return InputError(where, "a corpus's manifest", "no such file", fix)


def parse_manifest(data: bytes, where: object) -> Manifest:
    """Validate the contents of a manifest file.

    Raises:
        InputError: not JSON, or not a manifest of this schema version.
    """
    try:
        raw = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise InputError(where, "JSON", error) from None
    if isinstance(raw, dict) and raw.get("schema_version") != SCHEMA_VERSION:
        fix = "make the corpus again with this version of posecorpus"
        raise InputError(f"{where}: schema_version", str(SCHEMA_VERSION), raw.get("schema_version"), fix)
    try:
        return Manifest.model_validate(raw)
    except ValidationError as error:
        first = error.errors()[0]
        raise InputError(
            f"{where}: {'.'.join(map(str, first['loc']))}", first["msg"], first["input"]
        ) from None


def body_input(name: str, gender: str) -> str:
    """The name under which ``Manifest.inputs`` holds the digest of a body model."""
    return f"body {name} {gender}"


def describe_skeletons(*names: str) -> dict[str, dict[str, Any]]:
    """Joint names, parents and mirror pairs of the named skeletons, for a manifest."""
    result = {}
    for name in names:
        s = skeleton(name)
        result[name] = {"joints": s.joints, "parents": s.parents, "mirror": s.mirror.tolist()}
    return json.loads(json.dumps(result))  # type: ignore[no-any-return]


def describe_taxonomy(name: str) -> dict[str, Any]:
    """Legend and palette of a part taxonomy, for a manifest. Keys of JSON objects are strings."""
    t = taxonomy(name)
    return {
        "name": name,
        "legend": {str(i): part for i, part in t.legend.items()},
        "palette": {str(i): list(colour) for i, colour in t.palette.items()},
    }


def write_atomically(path: Path, data: bytes | memoryview) -> None:
    """Write a file so that a reader sees the old contents or the new, never a part, even after a crash."""
    # Processes of several machines may write one file of a shared folder, and their ids can be the same.
    aside = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    try:
        with aside.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(aside, path)
    except BaseException:
        aside.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make renames inside a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
