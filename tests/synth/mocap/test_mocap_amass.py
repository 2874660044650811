"""AMASS: the layouts of its joints, and the turn from Z up to Y up held to rotating the joints themselves."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.transform import Rotation
from test_mocap_broken import npz

from posecorpus.synth.mocap.amass import PELVIS_M, read_amass
from posecorpus.synth.mocap.units import Reading


@pytest.mark.parametrize(("count", "kept"), [(22, 22), (24, 24), (52, 22), (55, 22)])
@pytest.mark.parametrize("key", ["mocap_framerate", "mocap_frame_rate"])
def test_layouts(count: int, kept: int, key: str) -> None:
    rng = np.random.default_rng(count)
    poses, trans = rng.normal(0, 1, (5, 3 * count)), rng.normal(0, 1, (5, 3))
    motion = read_amass(npz(poses=poses, trans=trans, **{key: np.array(59.94)}), "f.npz", "f", "s", Reading())
    assert motion is not None and motion.fps == pytest.approx(59.94)
    np.testing.assert_allclose(motion.poses[:, 1:kept].reshape(5, -1), poses[:, 3 : 3 * kept], atol=1e-6)
    assert not motion.poses[:, kept:].any()
    assert motion.poses.shape == (5, 24, 3) and motion.poses.dtype == np.float32


def test_the_world_is_turned_as_a_whole() -> None:
    """A point fixed to the body: posed in the Z-up world and then turned, or posed in the Y-up world."""
    rng = np.random.default_rng(0)
    poses, trans = np.zeros((6, 66)), rng.normal(0, 2, (6, 3))
    poses[:, :3] = rng.normal(0, 2, (6, 3))
    motion = read_amass(npz(poses=poses, trans=trans, mocap_framerate=60), "f.npz", "f", "s", Reading())
    assert motion is not None
    for point in (np.zeros(3), np.array([0.3, 0.8, -0.2])):
        z_up = Rotation.from_rotvec(poses[:, :3]).apply(point) + PELVIS_M + trans
        turned = np.stack([z_up[:, 0], z_up[:, 2], -z_up[:, 1]], axis=1)
        y_up = Rotation.from_rotvec(motion.poses[:, 0]).apply(point) + motion.translations
        np.testing.assert_allclose(y_up, turned, atol=1e-5)


def test_someone_who_stands_in_z_up_stands_in_y_up() -> None:
    poses = np.zeros((2, 156))
    poses[:, 0] = np.pi / 2  # AMASS bodies at rest: SMPL's +Y turned to the world's +Z
    motion = read_amass(
        npz(poses=poses, trans=np.full((2, 3), (1, 2, 0.9)), mocap_framerate=60), "f", "f", "s", Reading()
    )
    assert motion is not None
    np.testing.assert_allclose(motion.poses[:, 0], 0, atol=1e-6)
    np.testing.assert_allclose(
        motion.translations[0], (1 + PELVIS_M[0], 0.9 + PELVIS_M[2], -2 - PELVIS_M[1]), atol=1e-6
    )


def test_shapes_without_a_motion_are_passed_over() -> None:
    assert read_amass(npz(betas=np.zeros(16), gender=np.array("male")), "f", "f", "s", Reading()) is None
