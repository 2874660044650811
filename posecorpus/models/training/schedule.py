"""The learning rate at each step, and the optimiser it is for."""

from __future__ import annotations

from torch import nn, optim

from posecorpus.models.training.params import TrainParams


def learning_rate(step: int, params: TrainParams) -> float:
    """Of step 0 to ``params.steps - 1``: a function of these alone, so that nothing needs to be remembered.

    LCR-Net++ section 4.1: VGG-16 300k steps at 1e-3 and 200k at 1e-4; ResNet-50 1.8M, .6M and .3M down to 1e-5.
    """
    rate = params.learning_rate
    for share, factor in params.drops:
        if step >= round(share * params.steps):
            rate *= factor
    return rate * min(1.0, (step + 1) / (params.warmup_steps + 1))


def make_optimiser(network: nn.Module, params: TrainParams) -> optim.Optimizer:
    """An optimiser of the parameters that require a gradient; biases and norms, all vectors, do not decay."""
    learned = [p for p in network.parameters() if p.requires_grad]
    groups = [
        {"params": [p for p in learned if p.ndim > 1], "weight_decay": params.weight_decay},
        {"params": [p for p in learned if p.ndim <= 1], "weight_decay": 0.0},
    ]
    groups = [group for group in groups if group["params"]]
    if params.optimiser == "sgd":
        return optim.SGD(groups, lr=params.learning_rate, momentum=params.momentum)
    return optim.AdamW(groups, lr=params.learning_rate, betas=(params.momentum, 0.999))
