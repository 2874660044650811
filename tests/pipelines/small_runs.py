"""The smallest runs of ``synth`` that are runs: two short motions, pictures of 32x24 pixels, two to a shard."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from posecorpus.pipelines.synthesis.request import SynthRequest
from posecorpus.synth.config import SynthConfig, load_config

SIZE, SAMPLES_PER_SHARD = (32, 24), 2
OPTIONS = f"image: {{size: {list(SIZE)}, focal_px: 60}}\noutput: {{samples_per_shard: {SAMPLES_PER_SHARD}}}\n"
"""The same as a ``--config`` file."""


def motion_file(folder: Path) -> Path:
    """An AMASS file of someone who raises both arms."""
    poses = np.zeros((60, 156))
    poses[:, 16 * 3 + 2], poses[:, 17 * 3 + 2] = np.linspace(0, -1, 60), np.linspace(0, 1, 60)
    path = folder / "arms.npz"
    fields = {"trans": np.tile([0.0, 0.0, 0.9], (60, 1)), "betas": np.zeros(16)}
    np.savez(path, poses=poses, gender="neutral", mocap_framerate=30.0, **fields)
    return path


def request(folder: Path, clips: int = 24, **changes: object) -> SynthRequest:
    """Twelve shards of two stills."""
    small = load_config("surreal").resized(*SIZE).model_dump()
    config = SynthConfig.model_validate(small | {"output": {"samples_per_shard": SAMPLES_PER_SHARD}})
    values = {"config": config, "seed": 9, "clips": clips, "motions": (motion_file(folder),)}
    return SynthRequest(**(values | changes))  # type: ignore[arg-type]


def contents(folder: Path) -> dict[str, bytes]:
    """Every file of a folder, hidden ones too."""
    return {p.name: p.read_bytes() for p in sorted(folder.iterdir())}
