"""Parameters and memory of LCR-Net's presets.

    python benchmarks/lcrnet_sizes.py [--classes 400] [--joints 13] [--images N]

No claim: the figures of the table in docs/lcrnet.md. Networks are made on PyTorch's ``meta`` device, which knows
shapes and does no work, and every tensor that lives at a time is counted: weights, then also what a picture of the
preset's frame leaves while it is looked at, or what a step of training with its own batch and optimiser does
(activations, gradients, momenta). Boxes are as many as there are at most. What libraries and the allocator need
beside tensors comes on top. ``tiny`` is also counted at work on the CPU, as a check.
"""

from __future__ import annotations

import argparse
import weakref
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from posecorpus.models.backbones.base import STRIDE
from posecorpus.models.lcrnet.network import LCRNet
from posecorpus.models.lcrnet.params import PRESETS, LCRNetParams
from posecorpus.models.lcrnet.train import TRAINING
from posecorpus.models.training.params import TrainParams
from posecorpus.models.training.schedule import make_optimiser

GB = 1e9


class Living(TorchDispatchMode):
    """Counts bytes of a network, and of tensors that are made within, and knows the most there were at a time."""

    def __init__(self, net: LCRNet) -> None:
        super().__init__()
        self.bytes, self.most = 0, 0
        self._known: weakref.WeakSet[torch.UntypedStorage] = weakref.WeakSet()
        for value in (*net.parameters(), *net.buffers()):
            self._count(value.untyped_storage())

    def __torch_dispatch__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        if func is torch.ops.aten._sparse_addmm.default and args[1].is_meta:
            found = args[2].new_empty(args[1].shape[0], args[2].shape[1])  # RoIAlign's way back; meta cannot
        else:
            found = func(*args, **(kwargs or {}))
        for value in tree_leaves(found):
            if isinstance(value, Tensor) and value.layout == torch.strided:
                self._count(value.untyped_storage())
        return found

    def _count(self, storage: torch.UntypedStorage) -> None:
        if storage not in self._known:
            self._known.add(storage)
            self.bytes += storage.nbytes()
            self.most = max(self.most, self.bytes)
            weakref.finalize(storage, self._forget, storage.nbytes())

    def _forget(self, size: int) -> None:
        self.bytes -= size


def looked_at(net: LCRNet, device: str, images: int, boxes: int) -> Tensor:
    """A number that depends on all that is thought of pictures and of boxes in them."""
    height, width = (-(-side // STRIDE) * STRIDE for side in net.params.frame)
    maps = net.maps(torch.zeros(images, 3, height, width, device=device))
    logits, offsets = net.rpn(maps)
    where = torch.tensor([8.0, 8.0, 200.0, 200.0], device=device).expand(images * boxes, 4)
    image = torch.zeros(len(where), dtype=torch.int64, device=device)
    total = logits.square().sum() + offsets.square().sum()
    for estimate in net.estimates(maps, where, image):
        rows = torch.arange(len(where), device=device)
        total = total + estimate.logits.logsumexp(1).sum() + estimate.poses[rows, image].square().sum()
    return total


def looking(net: LCRNet, device: str) -> int:
    """Bytes, at most, while a picture is looked at."""
    with torch.no_grad(), Living(net) as living:
        looked_at(net, device, 1, net.params.rpn.after)
    return living.most


def learning(net: LCRNet, device: str, params: TrainParams) -> int:
    """Bytes, at most, in two steps of training."""
    with Living(net) as living:
        optimise = make_optimiser(net, params)
        for _ in range(2):
            optimise.zero_grad()
            looked_at(net, device, params.images, net.params.boxes).backward()  # type: ignore[no-untyped-call]
            optimise.step()
    return living.most


def figures(name: str, params: LCRNetParams, options: argparse.Namespace, device: str) -> str:
    """A row of the table."""
    with torch.device(device):
        net = LCRNet(params, options.classes, options.joints)
    weights = sum(p.numel() for p in net.parameters())
    backbone = sum(p.numel() for p in net.backbone.parameters())
    training = TRAINING[name]
    if options.images:
        training = replace(training, images=options.images)
    seen, taught = looking(net, device), learning(net, device, training)
    return (
        f"| `{name}` | {weights / 1e6:.1f} M, {backbone / 1e6:.1f} M of them the backbone's | {4 * weights / GB:.2f} GB | "
        f"{seen / GB:.2f} GB | {taught / GB:.2f} GB ({training.images} x {params.boxes} boxes, {training.optimiser}) |"
    )


def main() -> None:
    """Count and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--classes", type=int, default=400)
    parser.add_argument("--joints", type=int, default=13)
    parser.add_argument("--images", type=int, default=0, help="of a step; as the preset has it if 0")
    options = parser.parse_args()
    print("| preset | parameters | weights | looking at a picture | a step of training |")
    print("| --- | --- | --- | --- | --- |")
    for name, params in PRESETS.items():
        print(figures(name, params, options, "meta"), flush=True)
    print("tiny at work on the CPU:", figures("tiny", PRESETS["tiny"], options, "cpu"))


if __name__ == "__main__":
    main()
