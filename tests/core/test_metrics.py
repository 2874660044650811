"""Each metric against a case worked out by hand, and the properties that define it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize
from scipy.spatial.transform import Rotation

from posecorpus.core import metrics
from posecorpus.core.errors import InputError
from posecorpus.core.skeletons import COCO_17, H36M_17, LCR_13, MPII_16

NAN = float("nan")


def poses(seed: int, count: int = 3, joints: int = 17) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 0.4, (count, joints, 3))


seeds = st.integers(0, 2**32 - 1)


def test_mpjpe_by_hand() -> None:
    truth = np.array([[[0, 0, 0], [1, 1, 1], [2, 2, 2.0]]])
    predicted = truth + [[[3, 4, 0], [0, 0, 1], [0, 0, 0]]]
    assert metrics.joint_errors(predicted, truth).tolist() == [[5, 1, 0]]
    assert metrics.mpjpe(predicted, truth) == 2


def test_unlabelled_joints_count_for_nothing() -> None:
    truth = np.array([[[0, 0, 0], [NAN, 0, 0], [2, 2, 2.0]]])
    predicted = np.array([[[0, 0, 3], [9, 9, 9], [NAN, 2, 2.0]]])
    assert metrics.mpjpe(predicted, truth) == 3
    nothing = np.full_like(truth, NAN)
    assert np.isnan(metrics.mpjpe(predicted, nothing))
    assert np.isnan(metrics.pa_mpjpe(predicted, nothing))
    assert np.isnan(metrics.pck3d(predicted, nothing).total)


def test_root_and_torso_alignment_by_hand() -> None:
    truth = poses(0)
    predicted = truth + [5.0, -3.0, 8.0]
    assert metrics.root_aligned_mpjpe(predicted, truth, H36M_17) == pytest.approx(0, abs=1e-12)
    predicted[:, H36M_17.index("l_hip")] += [0.4, 0, 0]
    # Of 17 joints one is off by 400 mm; the torso centre takes a quarter of the shift with it.
    assert metrics.root_aligned_mpjpe(predicted, truth, H36M_17) == pytest.approx(0.4 / 17)
    assert metrics.torso_aligned_mpjpe(predicted, truth, H36M_17) == pytest.approx((0.3 + 16 * 0.1) / 17)


def test_root_is_the_middle_of_the_hips_where_there_is_no_pelvis() -> None:
    joints = poses(1, joints=13)
    hips = joints[:, [4, 5]].mean(1, keepdims=True)
    np.testing.assert_allclose(metrics.centre_on_root(joints, LCR_13), joints - hips)
    torso = joints[:, [4, 5, 10, 11]].mean(1, keepdims=True)
    np.testing.assert_allclose(metrics.centre_on_torso(joints, LCR_13), joints - torso)


@given(seeds, st.floats(0.1, 10))
@settings(max_examples=25, deadline=None)
def test_n_mpjpe_ignores_scale_and_place_and_is_no_worse_than_any_scale(seed: int, scale: float) -> None:
    truth = poses(seed)
    assert metrics.n_mpjpe(truth * scale + 7, truth, H36M_17) == pytest.approx(0, abs=1e-9)
    noisy = truth + poses(seed ^ 1) * 0.1
    expected = metrics.n_mpjpe(noisy, truth, H36M_17)
    assert metrics.n_mpjpe(noisy * scale, truth, H36M_17) == pytest.approx(expected)


def test_n_mpjpe_scale_by_hand() -> None:
    truth, predicted = np.zeros((1, 17, 3)), np.zeros((1, 17, 3))
    truth[0, 3], truth[0, 5] = [2, 0, 0], [0, 2, 0]
    predicted[0, 3], predicted[0, 5] = [1, 0, 0], [0, 3, 0]
    # scale = (1*2 + 3*2) / (1 + 9) = 0.8, leaving |0.8 - 2| and |2.4 - 2|.
    assert metrics.n_mpjpe(predicted, truth, H36M_17) == pytest.approx((1.2 + 0.4) / 17)


@given(seeds, st.floats(0.05, 20))
@settings(max_examples=25, deadline=None)
def test_pa_mpjpe_is_invariant_under_similarities(seed: int, scale: float) -> None:
    rng = np.random.default_rng(seed)
    truth = poses(seed)
    turned = scale * truth @ Rotation.random(random_state=rng).as_matrix().T + rng.normal(size=3)
    assert metrics.pa_mpjpe(turned, truth) == pytest.approx(0, abs=1e-9)
    noisy = truth + rng.normal(0, 0.1, truth.shape)
    turned = scale * noisy @ Rotation.random(random_state=rng).as_matrix().T + rng.normal(size=3)
    assert metrics.pa_mpjpe(turned, truth) == pytest.approx(metrics.pa_mpjpe(noisy, truth))


def test_procrustes_finds_the_least_squares_similarity() -> None:
    """Oracle: a numerical search over scale, rotation and shift does no better."""
    truth, predicted = poses(3, 1), poses(4, 1)

    def loss(x: np.ndarray) -> float:
        moved = np.exp(x[0]) * predicted[0] @ Rotation.from_rotvec(x[1:4]).as_matrix().T + x[4:]
        return float(((moved - truth[0]) ** 2).sum())

    starts = [np.concatenate([[-2], turn, np.zeros(3)]) for turn in np.vstack([np.eye(3), -np.eye(3)]) * 2]
    best = min(minimize(loss, x0).fun for x0 in starts)
    ours = float(((metrics.procrustes(predicted, truth) - truth) ** 2).sum())
    assert ours == pytest.approx(best, rel=1e-4)


def test_procrustes_forbids_reflection() -> None:
    truth = poses(5)
    mirrored = truth * [-1, 1, 1]
    assert metrics.pa_mpjpe(mirrored, truth) > 0.05
    # The aligned pose keeps the prediction's handedness.
    a, b = metrics.procrustes(mirrored, truth)[0], mirrored[0]
    assert np.sign(np.linalg.det(a[1:4] - a[0])) == np.sign(np.linalg.det(b[1:4] - b[0]))


def test_procrustes_uses_only_joints_that_both_have() -> None:
    truth = poses(6)
    turned = 2 * truth @ Rotation.from_rotvec([0.3, 1, -0.2]).as_matrix().T + 1
    turned[0, 4], truth[1, 7, 2] = NAN, NAN
    aligned = metrics.procrustes(turned, truth)
    missing = np.isnan(aligned).any(-1)
    assert np.argwhere(missing).tolist() == [[0, 4], [1, 7]]
    np.testing.assert_allclose(aligned[~missing], truth[~missing], atol=1e-12)
    truth[2, 2:] = NAN  # two joints fit any answer
    assert np.isnan(metrics.procrustes(turned, truth)[2]).all()


def test_procrustes_of_a_collapsed_prediction_is_the_mean() -> None:
    truth = poses(7, 1)
    aligned = metrics.procrustes(np.ones_like(truth), truth)
    np.testing.assert_allclose(aligned, np.broadcast_to(truth.mean(1, keepdims=True), truth.shape))


def test_pck_by_hand() -> None:
    truth = np.zeros((4, 2, 2))
    predicted = np.zeros((4, 2, 2))
    predicted[:, 0, 0] = [1, 2, 3, 4]  # joint 0 off by 1..4, joint 1 exact
    truth[3, 1] = NAN
    predicted[2, 1] = NAN  # a joint the prediction lacks is a miss
    result = metrics.pck(predicted, truth, 2)
    np.testing.assert_allclose(result.per_joint, [0.5, 2 / 3])
    assert result.total == pytest.approx(4 / 7)
    by_pose = metrics.pck(predicted, truth, [1, 1, 1, NAN])
    np.testing.assert_allclose(by_pose.per_joint, [1 / 3, 2 / 3])


@given(seeds, st.floats(0, 0.5), st.floats(0, 0.5))
@settings(max_examples=25, deadline=None)
def test_pck_grows_with_the_threshold(seed: int, a: float, b: float) -> None:
    predicted, truth = poses(seed), poses(seed + 1)
    low, high = sorted([a, b])
    assert metrics.pck3d(predicted, truth, low).total <= metrics.pck3d(predicted, truth, high).total


def test_pckh_by_hand() -> None:
    assert metrics.head_size([[10, 10, 40, 50]]).tolist() == [30]  # 0.6 * 50
    truth = np.zeros((2, 16, 2))
    predicted = np.zeros((2, 16, 2))
    for joint, error in (("r_ankle", 15.0), ("l_wrist", 15.01), ("pelvis", 99.0), ("thorax", 99.0)):
        predicted[:, MPII_16.index(joint), 1] = error
    result = metrics.pckh(predicted, truth, [30, 0], MPII_16)  # the second person has no head size
    assert np.isnan(result.per_joint[[6, 7]]).all()
    assert result.per_joint[MPII_16.index("r_ankle")] == 1
    assert result.per_joint[MPII_16.index("l_wrist")] == 0
    assert result.total == pytest.approx(13 / 14)


def test_3dpck_and_auc_by_hand() -> None:
    truth = np.zeros((1, 3, 3))
    predicted = np.zeros((1, 3, 3))
    predicted[0, :, 2] = [0, 0.0749, 0.2]
    assert metrics.pck3d(predicted, truth).total == pytest.approx(2 / 3)
    # 31 thresholds 0, 5, ..., 150 mm: the first joint passes all, the second those from 75 mm (16), the third none.
    assert metrics.auc3d(predicted, truth) == pytest.approx((31 + 16 + 0) / 31 / 3)
    assert metrics.auc3d(truth, truth) == 1


def test_part_iou_is_pooled_over_the_set_and_leaves_the_background_out() -> None:
    truth = [np.array([[1, 1, 0, 0]]), np.array([[1, 2, 2, 2]])]
    predicted = [np.array([[1, 0, 0, 1]]), np.array([[1, 2, 2, 1]])]
    confusion = sum(metrics.part_confusion(p, t, 4) for p, t in zip(predicted, truth, strict=True))
    assert np.diag(confusion).tolist() == [1, 2, 2, 0]
    iou = metrics.part_iou(confusion)
    # Part 1: 2 hits, 3 true + 4 predicted - 2; part 2: 2 hits, 3 true; part 3 never occurs.
    np.testing.assert_allclose(iou, [NAN, 2 / 5, 2 / 3, NAN])
    assert metrics.mean_part_iou(confusion) == pytest.approx((2 / 5 + 2 / 3) / 2)
    assert metrics.pixel_accuracy(confusion) == pytest.approx(4 / 6)
    per_image = np.mean([1 / 3, np.mean([1 / 2, 2 / 3])])
    assert metrics.mean_part_iou(confusion) != pytest.approx(per_image)


@given(seeds)
@settings(max_examples=20, deadline=None)
def test_part_metrics_match_brute_force(seed: int) -> None:
    rng = np.random.default_rng(seed)
    truth, predicted = rng.integers(0, 5, (2, 6, 7))
    mask = rng.random((6, 7)) < 0.7
    confusion = metrics.part_confusion(predicted, truth, 5, mask)
    for i in range(1, 5):
        union = (((truth == i) | (predicted == i)) & mask).sum()
        expected = ((truth == i) & (predicted == i) & mask).sum() / union if union else NAN
        np.testing.assert_allclose(metrics.part_iou(confusion)[i], expected)
    person = mask & (truth > 0)
    assert metrics.pixel_accuracy(confusion) == pytest.approx((truth == predicted)[person].mean())


def test_part_ids_are_checked() -> None:
    with pytest.raises(InputError, match="ids from 0 to 3"):
        metrics.part_confusion(np.array([4]), np.array([1]), 4)
    with pytest.raises(InputError, match="shape"):
        metrics.part_confusion(np.array([1, 2]), np.array([1]), 4)
    assert np.isnan(metrics.mean_part_iou(np.zeros((4, 4), int)))
    assert np.isnan(metrics.pixel_accuracy(np.zeros((4, 4), int)))


def test_depth_rmse_by_hand() -> None:
    truth = np.array([[2.0, 3.0, 0.0, 4.0]])
    predicted = np.array([[2.3, 2.6, 9.0, 4.0]])
    assert metrics.depth_rmse(predicted, truth) == pytest.approx(np.sqrt((0.09 + 0.16) / 3))
    mask = np.array([[True, False, True, False]])
    assert metrics.depth_rmse(predicted, truth, mask) == pytest.approx(0.3)
    assert np.isnan(metrics.depth_rmse(predicted, np.zeros_like(truth)))
    assert np.isnan(metrics.aligned_depth_rmse(predicted, np.zeros_like(truth)))


@given(seeds, st.floats(0.1, 5), st.floats(-3, 3))
@settings(max_examples=25, deadline=None)
def test_aligned_depth_ignores_scale_and_shift(seed: int, scale: float, shift: float) -> None:
    rng = np.random.default_rng(seed)
    truth = rng.uniform(1, 5, (4, 5))
    assert metrics.aligned_depth_rmse(truth * scale + shift, truth) == pytest.approx(0, abs=1e-9)
    noisy = truth + rng.normal(0, 0.1, truth.shape)
    assert metrics.aligned_depth_rmse(noisy, truth) <= metrics.depth_rmse(noisy, truth) + 1e-12


def test_shapes_must_agree() -> None:
    with pytest.raises(InputError, match="shape of the truth"):
        metrics.mpjpe(np.zeros((2, 17, 3)), np.zeros((17, 3)))
    with pytest.raises(InputError, match=r"\(N, J, D\)"):
        metrics.pck(np.zeros((17, 2)), np.zeros((17, 2)), 1)
    with pytest.raises(InputError, match="shape of the truth"):
        metrics.depth_rmse(np.zeros(3), np.zeros(4))
    assert metrics.centre_on_root(np.zeros((17, 2)), COCO_17).shape == (17, 2)


@given(seeds)
@settings(max_examples=25, deadline=None)
def test_rigid_alignment_keeps_the_size(seed: int) -> None:
    """Turned and moved poses are aligned to nothing; scaled ones keep an error that no rotation takes away."""
    truth = poses(seed)
    turn = Rotation.random(random_state=seed).as_matrix()
    assert metrics.rigid_mpjpe(truth @ turn + 3, truth) == pytest.approx(0, abs=1e-9)
    larger = truth @ turn * 1.3 + 3
    centred = truth - truth.mean(1, keepdims=True)
    assert metrics.rigid_mpjpe(larger, truth) == pytest.approx(0.3 * np.linalg.norm(centred, axis=-1).mean())
    assert metrics.pa_mpjpe(larger, truth) == pytest.approx(0, abs=1e-9)
    aligned = metrics.procrustes(truth + poses(seed ^ 1) * 0.1, truth, scaled=False)
    offset = aligned - aligned.mean(1, keepdims=True)
    noisy = truth + poses(seed ^ 1) * 0.1
    np.testing.assert_allclose(
        np.linalg.norm(offset, axis=-1), np.linalg.norm(noisy - noisy.mean(1, keepdims=True), axis=-1)
    )
