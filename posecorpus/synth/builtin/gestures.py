"""Built-in motions of the arms and the trunk, standing: wave, reach, stretch, throw, bow, dance, punch."""

from __future__ import annotations

import numpy as np

from posecorpus.synth.builtin.curves import bump, ease, keys
from posecorpus.synth.builtin.posture import TAU, Array, Rng, blend, pick, pulse, stand
from posecorpus.synth.builtin.puppet import Script


def wave(t: Array, rng: Rng) -> Script:
    """One hand raised and waved from the elbow."""
    script = stand(t, rng)
    index, sign = pick(script, rng)
    rise = rng.uniform(0.6, 1.0)
    up = pulse(t, rise, max(0.3, t[-1] - 2 * rise - 0.4), rng.uniform(0.0, 0.3))
    beat = np.sin(TAU * t * rng.uniform(1.0, 2.0)) * rng.uniform(0.2, 0.45)
    # Upper arm out to the side, turned outwards so that the forearm points up.
    blend(
        script.arms[index], up, flex=rng.uniform(0.1, 0.5), abduct=rng.uniform(0.9, 1.5), turn=-1.45 + 0.3 * beat,
        elbow=rng.uniform(1.3, 1.8) + beat, pronate=rng.uniform(0.0, 0.4), wrist=0.3 * beat,
    )  # fmt: skip
    script.spine[:, 1] -= sign * 0.06 * up
    script.head[:, 1] += sign * 0.08 * up
    return script


def reach(t: Array, rng: Rng) -> Script:
    """One hand to a point between knee height and overhead, the trunk following."""
    script = stand(t, rng)
    index, sign = pick(script, rng)
    period = rng.uniform(2.0, 3.2)
    for start in np.arange(0.1, max(t[-1], 0.2), period + 0.2):
        share = keys(t, start + period * np.array([0.0, 0.4, 0.55, 1.0]), [0.0, 1.0, 1.0, 0.0])
        height = rng.uniform(0.5, 2.6)  # of the arm: 0.5 low in front, 1.57 level, 2.6 overhead
        blend(
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


def stretch(t: Array, rng: Rng) -> Script:
    """Both arms up overhead, rising on the toes or leaning to the sides."""
    script = stand(t, rng)
    rise = rng.uniform(1.0, 1.5)
    up = pulse(t, rise, max(0.3, t[-1] - 2 * rise - 0.4), 0.2)
    tiptoe = rng.choice([0.0, 1.0]) * rng.uniform(0.2, 0.45)
    aside = rng.uniform(0.0, 0.45) * np.sin(TAU * t / rng.uniform(2.5, 4.0))
    lateral = rng.choice([False, True])
    for arm in script.arms:
        lifted = rng.uniform(2.5, 2.85)
        if lateral:
            blend(arm, up, flex=0.05, abduct=lifted, turn=-0.9, elbow=rng.uniform(0.1, 0.5), pronate=0.2)
        else:
            blend(
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
    script = stand(t, rng, 0.26, 0.36)
    index, sign = pick(script, rng)
    other, lead = 1 - index, rng.uniform(0.2, 0.32)
    script.feet[other].spot[:, 2] += lead / 2
    script.feet[index].spot[:, 2] -= lead / 2
    script.feet[index].yaw = script.feet[index].yaw + sign * 0.35
    tempo = rng.uniform(0.9, 1.2)
    at = rng.uniform(0.2, 0.5) + np.array([0.0, 0.8, 1.15, 1.5, 2.3]) * tempo
    t = np.mod(t, at[-1] + rng.uniform(0.1, 0.6))
    power = rng.uniform(0.7, 1.0)
    wind = keys(t, at, [0.0, -power, power, 1.1 * power, 0.0])
    script.pelvis += wind[:, None] * [0.0, 0.0, 0.4 * lead] + [0.0, -0.05, 0.0]
    script.pelvis_tilt[:, 2] += sign * 0.35 * wind
    script.spine += np.stack([0.25 * np.maximum(wind, -0.5), -sign * 0.1 * wind, sign * 0.5 * wind], -1)
    script.head[:, 2] -= sign * 0.6 * wind
    arm, ups = script.arms[index], [0.0, 1.0, 1.0, 1.0, 0.0]
    share = keys(t, at, ups)
    blend(
        arm, share, flex=keys(t, at, [0.0, 0.05, 0.9, 0.9, 0.2]), abduct=keys(t, at, [0.2, 1.5, 1.3, 0.5, 0.2]),
        turn=keys(t, at, [0.0, -1.3, -0.6, 0.3, 0.0]), elbow=keys(t, at, [0.3, 1.7, 0.5, 0.4, 0.3]),
        pronate=0.5, wrist=keys(t, at, [0.0, -0.4, 0.4, 0.3, 0.0]),
    )  # fmt: skip
    blend(script.arms[other], share, flex=keys(t, at, [0.0, 1.2, 0.2, -0.3, 0.0]), abduct=0.4, elbow=0.5)
    script.feet[index].pitch = -0.5 * np.maximum(wind, 0.0)
    return script


def bow(t: Array, rng: Rng) -> Script:
    """From the hips, arms at the sides or in front, from a nod to a deep bow."""
    script = stand(t, rng, 0.1, 0.26)
    fall = rng.uniform(0.8, 1.3)
    down = pulse(
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


def dance(t: Array, rng: Rng) -> Script:
    """Swaying hips and rolling arms to a beat of 80 to 130 a minute, feet in place, heels lifting."""
    script = stand(t, rng, 0.24, 0.42)
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
        blend(
            arm, ready, flex=0.5 * lifted + 0.25 * np.sin(beat + phase), abduct=0.3 + 0.4 * lifted + 0.2 * np.sin(0.5 * beat + phase),
            turn=0.4 - 0.6 * lifted + 0.3 * np.cos(beat + phase), elbow=1.2 + 0.4 * np.sin(beat + phase + 1), pronate=0.4,
        )  # fmt: skip
    return script


def punch(t: Array, rng: Rng) -> Script:
    """Guard up, left and right straight punches in turn."""
    script = stand(t, rng, 0.28, 0.4)
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
        blend(
            arm, ready, flex=0.75 + 0.7 * out, abduct=0.25 - 0.1 * out, turn=0.35 + 0.35 * out,
            elbow=2.0 - 1.75 * out, pronate=0.2 + 0.9 * out,
        )  # fmt: skip
        script.spine[:, 2] -= sign * 0.4 * out
        script.pelvis_tilt[:, 2] -= sign * 0.15 * out
        script.head[:, 2] += sign * 0.45 * out
    return script


GESTURES = {
    "reach": reach, "wave": wave, "stretch": stretch, "throw": throw, "bow": bow, "dance": dance, "punch": punch,
}  # fmt: skip
