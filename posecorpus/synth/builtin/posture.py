"""What the motions on the spot share: relaxed standing, and angles eased in and out."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from posecorpus.synth.builtin.curves import ease, wander
from posecorpus.synth.builtin.puppet import Arm, Script, standing
from posecorpus.synth.measures import reference

Array = NDArray[np.float64]
Rng = np.random.Generator
TAU = 2 * np.pi


def stand(t: Array, rng: Rng, low: float = 0.14, high: float = 0.34) -> Script:
    """Relaxed standing: small sway of everything, knees soft."""
    script = standing(len(t), rng.uniform(low, high), rng.uniform(0.05, 0.25), reference())
    yaw = rng.uniform(-0.1, 0.1)
    script.yaw = yaw + wander(t, rng, 0.03)
    script.pelvis += np.stack(
        [wander(t, rng, 0.015), 0 * t - rng.uniform(0.0, 0.01), wander(t, rng, 0.012)], -1
    )
    script.spine = np.stack([0.03 + wander(t, rng, 0.03), wander(t, rng, 0.03), wander(t, rng, 0.04)], -1)
    script.head = np.stack(
        [wander(t, rng, 0.12) + rng.uniform(-0.05, 0.15), wander(t, rng, 0.05), wander(t, rng, 0.3)], -1
    )
    for arm in script.arms:
        arm.flex = arm.flex + wander(t, rng, 0.06) + rng.uniform(-0.05, 0.1)
        arm.abduct = arm.abduct + wander(t, rng, 0.03) + rng.uniform(-0.02, 0.12)
        arm.elbow = arm.elbow + wander(t, rng, 0.08) + rng.uniform(-0.05, 0.25)
        arm.pronate = arm.pronate + rng.uniform(-0.1, 0.4)
    return script


def pulse(t: Array, rise_s: float, hold_s: float, start_s: float) -> Array:
    """(T,) eased from 0 to 1, held, and back."""
    return np.asarray(ease((t - start_s) / rise_s) - ease((t - start_s - rise_s - hold_s) / rise_s))


def cycle(t: Array, period_s: float, offset: float = 0.0) -> Array:
    """(T,) smooth waves between 0 and 1, from 0 at offset 0."""
    return np.asarray(0.5 - 0.5 * np.cos(TAU * (t / period_s + offset)))


def blend(arm: Arm, share: Array, **angles: Array | float) -> None:
    for name, target in angles.items():
        now = getattr(arm, name)
        setattr(arm, name, (1 - share) * now + share * target)


def pick(script: Script, rng: Rng) -> tuple[int, float]:
    """A side: its index and sign (+1 left)."""
    index = int(rng.integers(2))
    return index, (1.0, -1.0)[index]
