"""Built-in motions of the whole body on the spot: squat, sit, kick, crouch, jump, jumping jack, lunge."""

from __future__ import annotations

import numpy as np

from posecorpus.synth.builtin.curves import bump, ease, keys, wander
from posecorpus.synth.builtin.posture import TAU, Array, Rng, blend, cycle, pick, pulse, stand
from posecorpus.synth.builtin.puppet import Script


def squat(t: Array, rng: Rng) -> Script:
    """Repeated knee bends, arms brought forwards for balance."""
    script = stand(t, rng, 0.3, 0.5)
    depth = cycle(t, rng.uniform(1.8, 3.0)) * rng.uniform(0.5, 1.0)
    script.pelvis += depth[:, None] * [0.0, -0.46, -0.17]
    script.pelvis_tilt[:, 0] += 0.65 * depth
    script.spine[:, 0] += rng.uniform(0.0, 0.3) * depth
    script.head[:, 0] -= 0.5 * depth
    raised, bent = rng.uniform(1.0, 1.6), rng.uniform(0.1, 1.6)
    for foot, sign in zip(script.feet, (1.0, -1.0), strict=True):
        foot.yaw = foot.yaw + sign * 0.2
    for arm in script.arms:
        blend(arm, depth, flex=raised, abduct=0.15, turn=0.5 * bent, elbow=0.1 + bent, pronate=0.5)
    return script


def sit(t: Array, rng: Rng) -> Script:
    """Down on a seat 38 to 50 cm high, a while, and up again."""
    script = stand(t, rng, 0.2, 0.36)
    fall = rng.uniform(1.1, 1.7)
    down = pulse(t, fall, max(0.2, t[-1] - 2 * fall - 0.6), 0.2)
    leaning = bump((t - 0.2) / (1.2 * fall)) + bump((t - (t[-1] - 0.4 - 1.1 * fall)) / (1.2 * fall))
    seat = rng.uniform(0.38, 0.50) + 0.10  # the pelvis joint is about 10 cm over the seat
    drop = script.body.standing_height - seat
    script.pelvis += down[:, None] * [0.0, -drop, -rng.uniform(0.36, 0.42)]
    slouch = rng.uniform(-0.2, 0.1)
    script.pelvis_tilt[:, 0] += slouch * down + 0.45 * leaning
    script.spine[:, 0] += rng.uniform(0.0, 0.35) * down + 0.35 * leaning
    script.head[:, 0] -= 0.25 * leaning
    flex, apart = rng.uniform(0.4, 0.75), rng.uniform(0.0, 0.2)
    for arm in script.arms:
        blend(
            arm,
            down,
            flex=flex,
            abduct=0.1 + apart,
            turn=rng.uniform(0.1, 0.5),
            elbow=rng.uniform(0.7, 1.2),
            pronate=0.9,
        )
    return script


def kick(t: Array, rng: Rng) -> Script:
    """A forward kick of one leg: drawn back, swung through, put down."""
    script = stand(t, rng, 0.16, 0.26)
    index, sign = pick(script, rng)
    foot, other = script.feet[index], 1 - index
    height, tempo = rng.uniform(0.7, 1.7), rng.uniform(1.05, 1.35)
    at = rng.uniform(0.3, 0.6) + np.array([0.0, 0.5, 0.85, 1.3, 1.9]) * tempo
    t = np.mod(t, at[-1] + rng.uniform(0.3, 0.9))
    foot.air = keys(t, at, [0.0, 1.0, 1.0, 1.0, 0.0])
    foot.hip_flex = keys(t, at, [0.0, -0.35, height, 0.6 * height, 0.1])
    foot.knee = keys(t, at, [0.2, 1.2, 0.15, 1.0, 0.3])
    foot.hip_abduct = keys(t, at, [0.0, 0.1, 0.05, 0.1, 0.0])
    foot.planted = foot.air < 1e-6
    foot.lift = 0.1 * ease(foot.air / 0.4)
    over = keys(t, [at[0] - 0.25, at[0] + 0.25, at[3], at[4] + 0.2], [0.0, 1.0, 1.0, 0.0])
    script.pelvis[:, 0] += over * (script.feet[other].spot[:, 0] * 0.75)
    script.pelvis[:, 1] -= 0.02 * over
    thrust = keys(t, at, [0.0, -0.1, 1.0, 0.5, 0.0])
    script.pelvis_tilt += thrust[:, None] * [-0.25, sign * -0.08, -sign * 0.25]
    script.spine += thrust[:, None] * [0.15, sign * 0.05, sign * 0.35]
    blend(script.arms[index], np.abs(thrust), flex=-0.5, abduct=0.5, elbow=0.5)
    blend(script.arms[other], np.abs(thrust), flex=0.8, abduct=0.5, elbow=0.7)
    script.head[:, 0] += 0.2 * over
    return script


