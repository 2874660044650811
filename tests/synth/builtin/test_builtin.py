"""Built-in motions: determinism and shape."""

from __future__ import annotations

import numpy as np
import pytest

from posecorpus.core.errors import InputError
from posecorpus.core.seeds import generator
from posecorpus.synth.builtin import KINDS, builtin_clips, builtin_motion


@pytest.mark.parametrize("kind", KINDS)
def test_a_clip_is_complete_and_repeatable(kind: str) -> None:
    first = builtin_motion(kind, generator(3, "t"), 3.0)
    again = builtin_motion(kind, generator(3, "t"), 3.0)
    other = builtin_motion(kind, generator(4, "t"), 3.0)
    assert first.poses.shape == (90, 24, 3) and first.translations.shape == (90, 3)
    assert first.poses.dtype == first.translations.dtype == np.float32
    assert np.isfinite(first.poses).all() and np.isfinite(first.translations).all()
    assert first.poses.tobytes() == again.poses.tobytes()
    assert np.abs(first.poses - other.poses).max() > 0.1


def test_clips_cycle_over_the_kinds_and_do_not_depend_on_the_count() -> None:
    clips = builtin_clips(7, len(KINDS) + 2)
    assert [clip.name for clip in clips[:2]] == [f"builtin/{KINDS[0]}_0000", f"builtin/{KINDS[1]}_0001"]
    assert len({clip.name for clip in clips}) == len(clips)
    assert clips[2].poses.tobytes() == builtin_clips(7, 3)[2].poses.tobytes()


@pytest.mark.parametrize(("kind", "seconds"), [("fly", 3.0), ("walk", 0.0), ("walk", float("nan"))])
def test_wrong_arguments_are_named(kind: str, seconds: float) -> None:
    with pytest.raises(InputError, match="built-in motion"):
        builtin_motion(kind, generator(0, "t"), seconds)
