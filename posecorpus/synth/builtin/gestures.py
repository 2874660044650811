"""Built-in motions on the spot."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from posecorpus.synth.builtin.curves import bump, ease, keys, wander
from posecorpus.synth.builtin.puppet import Arm, Script, standing
from posecorpus.synth.measures import reference

Array = NDArray[np.float64]
Rng = np.random.Generator
TAU = 2 * np.pi


def _stand(t: Array, rng: Rng, low: float = 0.14, high: float = 0.34) -> Script:
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


def _pulse(t: Array, rise_s: float, hold_s: float, start_s: float) -> Array:
    """(T,) eased from 0 to 1, held, and back."""
    return np.asarray(ease((t - start_s) / rise_s) - ease((t - start_s - rise_s - hold_s) / rise_s))


def _cycle(t: Array, period_s: float, offset: float = 0.0) -> Array:
    """(T,) smooth waves between 0 and 1, from 0 at offset 0."""
    return np.asarray(0.5 - 0.5 * np.cos(TAU * (t / period_s + offset)))


def _blend(arm: Arm, share: Array, **angles: Array | float) -> None:
    for name, target in angles.items():
        now = getattr(arm, name)
        setattr(arm, name, (1 - share) * now + share * target)


def _pick(script: Script, rng: Rng) -> tuple[int, float]:
    """A side: its index and sign (+1 left)."""
    index = int(rng.integers(2))
    return index, (1.0, -1.0)[index]


def wave(t: Array, rng: Rng) -> Script:
    """One hand raised and waved from the elbow."""
    script = _stand(t, rng)
    index, sign = _pick(script, rng)
    rise = rng.uniform(0.6, 1.0)
    up = _pulse(t, rise, max(0.3, t[-1] - 2 * rise - 0.4), rng.uniform(0.0, 0.3))
    beat = np.sin(TAU * t * rng.uniform(1.0, 2.0)) * rng.uniform(0.2, 0.45)
    # Upper arm out to the side, turned outwards so that the forearm points up.
    _blend(
        script.arms[index], up, flex=rng.uniform(0.1, 0.5), abduct=rng.uniform(0.9, 1.5), turn=-1.45 + 0.3 * beat,
        elbow=rng.uniform(1.3, 1.8) + beat, pronate=rng.uniform(0.0, 0.4), wrist=0.3 * beat,
    )  # fmt: skip
    script.spine[:, 1] -= sign * 0.06 * up
    script.head[:, 1] += sign * 0.08 * up
    return script


def reach(t: Array, rng: Rng) -> Script:
    """One hand to a point between knee height and overhead, the trunk following."""
    script = _stand(t, rng)
    index, sign = _pick(script, rng)
    period = rng.uniform(2.0, 3.2)
    go = keys(t, [0.1, 0.1 + 0.4 * period, 0.1 + 0.55 * period, 0.1 + period], [0.0, 1.0, 1.0, 0.0])
    second = keys(
        t, [period + 0.3, 1.4 * period + 0.3, 1.5 * period + 0.3, 2 * period + 0.3], [0.0, 1.0, 1.0, 0.0]
    )
    for share in (go, second):
        height = rng.uniform(0.5, 2.6)  # of the arm: 0.5 low in front, 1.57 level, 2.6 overhead
        _blend(
            script.arms[index], share, flex=height, abduct=rng.uniform(-0.1, 0.7), turn=rng.uniform(-0.3, 0.3),
            elbow=rng.uniform(0.1, 0.5), pronate=rng.uniform(-0.2, 0.8), wrist=-0.15,
        )  # fmt: skip
        low = np.clip(1.3 - height, 0.0, 1.0)
        script.spine += share[:, None] * [
            0.1 + 0.7 * low,
            sign * rng.uniform(-0.1, 0.15),
            -sign * rng.uniform(0.1, 0.4),
        ]
        script.pelvis_tilt[:, 0] += share * 0.6 * low
        script.pelvis += share[:, None] * [0.0, -0.12 * low, -0.1 * low]
        script.head[:, 0] += share * (0.25 - 0.25 * (height - 0.8))
    return script


def squat(t: Array, rng: Rng) -> Script:
    """Repeated knee bends, arms brought forwards for balance."""
    script = _stand(t, rng, 0.3, 0.5)
    depth = _cycle(t, rng.uniform(1.8, 3.0)) * rng.uniform(0.5, 1.0)
    script.pelvis += depth[:, None] * [0.0, -0.46, -0.17]
    script.pelvis_tilt[:, 0] += 0.65 * depth
    script.spine[:, 0] += rng.uniform(0.0, 0.3) * depth
    script.head[:, 0] -= 0.5 * depth
    raised, bent = rng.uniform(1.0, 1.6), rng.uniform(0.1, 1.6)
    for foot, sign in zip(script.feet, (1.0, -1.0), strict=True):
        foot.yaw = foot.yaw + sign * 0.2
    for arm in script.arms:
        _blend(arm, depth, flex=raised, abduct=0.15, turn=0.5 * bent, elbow=0.1 + bent, pronate=0.5)
    return script


def sit(t: Array, rng: Rng) -> Script:
    """Down on a seat 38 to 50 cm high, a while, and up again."""
    script = _stand(t, rng, 0.2, 0.36)
    fall = rng.uniform(1.1, 1.7)
    down = _pulse(t, fall, max(0.2, t[-1] - 2 * fall - 0.6), 0.2)
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
        _blend(
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
    script = _stand(t, rng, 0.16, 0.26)
    index, sign = _pick(script, rng)
    foot, other = script.feet[index], 1 - index
    height, tempo = rng.uniform(0.7, 1.7), rng.uniform(1.05, 1.35)
    at = rng.uniform(0.3, 0.6) + np.array([0.0, 0.5, 0.85, 1.3, 1.9]) * tempo
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
    _blend(script.arms[index], np.abs(thrust), flex=-0.5, abduct=0.5, elbow=0.5)
    _blend(script.arms[other], np.abs(thrust), flex=0.8, abduct=0.5, elbow=0.7)
    script.head[:, 0] += 0.2 * over
    return script


def crouch(t: Array, rng: Rng) -> Script:
    """Down on the balls of the feet, hands near the knees or the ground, looking about."""
    script = _stand(t, rng, 0.2, 0.34)
    fall = rng.uniform(0.9, 1.4)
    down = _pulse(t, fall, max(0.3, t[-1] - 2 * fall - 0.5), rng.uniform(0.1, 0.4)) * rng.uniform(0.75, 1.0)
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
        _blend(arm, down, flex=0.7 + 0.2 * low, abduct=0.15, turn=0.3, elbow=1.1 - 0.8 * low, pronate=0.6)
    return script


def _hermite(x: Array, start: float, end: float, start_slope: float, end_slope: float) -> Array:
    """Cubic from ``start`` to ``end`` over 0 <= x < 1 with the slopes given there, 0 outside."""
    inside = (x >= 0) & (x < 1)
    curve = start * (1 + 2 * x) * (1 - x) ** 2 + end * x * x * (3 - 2 * x)
    curve += start_slope * x * (1 - x) ** 2 + end_slope * x * x * (x - 1)
    return np.asarray(np.where(inside, curve, 0.0))


def jump(t: Array, rng: Rng) -> Script:
    """Crouch, leap straight up or forwards, land softly; repeated while time lasts."""
    script = _stand(t, rng, 0.2, 0.34)
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


def stretch(t: Array, rng: Rng) -> Script:
    """Both arms up overhead, rising on the toes or leaning to the sides."""
    script = _stand(t, rng)
    rise = rng.uniform(1.0, 1.5)
    up = _pulse(t, rise, max(0.3, t[-1] - 2 * rise - 0.4), 0.2)
    tiptoe = rng.choice([0.0, 1.0]) * rng.uniform(0.2, 0.45)
    aside = rng.uniform(0.0, 0.45) * np.sin(TAU * t / rng.uniform(2.5, 4.0))
    lateral = rng.choice([False, True])
    for arm in script.arms:
        lifted = rng.uniform(2.5, 2.85)
        if lateral:
            _blend(arm, up, flex=0.05, abduct=lifted, turn=-0.9, elbow=rng.uniform(0.1, 0.5), pronate=0.2)
        else:
            _blend(
                arm,
                up,
                flex=lifted,
                abduct=0.1,
                turn=rng.uniform(-0.2, 0.2),
                elbow=rng.uniform(0.1, 0.5),
                pronate=0.3,
            )
    for foot in script.feet:
        foot.pitch = -tiptoe * up
    script.pelvis[:, 1] += up * 0.13 * np.sin(tiptoe)
    script.pelvis[:, 0] -= 0.08 * up * aside
    script.pelvis[:, 2] += up * 0.06 * np.sin(tiptoe)
    script.spine[:, 0] -= rng.uniform(0.05, 0.25) * up
    script.spine[:, 1] += up * aside
    script.head[:, 0] -= rng.uniform(0.0, 0.3) * up
    return script


def throw(t: Array, rng: Rng) -> Script:
    """Overarm throw: wind up, whip forward, follow through; feet stay, one ahead."""
    script = _stand(t, rng, 0.26, 0.36)
    index, sign = _pick(script, rng)
    other, lead = 1 - index, rng.uniform(0.2, 0.32)
    script.feet[other].spot[:, 2] += lead / 2
    script.feet[index].spot[:, 2] -= lead / 2
    script.feet[index].yaw = script.feet[index].yaw + sign * 0.35
    tempo = rng.uniform(0.9, 1.2)
    at = rng.uniform(0.2, 0.5) + np.array([0.0, 0.8, 1.15, 1.5, 2.3]) * tempo
    power = rng.uniform(0.7, 1.0)
    wind = keys(t, at, [0.0, -power, power, 1.1 * power, 0.0])
    script.pelvis += wind[:, None] * [0.0, 0.0, 0.4 * lead] + [0.0, -0.05, 0.0]
    script.pelvis_tilt[:, 2] += sign * 0.35 * wind
    script.spine += np.stack([0.25 * np.maximum(wind, -0.5), -sign * 0.1 * wind, sign * 0.5 * wind], -1)
    script.head[:, 2] -= sign * 0.6 * wind
    arm, ups = script.arms[index], [0.0, 1.0, 1.0, 1.0, 0.0]
    share = keys(t, at, ups)
    _blend(
        arm, share, flex=keys(t, at, [0.0, 0.05, 0.9, 0.9, 0.2]), abduct=keys(t, at, [0.2, 1.5, 1.3, 0.5, 0.2]),
        turn=keys(t, at, [0.0, -1.3, -0.6, 0.3, 0.0]), elbow=keys(t, at, [0.3, 1.7, 0.5, 0.4, 0.3]),
        pronate=0.5, wrist=keys(t, at, [0.0, -0.4, 0.4, 0.3, 0.0]),
    )  # fmt: skip
    _blend(script.arms[other], share, flex=keys(t, at, [0.0, 1.2, 0.2, -0.3, 0.0]), abduct=0.4, elbow=0.5)
    script.feet[index].pitch = -0.5 * np.maximum(wind, 0.0)
    return script


def bow(t: Array, rng: Rng) -> Script:
    """From the hips, arms at the sides or in front, from a nod to a deep bow."""
    script = _stand(t, rng, 0.1, 0.26)
    fall = rng.uniform(0.8, 1.3)
    down = _pulse(
        t, fall, rng.uniform(0.2, max(0.3, t[-1] - 2 * fall - 0.5)), rng.uniform(0.1, 0.3)
    ) * rng.uniform(0.4, 1.0)
    script.pelvis_tilt[:, 0] += 0.7 * down
    script.spine[:, 0] += 0.65 * down
    script.head[:, 0] += rng.uniform(-0.2, 0.3) * down
    script.pelvis[:, 2] -= 0.12 * down
    hang = rng.uniform(0.0, 1.2)
    for arm in script.arms:
        arm.flex = arm.flex + hang * down
    return script


def jumping_jack(t: Array, rng: Rng) -> Script:
    """Hops that open and close, arms overhead as the feet part."""
    script = _stand(t, rng, 0.14, 0.2)
    period = rng.uniform(0.9, 1.3)
    open_ = _cycle(t, period)
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
        _blend(arm, open_, flex=0.1, abduct=reach_up, turn=-0.7, elbow=rng.uniform(0.15, 0.5), pronate=0.2)
    return script


def dance(t: Array, rng: Rng) -> Script:
    """Swaying hips and rolling arms to a beat of 80 to 130 a minute, feet in place, heels lifting."""
    script = _stand(t, rng, 0.24, 0.42)
    beat = TAU * t * rng.uniform(80, 130) / 120.0
    hips, bounce, chest = rng.uniform(0.03, 0.08), rng.uniform(0.01, 0.035), rng.uniform(0.05, 0.2)
    script.pelvis += np.stack([hips * np.sin(beat), -0.06 - bounce * np.cos(2 * beat), 0 * t], -1)
    script.pelvis_tilt += np.stack(
        [0.04 * np.cos(2 * beat), 1.5 * hips * np.sin(beat), 0.15 * np.sin(beat + 0.5)], -1
    )
    script.spine += np.stack(
        [
            0.05 + 0.03 * np.cos(2 * beat),
            -1.6 * hips * np.sin(beat),
            chest * np.sin(beat + rng.uniform(0, 6)),
        ],
        -1,
    )
    script.head[:, 0] += 0.08 * np.cos(2 * beat)
    for foot, sign in zip(script.feet, (1.0, -1.0), strict=True):
        foot.pitch = -rng.uniform(0.2, 0.5) * np.maximum(0.0, -sign * np.sin(beat)) ** 2
    for arm in script.arms:
        lifted, phase = rng.uniform(0.3, 1.9), rng.uniform(0, TAU)
        ready = ease(t / 0.8)
        _blend(
            arm, ready, flex=0.5 * lifted + 0.25 * np.sin(beat + phase), abduct=0.3 + 0.4 * lifted + 0.2 * np.sin(0.5 * beat + phase),
            turn=0.4 - 0.6 * lifted + 0.3 * np.cos(beat + phase), elbow=1.2 + 0.4 * np.sin(beat + phase + 1), pronate=0.4,
        )  # fmt: skip
    return script


def lunge(t: Array, rng: Rng) -> Script:
    """One foot steps ahead, the body sinks over it, and it steps back."""
    script = _stand(t, rng, 0.16, 0.26)
    index, _ = _pick(script, rng)
    foot, length = script.feet[index], rng.uniform(0.5, 0.75)
    tempo = rng.uniform(0.9, 1.2)
    at = rng.uniform(0.2, 0.5) + np.array([0.0, 0.6, 1.2, 1.6, 2.2, 2.8]) * tempo
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
        _blend(arm, down, flex=flex, abduct=0.3, turn=0.5, elbow=bent)
    return script


def punch(t: Array, rng: Rng) -> Script:
    """Guard up, left and right straight punches in turn."""
    script = _stand(t, rng, 0.28, 0.4)
    ready = ease(t / 0.7)
    period = rng.uniform(0.9, 1.5)
    lead = rng.uniform(0.1, 0.22) * rng.choice([-1.0, 1.0])
    script.pelvis += ready[:, None] * [0.0, -0.07, 0.0]
    script.spine[:, 0] += 0.15 * ready
    for side, (arm, foot) in enumerate(zip(script.arms, script.feet, strict=True)):
        sign = (1.0, -1.0)[side]
        foot.spot[:, 2] += sign * lead
        cycle = np.mod(t / period + 0.5 * side, 1.0)
        out = bump(cycle / 0.5) * ease((t - 0.7) / 0.4)
        _blend(
            arm, ready, flex=0.75 + 0.7 * out, abduct=0.25 - 0.1 * out, turn=0.35 + 0.35 * out,
            elbow=2.0 - 1.75 * out, pronate=0.2 + 0.9 * out,
        )  # fmt: skip
        script.spine[:, 2] -= sign * 0.4 * out
        script.pelvis_tilt[:, 2] -= sign * 0.15 * out
        script.head[:, 2] += sign * 0.45 * out
    return script


GESTURES = {
    "jump": jump, "squat": squat, "sit": sit, "reach": reach, "wave": wave, "kick": kick, "crouch": crouch, "stretch": stretch,
    "throw": throw, "bow": bow, "jumping_jack": jumping_jack, "dance": dance, "lunge": lunge, "punch": punch,
}  # fmt: skip
