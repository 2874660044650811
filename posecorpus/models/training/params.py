"""How a network is trained: the same few numbers for every model."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Literal

from posecorpus.core.errors import InputError

Plain = dict[str, int | float | str | list[list[float]] | None]
"""Parameters as JSON has them."""


@dataclass(frozen=True)
class TrainParams:
    """What :func:`~posecorpus.models.training.loop.train` goes by; by default as LCR-Net++ with VGG-16 (section 4.1).

    Attributes:
        steps: of the optimiser, from the first to the last, over all the runs that continue each other.
        images: of a batch of one process.
        optimiser: SGD with momentum, the paper's, or AdamW, for small networks that start from nothing.
        learning_rate: after the warm-up and before the first drop.
        drops: (share of the steps after which the learning rate is multiplied, factor) each. ResNet-50 in the paper:
            ``((2 / 3, 0.1), (8 / 9, 0.1))``.
        warmup_steps: over which the learning rate grows linearly.
        momentum: of SGD; AdamW's first beta.
        weight_decay: not on biases and norms. 5e-4 as Faster R-CNN.
        clip_norm: of all gradients as one vector; None for no limit.
        precision: of products and convolutions; parameters and losses stay float32. fp16 needs a GPU.
        seed: of all that training draws.
        log_every, checkpoint_every, preview_every: in steps; 0 previews for none.
        workers: processes that make batches; 0 for this one.
    """

    steps: int
    images: int = 8
    optimiser: Literal["sgd", "adamw"] = "sgd"
    learning_rate: float = 1e-3
    drops: tuple[tuple[float, float], ...] = ((0.6, 0.1),)
    warmup_steps: int = 0
    momentum: float = 0.9
    weight_decay: float = 5e-4
    clip_norm: float | None = 10.0
    precision: Literal["no", "bf16", "fp16"] = "no"
    seed: int = 0
    log_every: int = 20
    checkpoint_every: int = 1000
    preview_every: int = 0
    workers: int = 0

    def __post_init__(self) -> None:
        for name in ("steps", "images", "log_every", "checkpoint_every"):
            _check(name, "a whole number of at least 1", getattr(self, name), getattr(self, name) >= 1)
        for name in ("warmup_steps", "seed", "preview_every", "workers"):
            _check(name, "a whole number of at least 0", getattr(self, name), getattr(self, name) >= 0)
        _check("optimiser", "sgd or adamw", self.optimiser, self.optimiser in ("sgd", "adamw"))
        _check("precision", "no, bf16 or fp16", self.precision, self.precision in ("no", "bf16", "fp16"))
        rate, clip = self.learning_rate, self.clip_norm
        _check("learning_rate", "a number above 0", rate, math.isfinite(rate) and rate > 0)
        _check("momentum", "at least 0 and less than 1", self.momentum, 0 <= self.momentum < 1)
        _check("weight_decay", "at least 0", self.weight_decay, 0 <= self.weight_decay < math.inf)
        _check("clip_norm", "a number above 0, or none", clip, clip is None or clip > 0)
        shares, factors = [share for share, _ in self.drops], [factor for _, factor in self.drops]
        rising = shares == sorted(shares) and all(0 < share < 1 for share in shares)
        _check("drops", "rising shares between 0 and 1", shares, rising)
        _check("drops", "factors above 0", factors, all(0 < factor < math.inf for factor in factors))

    def plain(self) -> Plain:
        """As a dictionary that JSON can hold."""
        return asdict(self) | {"drops": [list(drop) for drop in self.drops]}

    def check_continues(self, earlier: Mapping[str, object], done: int, where: object) -> None:
        """See that training with these parameters can go on where one with ``earlier`` ones stopped.

        The seed decides which pictures come in which order, and the optimiser what its memory means: those must stay.
        All else may change. The learning rate is a function of the step and of ``steps``: with more steps the drops
        come later, so that a learning rate which has dropped may rise again. With another number of images or of
        processes some pictures come again or not at all in the epoch at hand.

        Args:
            earlier: of :meth:`plain`.
            done: steps so far.
            where: to name in errors.

        Raises:
            InputError: naming the first difference that matters.
        """
        for name in ("seed", "optimiser"):
            was, now = earlier.get(name), getattr(self, name)
            if was != now:
                raise InputError(
                    where, f"{name} {now}", f"training with {name} {was}", "choose another folder"
                )
        if done > self.steps:
            raise InputError(where, f"at most {self.steps:,} steps", f"{done:,} done", "ask for more steps")


def _check(name: str, expected: str, got: object, good: bool) -> None:
    if not good:
        raise InputError(name, expected, got)
