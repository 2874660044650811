"""A trained network as prediction sees it: pictures in, people out. Torch is loaded when one is opened."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from posecorpus.core.shards import file_sha256
from posecorpus.core.skeletons import Skeleton
from posecorpus.models.lcrnet.decode import Detections, Integration


@dataclass(frozen=True, eq=False)
class Model:
    """A network that is ready to look at pictures.

    Attributes:
        name: of the run's folder.
        step: steps it was trained for.
        skeleton: joint set of its poses.
        detect: the people of a picture (H, W, 3), RGB, in its pixels; everybody once.
        digests: sha256 of the run's files by name.
        integration: thresholds by which it decides who is the same person.
    """

    name: str
    step: int
    skeleton: Skeleton
    detect: Callable[[NDArray[np.uint8]], Detections]
    digests: dict[str, str]
    integration: Integration = field(default_factory=Integration)


def open_model(folder: Path, device: str, integration: Integration | None = None) -> Model:
    """The network of a run.

    Args:
        device: ``auto``, ``cpu`` or what torch calls a GPU.
        integration: thresholds of pose proposal integration, if not the paper's.

    Raises:
        InputError: no run there, a file of it is damaged, or there is no such device.
    """
    from posecorpus.models.lcrnet.detect import EVERYBODY_ONCE
    from posecorpus.models.lcrnet.run import ANCHORS, RUN, open_run
    from posecorpus.models.training.checkpoint import path_of

    run = open_run(folder, device)
    thresholds = integration or Integration()
    digests = {name: file_sha256(folder / name) for name in (RUN, ANCHORS)}
    newest = path_of(folder, run.step)
    digests[newest.name] = file_sha256(newest)
    return Model(
        folder.resolve().name,
        run.step,
        run.anchors.skeleton,
        partial(run.detect, settings=replace(EVERYBODY_ONCE, integration=thresholds)),
        digests,
        thresholds,
    )
