"""A motion of the reference body on a body of another shape."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from posecorpus.synth.bodies.model import BodyModel
from posecorpus.synth.measures import measure, reference
from posecorpus.synth.motion import BodyMotion


def place(motion: BodyMotion, body: BodyModel, betas: ArrayLike) -> NDArray[np.float32]:
    """(T, 3) SMPL translations, metres, that put a body of that shape where the motion has the reference body.

    Ways over the ground and heights over the ankle scale with the leg; the foot under the ankle keeps its own
    height. So feet on the floor y = 0 stay on it. SMPL adds the translation to its vertices, whose pelvis
    joint is off the origin, hence the difference to the pelvis's position.

    Args:
        motion: for the reference body.
        body: any body.
        betas: (B,) its shape.
    """
    target, source = measure(body, betas), reference()
    leg = target.standing_height - target.ankle_height
    scale = leg / (source.standing_height - source.ankle_height)
    pelvis = scale * motion.translations.astype(np.float64)
    pelvis[:, 1] += target.ankle_height - scale * source.ankle_height
    translations: NDArray[np.float32] = (pelvis - target.joints[0]).astype(np.float32)
    return translations