def crouch(t: Array, rng: Rng) -> Script:
    """Down on the balls of the feet, hands near the knees or the ground, looking about."""
    script = stand(t, rng, 0.2, 0.34)
    fall = rng.uniform(0.9, 1.4)
    down = pulse(t, fall, max(0.3, t[-1] - 2 * fall - 0.5), rng.uniform(0.1, 0.4)) * rng.uniform(0.75, 1.0)
    heels = rng.uniform(0.35, 0.7)
    script.pelvis += down[:, None] * [0.0, -0.56, -0.02]
    script.pelvis_tilt[:, 0] += rng.uniform(0.2, 0.35) * down
    script.spine[:, 0] += rng.uniform(0.3, 0.7) * down
    script.head[:, 0] -= rng.uniform(0.2, 0.6) * down
    script.head[:, 2] += down * wander(t, rng, 0.6, 3.0)
    for foot, sign in zip(script.feet, (1.0, -1.0), strict=True):
        foot.pitch = -heels * down
        foot.yaw = foot.yaw + sign * 0.1
    low = rng.uniform(0.2, 1.0)
    for arm in script.arms:
        blend(arm, down, flex=0.7 + 0.2 * low, abduct=0.15, turn=0.3, elbow=1.1 - 0.8 * low, pronate=0.6)
    return script


def _hermite(x: Array, start: float, end: float, start_slope: float, end_slope: float) -> Array:
    """Cubic from ``start`` to ``end`` over 0 <= x < 1 with the slopes given there, 0 outside."""
    inside = (x >= 0) & (x < 1)
    curve = start * (1 + 2 * x) * (1 - x) ** 2 + end * x * x * (3 - 2 * x)
    curve += start_slope * x * (1 - x) ** 2 + end_slope * x * x * (x - 1)
    return np.asarray(np.where(inside, curve, 0.0))


def jump(t: Array, rng: Rng) -> Script:
    """Crouch, leap straight up or forwards, land softly; repeated while time lasts."""
    script = stand(t, rng, 0.2, 0.34)
    height, ahead = rng.uniform(0.12, 0.38), rng.choice([0.0, 1.0]) * rng.uniform(0.2, 0.7)
    dip, rate = rng.uniform(0.22, 0.36), np.sqrt(2 * 9.81 * height)
    flight, launch, ready = 2 * rate / 9.81, 0.3, rng.uniform(0.55, 0.8)
    start, leap = rng.uniform(0.2, 0.5), np.zeros(len(t))
    lift = np.zeros(len(t))
    low, swing, tucked, pointed = (np.zeros(len(t)) for _ in range(4))
    while start + ready + launch + flight < t[-1]:
        off = start + ready + launch
        air = (t - off) / flight
        inside = (air > 0) & (air < 1)
        lift += np.where(inside, 4 * height * air * (1 - air), 0.0)
        leap += ahead * np.clip(air, 0.0, 1.0)
        # Down, then up and down again with the speed of the flight at its two ends.
        low += keys(t, [start, start + ready], [0, 1]) - (t >= start + ready)
        low += _hermite((t - start - ready) / launch, 1.0, 0.0, 0.0, -rate * launch / dip)
        low += _hermite((t - off - flight) / 0.3, 0.0, 0.8, rate * 0.3 / dip, 0.0)
        low += 0.8 * (t >= off + flight + 0.3) * (1 - ease((t - off - flight - 0.3) / 0.7))
        swing += keys(
            t, [start, start + ready, off + 0.2, off + flight, off + flight + 0.8], [0, -0.5, 1, 0.5, 0]
        )
        pointed += keys(t, [start + ready, off + 0.04, off + 0.6 * flight, off + flight], [0, 0.68, 0.5, 0])
        tucked += bump(air)
        start = off + flight + rng.uniform(1.1, 1.4)
    script.pelvis[:, 1] += lift - dip * low
    script.pelvis[:, 2] += leap - 0.10 * low
    script.pelvis_tilt[:, 0] += 0.55 * low
    script.spine[:, 0] += 0.3 * low
    script.head[:, 0] -= 0.35 * low
    airborne = lift > 0
    for foot in script.feet:
        foot.lift = lift + 0.10 * tucked
        foot.spot[:, 1] += foot.lift
        foot.spot[:, 2] += leap
        foot.pitch = -pointed
        foot.planted = ~airborne
    for arm in script.arms:
        arm.flex = arm.flex + np.where(swing > 0, 2.3 * swing, 1.2 * swing)
        arm.elbow = arm.elbow + 0.4 * np.abs(swing)
    return script


