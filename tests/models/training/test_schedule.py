"""Parameters, learning rates, optimisers."""

from __future__ import annotations

import json
from typing import Any

import pytest
import toy_task as toy
from torch import nn, optim

from posecorpus.core.errors import InputError
from posecorpus.models.training.params import TrainParams
from posecorpus.models.training.schedule import learning_rate, make_optimiser


@pytest.mark.parametrize(
    ("params", "rates"),
    [
        (  # VGG-16: 300k steps at 1e-3, 200k at 1e-4 (section 4.1)
            TrainParams(500_000),
            {0: 1e-3, 299_999: 1e-3, 300_000: 1e-4, 499_999: 1e-4},
        ),
        (  # ResNet-50: 1.8M at 1e-3, .6M at 1e-4, .3M at 1e-5
            TrainParams(2_700_000, drops=((2 / 3, 0.1), (8 / 9, 0.1))),
            {1_799_999: 1e-3, 1_800_000: 1e-4, 2_399_999: 1e-4, 2_400_000: 1e-5, 2_699_999: 1e-5},
        ),
        (
            TrainParams(100, warmup_steps=4, drops=((0.02, 0.5),)),
            {0: 0.2e-3, 1: 0.4e-3, 2: 0.3e-3, 3: 0.4e-3, 4: 0.5e-3, 99: 0.5e-3},
        ),
    ],
)
def test_learning_rates_of_the_paper(params: TrainParams, rates: dict[int, float]) -> None:
    assert {step: learning_rate(step, params) for step in rates} == pytest.approx(rates)


def test_what_decays_and_what_is_learned_at_all() -> None:
    network = nn.Sequential(
        nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Linear(4, 5), nn.LayerNorm(5), nn.Linear(5, 1)
    )
    network[4].requires_grad_(False)
    for name in ("sgd", "adamw"):
        optimiser = make_optimiser(network, TrainParams(9, optimiser=name, weight_decay=0.125, momentum=0.75))
        decays = {id(p): group["weight_decay"] for group in optimiser.param_groups for p in group["params"]}
        found = {name: decays.get(id(p)) for name, p in network.named_parameters()}
        assert found == {
            "0.weight": 0.125, "0.bias": 0.0, "1.weight": 0.0, "1.bias": 0.0, "2.weight": 0.125, "2.bias": 0.0,
            "3.weight": 0.0, "3.bias": 0.0, "4.weight": None, "4.bias": None,
        }  # fmt: skip
        for group in optimiser.param_groups:
            assert group["momentum"] == 0.75 if name == "sgd" else group["betas"] == (0.75, 0.999)
        assert type(optimiser) is (optim.SGD if name == "sgd" else optim.AdamW)


@pytest.mark.parametrize(
    "wrong",
    [
        {"steps": 0}, {"images": 0}, {"optimiser": "lion"}, {"learning_rate": 0.0}, {"learning_rate": float("nan")},
        {"drops": ((0.5, 0.1), (0.2, 0.1))}, {"drops": ((1.0, 0.1),)}, {"drops": ((0.5, 0.0),)}, {"warmup_steps": -1},
        {"momentum": 1.0}, {"weight_decay": -1.0}, {"clip_norm": 0.0}, {"precision": "fp8"}, {"seed": -1},
        {"log_every": 0}, {"checkpoint_every": 0}, {"preview_every": -1}, {"workers": -1},
    ],
)  # fmt: skip
def test_wrong_parameters_are_named(wrong: dict[str, Any]) -> None:
    with pytest.raises(InputError, match=f"^{next(iter(wrong))}: "):
        TrainParams(**({"steps": 10} | wrong))


def test_plain_parameters_survive_json() -> None:
    params = toy.params(7, drops=((0.25, 0.5), (0.75, 0.1)))
    plain = json.loads(json.dumps(params.plain()))
    assert plain == params.plain()
    assert TrainParams(**(plain | {"drops": tuple(map(tuple, plain["drops"]))})) == params
