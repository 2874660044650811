"""Part masks that the manifest says are ellipses, drawn again from the people's joints and compared."""

from __future__ import annotations

import json
from functools import lru_cache

import numpy as np

from posecorpus.core.ellipses import EllipseConstants, constants_from_json
from posecorpus.core.errors import InputError
from posecorpus.inspect.verify.joints import Messages
from posecorpus.inspect.verify.subject import Subject
from posecorpus.pseudogt.ellipse_parts.draw import draw_sample


def check_ellipses(subject: Subject) -> Messages:
    """Every pixel has the part that the manifest's constants draw there from the sample's joints.

    So are instances, where they cover just the drawn parts; others are of another source, and kept.
    """
    sample = subject.sample
    if not subject.parts_drawn or sample.parts is None:
        return None
    try:
        constants = _constants(json.dumps(subject.configuration.get("ellipses"), sort_keys=True))
        parts, instances = draw_sample(sample.people, sample.width, sample.height, constants)
    except InputError as error:
        return [f"ellipses cannot be drawn again: {error}"]
    if subject.taxonomy is not None and subject.taxonomy.name != constants.taxonomy:
        return [f"ellipses of {constants.taxonomy} in a corpus of {subject.taxonomy.name}"]
    wrong = sample.parts != parts
    messages = []
    if wrong.any():
        y, x = np.argwhere(wrong)[0].tolist()
        legend = constants.parts.legend
        stored, drawn = int(sample.parts[y, x]), int(parts[y, x])
        messages.append(
            f"{wrong.sum()} pixels are not the ellipses of the joints; first at ({x}, {y}): "
            f"{legend.get(stored, stored)}, should be {legend[drawn]}"
        )
    if sample.instances is not None and ((sample.instances > 0) == (parts > 0)).all():
        swapped = sample.instances != instances
        if swapped.any():
            y, x = np.argwhere(swapped)[0].tolist()
            messages.append(
                f"{swapped.sum()} pixels are another person's than the ellipses', first at ({x}, {y})"
            )
    return messages


@lru_cache(maxsize=4)
def _constants(raw: str) -> EllipseConstants:
    return constants_from_json(json.loads(raw), "manifest: ellipses")