def jumping_jack(t: Array, rng: Rng) -> Script:
    """Hops that open and close, arms overhead as the feet part."""
    script = stand(t, rng, 0.14, 0.2)
    period = rng.uniform(0.9, 1.3)
    open_ = cycle(t, period)
    hop = np.maximum((np.abs(np.sin(TAU * t / period)) - 0.45) / 0.55, 0.0) ** 2 * rng.uniform(0.04, 0.08)
    width = rng.uniform(0.22, 0.32)
    for foot, sign in zip(script.feet, (1.0, -1.0), strict=True):
        parted = ease((open_ - 0.1) / 0.8)
        foot.spot += np.stack([sign * width * parted, hop, 0 * t], -1)
        foot.lift = hop
        foot.pitch = -4.0 * hop
        foot.planted = hop < 0.002
    script.pelvis[:, 1] += hop - 0.04 - 0.04 * open_
    reach_up = rng.uniform(2.2, 2.7)
    for arm in script.arms:
        blend(arm, open_, flex=0.1, abduct=reach_up, turn=-0.7, elbow=rng.uniform(0.15, 0.5), pronate=0.2)
    return script


def lunge(t: Array, rng: Rng) -> Script:
    """One foot steps ahead, the body sinks over it, and it steps back."""
    script = stand(t, rng, 0.16, 0.26)
    index, _ = pick(script, rng)
    foot, length = script.feet[index], rng.uniform(0.5, 0.75)
    tempo = rng.uniform(0.9, 1.2)
    at = rng.uniform(0.2, 0.5) + np.array([0.0, 0.6, 1.2, 1.6, 2.2, 2.8]) * tempo
    t = np.mod(t, at[-1] + rng.uniform(0.1, 0.5))
    forth = ease((t - at[0]) / (at[1] - at[0])) - ease((t - at[4]) / (at[5] - at[4]))
    foot.spot[:, 2] += length * forth
    stepping = [(t - at[0]) / (at[1] - at[0]), (t - at[4]) / (at[5] - at[4])]
    foot.lift = sum(0.08 * np.sin(np.pi * np.clip(x, 0, 1)) ** 2 for x in stepping)
    foot.spot[:, 1] += foot.lift
    foot.planted = foot.spot[:, 1] < 1e-4
    down = keys(t, at, [0.0, 0.35, 1.0, 1.0, 0.35, 0.0]) * rng.uniform(0.6, 1.0)
    script.feet[1 - index].pitch = -1.15 * down
    script.pelvis += np.stack(
        [0 * t, -0.36 * down, 0.55 * length * keys(t, at, [0.0, 0.7, 1.0, 1.0, 0.7, 0.0])], -1
    )
    script.spine[:, 0] += rng.uniform(0.0, 0.3) * down
    flex, bent = rng.uniform(-0.1, 0.6), rng.uniform(0.3, 1.4)
    for arm in script.arms:
        blend(arm, down, flex=flex, abduct=0.3, turn=0.5, elbow=bent)
    return script


EXERCISES = {
    "jump": jump, "squat": squat, "sit": sit, "kick": kick, "crouch": crouch, "jumping_jack": jumping_jack, "lunge": lunge,
}  # fmt: skip
