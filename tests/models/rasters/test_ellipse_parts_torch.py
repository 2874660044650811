"""The torch rasteriser against the per-pixel oracle and the compiled one."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from posecorpus.core.ellipses import default_constants, plan_shapes
from posecorpus.core.errors import InputError
from posecorpus.core.skeletons import FULL_42, LSP_14, SKELETONS
from posecorpus.models.rasters.ellipse_parts import ellipse_parts
from posecorpus.pseudogt.ellipse_parts.draw import draw_batch

FOLDER = Path(__file__).parents[2] / "pseudogt" / "ellipse_parts"


def _helper(name: str):
    """A module beside the tests of the other rasteriser."""
    spec = importlib.util.spec_from_file_location(f"ellipse_tests_{name}", FOLDER / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


oracle, people = _helper("ellipse_oracle"), _helper("random_people")
HEIGHT, WIDTH = people.SIDES
DEVICES = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]


def in_torch(joints2d, joints3d, plan, height, width, windows, device="cpu"):
    """Part ids and instances as numpy arrays."""
    lifted = None if joints3d is None else torch.as_tensor(joints3d, device=device)
    boxes = None if windows is None else torch.as_tensor(windows, device=device)
    drawn = ellipse_parts(torch.as_tensor(joints2d, device=device), lifted, plan, height, width, boxes)
    return [raster.cpu().numpy() for raster in drawn]


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("depth", [True, False])
@pytest.mark.parametrize("skeleton", SKELETONS.values(), ids=lambda s: s.name)
def test_masks_equal_the_oracle(skeleton, depth, device):
    taxonomy = ("h36m_25", "surreal_14")[len(skeleton) % 2]
    constants = default_constants(taxonomy)
    joints2d, joints3d = people.random_people(np.random.default_rng([7, depth]), skeleton, images=4, count=3)
    lifted = joints3d if depth else None
    windows = np.array([[0.0, 0, WIDTH, HEIGHT], [5, 5, 30, 40], [-30, -20, 90, 80], [20, 10, 21, 12]])
    parts, instances = in_torch(joints2d, lifted, plan_shapes(constants, skeleton), 33, 41, windows, device)
    for n in range(4):
        one = None if lifted is None else lifted[n]
        true_parts, true_instances, ties = oracle.draw(
            joints2d[n], one, skeleton, constants, 33, 41, windows[n]
        )
        wrong = ((parts[n] != true_parts) | (instances[n] != true_instances)) & ~ties
        assert not wrong.any()
        assert ties.mean() < 0.01


@pytest.mark.parametrize("device", DEVICES)
def test_many_people_equal_the_compiled_rasteriser(device):
    joints2d, joints3d = people.random_people(np.random.default_rng(2), FULL_42, images=20, count=6)
    i = FULL_42.index
    joints2d[0, 0] = 20.0  # everything on one point
    joints2d[1, 0, i("l_knee")] = joints2d[1, 0, i("l_hip_lsp")]
    joints2d[2, 0] *= 1e5
    joints2d[3, 0] *= 1e-3
    joints2d[4, 0] *= 1e30
    joints2d[5, 0, i("neck")] = np.inf
    joints3d[6, 0] = 1.0
    joints2d[7] = joints2d[7, :1]  # six times the same person, at equal depth
    joints3d[7] = joints3d[7, :1]
    plan = plan_shapes(default_constants("h36m_25"), FULL_42)
    for lifted in (joints3d, None):
        expected = draw_batch(joints2d, lifted, plan, HEIGHT, WIDTH)
        drawn = in_torch(joints2d, lifted, plan, HEIGHT, WIDTH, None, device)
        for a, b in zip(drawn, expected, strict=True):
            assert b.any() and a.dtype == np.uint8
            assert (a != b).mean() < 1e-4  # ties


def test_nobody_and_single_precision_inputs():
    plan = plan_shapes(default_constants("h36m_25"), LSP_14)
    nobody = torch.full((2, 3, 14, 2), torch.nan)
    assert not ellipse_parts(nobody, None, plan, 8, 9)[0].any()
    assert ellipse_parts(nobody[:0], None, plan, 8, 9)[1].shape == (0, 8, 9)
    assert not ellipse_parts(nobody[:, :0], None, plan, 8, 9)[0].any()
    joints2d, joints3d = people.random_people(np.random.default_rng(4), LSP_14, images=2, count=1)
    a, z = (torch.as_tensor(v, dtype=torch.float32).requires_grad_() for v in (joints2d, joints3d))
    drawn = ellipse_parts(a, z, plan, HEIGHT, WIDTH)
    expected = draw_batch(a.detach().numpy(), z.detach().numpy(), plan, HEIGHT, WIDTH)
    for got, want in zip(drawn, expected, strict=True):
        assert not got.requires_grad
        assert (got.numpy() != want).mean() < 1e-3


@pytest.mark.parametrize(
    ("shape2d", "shape3d"),
    [((2, 14, 2), None), ((2, 1, 13, 2), None), ((1, 256, 14, 2), None), ((2, 1, 14, 2), (2, 1, 14, 2))],
)
def test_joints_that_do_not_fit_are_refused(shape2d, shape3d):
    plan = plan_shapes(default_constants("h36m_25"), LSP_14)
    with pytest.raises(InputError, match="ellipses"):
        ellipse_parts(torch.zeros(shape2d), torch.zeros(shape3d) if shape3d else None, plan, 8, 9)
