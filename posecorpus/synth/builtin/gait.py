"""Stepping: feet that alternate along a path, as in walking, running, turning and climbing stairs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from posecorpus.synth.builtin.curves import ease, keys, smooth
from posecorpus.synth.builtin.puppet import FPS, Foot, Script, standing
from posecorpus.synth.measures import reference
from posecorpus.synth.rotations import about, apply

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Gait:
    """How to step. The cycle starts with a left heel strike.

    Attributes:
        cycle_s: two steps, seconds. stance: share of the cycle that a foot is on the ground (running < 0.5).
        width_m: between the feet. lift_m: of the swinging foot.
        kick_rad: how far the toes point down at lift-off; strike_rad: toes up at landing (0 lands flat).
        toe_out_rad: outward heading of the feet.
    """

    cycle_s: float
    stance: float
    width_m: float
    lift_m: float
    kick_rad: float
    strike_rad: float
    toe_out_rad: float


def times(seconds: float) -> Array:
    """(T,) seconds of the frames."""
    return np.arange(max(2, round(seconds * FPS))) / FPS


def phase(t: Array, gait: Gait, sign: float) -> Array:
    """Cycles of a foot since its first strike at t = 0 (left) or half a cycle later (right)."""
    return t / gait.cycle_s - (0.0 if sign > 0 else 0.5)


def place_feet(
    t: Array, gait: Gait, path: Array, yaw: Array, climb: Array | None = None
) -> tuple[Foot, Foot]:
    """Tracks of both feet for a body that is at ``path`` (T, 2: x, z) with heading ``yaw`` (T,).

    Each foot lands where the body will be halfway through that foot's stance. ``climb`` (T,) is the height of
    the ground under the body at each time, taken at the landing.
    """
    return (_foot(t, gait, path, yaw, climb, 1.0), _foot(t, gait, path, yaw, climb, -1.0))


def _foot(t: Array, gait: Gait, path: Array, yaw: Array, climb: Array | None, sign: float) -> Foot:
    cycles = phase(t, gait, sign)
    count = np.floor(cycles)
    part = cycles - count
    swing = np.clip((part - gait.stance) / (1.0 - gait.stance), 0.0, 1.0)

    def landing(number: Array) -> tuple[Array, Array]:
        at = (number + (0.0 if sign > 0 else 0.5) + gait.stance / 2) * gait.cycle_s
        heading = _extend(t, yaw, at)
        aside = apply(about(1, heading), [sign * gait.width_m / 2, 0.0, reference().side("ankle", 1)[2]])
        ground = np.zeros(len(t)) if climb is None else _extend(t, climb, at)
        spot = aside + np.stack([_extend(t, path[:, 0], at), ground, _extend(t, path[:, 1], at)], -1)
        return spot, heading + sign * gait.toe_out_rad

    here, here_yaw = landing(count)
    there, there_yaw = landing(count + 1)
    # Up before ahead, so that the toes do not scrape.
    gone = np.clip((swing - 0.05) / 0.9, 0.0, 1.0)
    moved = gone * gone * (3.0 - 2.0 * gone)
    lift = gait.lift_m * np.sin(np.pi * swing) ** 2
    spot = here + moved[:, None] * (there - here)
    rise = there[:, 1] - here[:, 1]
    if climb is not None:  # clear the edge: height first when going up, last when going down
        early = np.where(rise > 0, ease(swing / 0.6), ease((swing - 0.4) / 0.6))
        spot[:, 1] = here[:, 1] + early * rise
    spot[:, 1] += lift
    heading = here_yaw + moved * (there_yaw - here_yaw)
    still = np.zeros(len(t))
    return Foot(
        spot, heading, _roll(gait, part), part < gait.stance,
        air=still, hip_flex=still, hip_abduct=still, knee=still, lift=lift,
    )  # fmt: skip


def _roll(gait: Gait, part: Array) -> Array:
    """Pitch of the foot over its cycle: heel strike, flat, heel off, toes down, toes up again."""
    s = gait.stance
    return keys(
        part,
        [0.0, 0.16 * s, 0.55 * s, s + 0.08 * (1 - s), s + 0.4 * (1 - s), s + 0.9 * (1 - s)],
        [gait.strike_rad, 0.0, 0.0, -gait.kick_rad, -0.9 * gait.kick_rad, gait.strike_rad],
    )


def _extend(t: Array, values: Array, at: Array) -> Array:
    """``values`` (T,) at times ``at``, continued beyond both ends at the rate it has there."""
    step = t[1] - t[0]
    first, last = (values[1] - values[0]) / step, (values[-1] - values[-2]) / step
    inside = np.interp(at, t, values)
    return np.asarray(inside + np.minimum(at - t[0], 0.0) * first + np.maximum(at - t[-1], 0.0) * last)


def integrate(speed: Array, yaw: Array) -> Array:
    """(T, 2) path (x, z) from the origin of a body that moves at ``speed`` (T,) m/s along ``yaw`` (T,)."""
    velocity = np.stack([speed * np.sin(yaw), speed * np.cos(yaw)], -1) / FPS
    return np.asarray(np.cumsum(velocity, axis=0) - velocity[:1])


def follow(t: Array, gait: Gait, path: Array, yaw: Array, climb: Array | None = None) -> Script:
    """A script that steps along a path with still trunk and arms hanging."""
    script = standing(len(t), gait.width_m, gait.toe_out_rad, reference())
    script.yaw = yaw
    script.feet = place_feet(t, gait, path, yaw, climb)
    sway = np.cos(2 * np.pi * phase(t, gait, 1.0) - 2 * np.pi * gait.stance / 2)
    aside = apply(about(1, yaw), np.stack([0.18 * gait.width_m * sway, 0 * t, 0 * t], -1))
    script.pelvis = aside + np.stack([path[:, 0], script.pelvis[:, 1], path[:, 1]], -1)
    if climb is not None:
        script.pelvis[:, 1] += smooth(climb, 3)
    return script


def swing_arms(
    script: Script, t: Array, gait: Gait, amplitude: float, forward: float, elbow: float, bend: float
) -> None:
    """Swing each arm with the opposite leg. Angles in radians: swing, its middle, elbow's middle and swing."""
    for arm, sign in zip(script.arms, (1.0, -1.0), strict=True):
        beat = -np.cos(2 * np.pi * phase(t, gait, sign))
        arm.flex = forward + amplitude * beat
        arm.elbow = elbow + bend * (0.5 + 0.5 * beat)
