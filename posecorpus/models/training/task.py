"""What the training loop asks of a model."""

from __future__ import annotations

from typing import Protocol, TypeVar

import torch
from torch import Tensor, nn

Batch = TypeVar("Batch", contravariant=True)
"""Tensors, in tuples, lists and dictionaries of any depth, or an object with a method ``to(device)``.

The loop moves it to the device; whatever else is in it stays as it is.
"""


class Task(Protocol[Batch]):
    """A network and what it is to minimise; no module itself, it only holds one.

    ``losses`` may call any methods of the network, not just ``forward``: see :class:`LossOf`.
    """

    @property
    def network(self) -> nn.Module:
        """What learns: those of its parameters that require a gradient when training starts."""

    def losses(self, batch: Batch, random: torch.Generator) -> dict[str, Tensor]:
        """Scalars whose sum is minimised, by the names that logs give them.

        Args:
            batch: on the network's device.
            random: of the CPU, for all that is drawn; seeded anew at each step.

        Returns:
            the same names, in the same order, whatever the batch: 0, which need not depend on the network, where
            the batch lacks the labels. Each is a mean over the batch, so that the mean over processes is one, too.
        """


class LossOf(nn.Module):
    """The losses of a task as a module's ``forward``.

    DDP averages the gradients of what its module's ``forward`` computes, and autocast acts inside it. With the losses in
    it, a task's network can be used in any way.
    """

    def __init__(self, task: Task[Batch]) -> None:
        super().__init__()
        self.network = task.network
        self._losses = task.losses

    def forward(self, batch: object, random: torch.Generator) -> dict[str, Tensor]:
        """``task.losses(batch, random)`` in float32, of which at least one depends on the network."""
        some = next(p for p in self.network.parameters() if p.requires_grad)
        found = self._losses(batch, random)  # type: ignore[arg-type]  # DDP passes on what it is given
        losses = {name: loss.to(some.device, torch.float32) for name, loss in found.items()}
        if not any(loss.requires_grad for loss in losses.values()):
            # A batch without labels. Other processes wait for the gradients of this one, which are zero.
            name, loss = next(iter(losses.items()))
            losses[name] = loss + 0.0 * some.flatten()[0]
        return losses
