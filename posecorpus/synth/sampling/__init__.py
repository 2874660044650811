"""Drawing scenes: from a configuration and stretches of motion to plain-data scenes.

Everything is drawn once for a clip and holds for its frames; a still is a clip of one frame.
"""

from __future__ import annotations

from collections.abc import Sequence

from posecorpus.synth.config import SynthConfig
from posecorpus.synth.motion import BodyMotion
from posecorpus.synth.sampling.around import scenes_around
from posecorpus.synth.sampling.materials import Materials
from posecorpus.synth.sampling.people import ClipDraw, crowd_size, draw_role, mirrored, stage_of
from posecorpus.synth.sampling.placed import scenes_in_place
from posecorpus.synth.scene import Scene

__all__ = ["ClipDraw", "Materials", "crowd_size", "draw_scenes", "mirrored", "stage_of"]


def draw_scenes(
    config: SynthConfig,
    seed: int,
    clips: Sequence[ClipDraw],
    motions: Sequence[BodyMotion],
    materials: Materials,
) -> list[Scene]:
    """The scenes of one clip, one per frame.

    Args:
        clips, motions: what each person does, at the configuration's frame rate; all have the same index and
            number of frames.
        materials: what the user brought.
    """
    index = clips[0].index
    roles = [
        draw_role(config, seed, clip, motion, i, materials.textures)
        for i, (clip, motion) in enumerate(zip(clips, motions, strict=True))
    ]
    if config.place.kind == "any":
        return scenes_around(config, seed, index, roles[0], materials.photos)
    return scenes_in_place(config, seed, index, roles, materials)
