"""Built-in motions that go somewhere: walk, run, turn, sidestep, stairs."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from posecorpus.synth.builtin.curves import wander
from posecorpus.synth.builtin.gait import Gait, follow, integrate, phase, swing_arms
from posecorpus.synth.builtin.puppet import Script

Array = NDArray[np.float64]
Rng = np.random.Generator
TAU = 2 * np.pi


def _curve(t: Array, rng: Rng, most_rad_s: float) -> Array:
    """Heading (T,) with a steady turn and a little drift."""
    rate = rng.normal(0.0, 0.4) * most_rad_s
    return np.asarray(np.clip(rate, -most_rad_s, most_rad_s) * t + wander(t, rng, 0.08))


def _idle_head(script: Script, t: Array, rng: Rng) -> None:
    script.head = np.stack(
        [wander(t, rng, 0.15) + rng.uniform(-0.1, 0.2), wander(t, rng, 0.06), wander(t, rng, 0.4)], -1
    )


def walk(t: Array, rng: Rng) -> Script:
    """Forwards at 0.6 to 1.9 m/s, from a stroll to a brisk walk, along a gentle curve."""
    speed = rng.uniform(0.6, 1.9)
    stride = np.clip(0.95 + 0.5 * (speed - 0.6) + rng.normal(0, 0.06), 0.8, 1.75)
    gait = Gait(
        cycle_s=stride / speed,
        stance=0.66 - 0.04 * speed,
        width_m=rng.uniform(0.10, 0.22),
        lift_m=rng.uniform(0.05, 0.10),
        kick_rad=rng.uniform(0.55, 0.8),
        strike_rad=rng.uniform(0.1, 0.3),
        toe_out_rad=rng.uniform(0.0, 0.2),
    )
    shift = rng.uniform(0, gait.cycle_s)
    t = t + shift
    yaw = _curve(t, rng, 0.35)
    path = integrate(np.full(len(t), speed), yaw)
    script = follow(t, gait, path, yaw)
    beat = TAU * phase(t, gait, 1.0)
    twist, lean = rng.uniform(0.05, 0.14), rng.uniform(0.0, 0.1)
    script.pelvis_tilt = np.stack(
        [0 * t + 0.3 * lean, -0.04 * np.cos(beat - 0.6), -0.7 * twist * np.cos(beat)], -1
    )
    script.spine = np.stack(
        [lean + wander(t, rng, 0.03), 0.05 * np.cos(beat - 0.6), 1.7 * twist * np.cos(beat)], -1
    )
    swing_arms(
        script,
        t,
        gait,
        (0.12 + 0.25 * speed) * rng.uniform(0.6, 1.3),
        -0.02,
        rng.uniform(0.15, 0.4),
        0.15 + 0.15 * speed,
    )
    _idle_head(script, t, rng)
    return script


def run(t: Array, rng: Rng) -> Script:
    """Forwards at 2.0 to 3.8 m/s with a phase of flight."""
    speed = rng.uniform(2.0, 3.8)
    cadence = rng.uniform(1.25, 1.45) + 0.06 * (speed - 2.0)
    gait = Gait(
        cycle_s=1 / cadence,
        stance=float(np.clip(0.42 - 0.035 * (speed - 2.0), 0.3, 0.42)),
        width_m=rng.uniform(0.06, 0.14),
        lift_m=rng.uniform(0.16, 0.24) + 0.03 * (speed - 2.0),
        kick_rad=rng.uniform(0.6, 0.8),
        strike_rad=rng.uniform(0.0, 0.15),
        toe_out_rad=rng.uniform(0.0, 0.1),
    )
    t = t + rng.uniform(0, gait.cycle_s)
    yaw = _curve(t, rng, 0.5)
    script = follow(t, gait, integrate(np.full(len(t), speed), yaw), yaw)
    beat = TAU * phase(t, gait, 1.0)
    bounce = rng.uniform(0.02, 0.035)
    script.pelvis[:, 1] -= 0.04 + bounce * np.cos(2 * (beat - np.pi * gait.stance))
    lean, twist = rng.uniform(0.08, 0.2), rng.uniform(0.1, 0.2)
    script.pelvis_tilt = np.stack([0 * t + 0.6 * lean, 0 * t, -0.6 * twist * np.cos(beat)], -1)
    script.spine = np.stack([0.6 * lean + 0 * t, 0 * t, 1.6 * twist * np.cos(beat)], -1)
    swing_arms(script, t, gait, rng.uniform(0.5, 0.8), -0.1, rng.uniform(1.2, 1.6), 0.3)
    for arm in script.arms:
        arm.abduct, arm.turn = arm.abduct + 0.1, arm.turn + 0.35
    _idle_head(script, t, rng)
    return script


def turn(t: Array, rng: Rng) -> Script:
    """On the spot, by small steps, to either side at 0.6 to 1.6 rad/s."""
    gait = Gait(rng.uniform(0.9, 1.3), 0.62, rng.uniform(0.16, 0.26), rng.uniform(0.04, 0.09), 0.3, 0.0, 0.1)
    rate = rng.choice([-1.0, 1.0]) * rng.uniform(0.6, 1.6)
    yaw = rate * t + wander(t, rng, 0.1)
    script = follow(t, gait, np.zeros((len(t), 2)), yaw)
    swing_arms(script, t, gait, rng.uniform(0.05, 0.15), 0.0, rng.uniform(0.2, 0.5), 0.1)
    script.head = np.stack(
        [wander(t, rng, 0.1) + 0.1, wander(t, rng, 0.05), 0.25 * np.sign(rate) + wander(t, rng, 0.2)], -1
    )
    script.spine[:, 2] = 0.12 * np.sign(rate) + wander(t, rng, 0.05)
    return script


def stairs(t: Array, rng: Rng) -> Script:
    """Up a flight of 14 to 19 cm steps, 0.26 to 0.31 m deep, one foot a step."""
    rise, tread = rng.uniform(0.14, 0.19), rng.uniform(0.26, 0.31)
    gait = Gait(
        rng.uniform(1.1, 1.5),
        0.62,
        rng.uniform(0.12, 0.2),
        rng.uniform(0.06, 0.1),
        0.45,
        0.0,
        rng.uniform(0, 0.15),
    )
    speed = 2 * tread / gait.cycle_s
    yaw = np.zeros(len(t))
    path = integrate(np.full(len(t), speed), yaw)
    climb = path[:, 1] / tread * rise
    script = follow(t, gait, path, yaw, climb)
    level = min(float(foot.spot[:, 1].min()) for foot in script.feet)
    for foot in script.feet:
        foot.spot[:, 1] -= level
    beat = TAU * phase(t, gait, 1.0)
    script.pelvis[:, 1] -= level + 0.05
    lean = rng.uniform(0.08, 0.25)
    script.spine = np.stack(
        [lean + 0.03 * np.cos(2 * beat), 0.05 * np.cos(beat - 0.6), 0.08 * np.cos(beat)], -1
    )
    script.pelvis_tilt[:, 0] = 0.4 * lean
    swing_arms(script, t, gait, rng.uniform(0.2, 0.4), 0.05, rng.uniform(0.3, 0.6), 0.2)
    script.head[:, 0] = rng.uniform(0.0, 0.35) + wander(t, rng, 0.08)
    return script


LOCOMOTION = {"walk": walk, "run": run, "turn": turn, "stairs": stairs}
