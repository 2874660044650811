"""What a synthetic corpus is to be: everything that decides its bytes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from posecorpus.core.errors import InputError
from posecorpus.core.manifest import MANIFEST, Manifest, Skipped, describe_skeletons, describe_taxonomy
from posecorpus.core.parts import SMPL_24_PARTS
from posecorpus.core.shards import file_sha256
from posecorpus.core.skeletons import FULL_42, SMPL_24
from posecorpus.synth.balance.weights import NEIGHBOURS
from posecorpus.synth.config import SynthConfig
from posecorpus.synth.regressors.regressor import JointRegressor

DEFAULT_SAMPLES, DEFAULT_FRAMES = 200, 100


@dataclass(frozen=True)
class SynthRequest:
    """Everything that decides the bytes of a corpus, but for the contents of the input files.

    Attributes:
        clips: how many clips; a still is a clip of one frame.
        frames: frames in a clip.
        motions: MoCap files, folders and zips; the built-in motions if empty.
        backgrounds: a folder or zip of photos; procedural rooms if None.
        renderer: ``raster`` or ``pyrender``.
        skip_bad: leave out unreadable inputs and list them, instead of stopping.
        balance: a corpus; poses are drawn where it is thin (:mod:`posecorpus.pipelines.synthesis.balancing`).
        balance_k: how many neighbours tell how thin.
        regressor: people carry the joints it gives instead of ``full_42``.
    """

    config: SynthConfig
    seed: int
    clips: int
    frames: int = 1
    motions: tuple[Path, ...] = ()
    backgrounds: Path | None = None
    renderer: str = "raster"
    skip_bad: bool = False
    balance: Path | None = None
    balance_k: int = NEIGHBOURS
    regressor: JointRegressor | None = None

    @property
    def clips_per_shard(self) -> int:
        return max(1, self.config.output.samples_per_shard // self.frames)

    @property
    def shards(self) -> int:
        return -(-self.clips // self.clips_per_shard)

    def samples_of(self, shard: int) -> int:
        """How many samples a shard holds."""
        first = shard * self.clips_per_shard
        return (min(first + self.clips_per_shard, self.clips) - first) * self.frames

    def manifest(self, inputs: dict[str, str], skipped: list[Skipped]) -> Manifest:
        """What is planned, before anything is made.

        Args:
            inputs: digests of what it is made from, by name.
            skipped: inputs that are left out.
        """
        configuration = self.config.model_dump(mode="json") | {
            "clips": self.clips,
            "frames": self.frames,
            "renderer": self.renderer,
        }
        names = [FULL_42.name, SMPL_24.name]
        if self.regressor is not None:
            configuration["skeleton_regressor"] = self.regressor.as_json()
            names.append(self.regressor.target)
        if self.balance is not None:
            configuration["balance"] = {"k": self.balance_k}
            inputs = inputs | {"balance reference": file_sha256(self.balance / MANIFEST)}
        return Manifest(
            kind="synth",
            seed=self.seed,
            configuration=configuration,
            inputs=inputs,
            skeletons=describe_skeletons(*names),
            part_taxonomy=describe_taxonomy(SMPL_24_PARTS.name),
            planned_samples=self.clips * self.frames,
            planned_shards=self.shards,
            skipped=skipped,
        )


def clips_and_frames(samples: int | None, clips: int | None, frames: int | None) -> tuple[int, int]:
    """(clips, frames) from the command line's ``--samples`` or ``--clips`` and ``--frames``."""
    if samples is not None and clips is not None:
        raise InputError("--samples", "either --samples or --clips", "both")
    if clips is None:
        if frames is not None:
            raise InputError(
                "--frames", "--clips beside it", "--frames alone", "stills are asked for by --samples"
            )
        return samples or DEFAULT_SAMPLES, 1
    return clips, frames or DEFAULT_FRAMES
