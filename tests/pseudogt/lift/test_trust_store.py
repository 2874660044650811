"""Trust models on disk: back as they were, and every damage refused in one line."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from trust_people import random_library, random_lifted

from posecorpus.core.errors import InputError
from posecorpus.core.skeletons import LSP_14
from posecorpus.pseudogt.lift.trust import UNKNOWN_INTERVAL_MM, UNKNOWN_MM, TrustModel
from posecorpus.pseudogt.lift.trust_features import JOINT_FEATURES, POSE_FEATURES
from posecorpus.pseudogt.lift.trust_intervals import Intervals, MethodTrust, calibrate_intervals

LIBRARY = random_library()
Members = dict[str, bytes]


def intervals(features: int, seed: int) -> Intervals:
    rng = np.random.default_rng(seed)
    x, errors = rng.normal(size=(60, features)), rng.uniform(10, 200, 60)
    return calibrate_intervals(x, errors, rng.integers(0, 5, 60), np.ones(60), np.arange(60) % 4).intervals


@pytest.fixture(scope="module")
def model() -> TrustModel:
    of_method = MethodTrust(intervals(len(POSE_FEATURES), 0), intervals(len(JOINT_FEATURES), 1))
    return TrustModel({"depth": of_method, "nn": of_method}, {"coverage": 0.9, "bins": [], "note": "é"})


@pytest.fixture(scope="module")
def file(model: TrustModel, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("trust") / "trust.npz"
    model.save(path)
    return path


def test_comes_back_as_it_was(model: TrustModel, file: Path, tmp_path: Path) -> None:
    back = TrustModel.open(file)
    assert back.reliability() == model.reliability() and list(back.methods) == ["nn", "depth"]
    lifted = random_lifted(LIBRARY)
    for method in ("depth", "nn"):
        a, b = (m.predict(lifted, LIBRARY, LSP_14, method) for m in (model, back))  # type: ignore[arg-type]
        np.testing.assert_array_equal(a.error_mm, b.error_mm)
        np.testing.assert_array_equal(a.interval_mm, b.interval_mm)
        np.testing.assert_array_equal(a.pose_interval_mm, b.pose_interval_mm)
    back.save(tmp_path / "again.npz")
    assert (tmp_path / "again.npz").read_bytes() == file.read_bytes()
    assert [p.name for p in tmp_path.iterdir()] == ["again.npz"]


def test_numpy_reads_it_without_pickle(file: Path) -> None:
    with np.load(file, allow_pickle=False) as arrays:
        assert json.loads(arrays["about"].tobytes())["reliability"]["note"] == "é"
        assert arrays["depth/pose/low"].shape == (11, 4)


def test_the_table_handed_out_is_a_copy(model: TrustModel) -> None:
    model.reliability()["bins"].append(1)
    assert model.reliability()["bins"] == []


def test_predictions_lie_in_their_intervals_and_refused_people_are_nan(model: TrustModel) -> None:
    lifted = random_lifted(LIBRARY)
    lifted.joints3d[3], lifted.hypotheses[3], lifted.views[3] = np.nan, np.nan, -1
    trust = model.predict(lifted, LIBRARY, LSP_14)
    others = np.arange(7) != 3
    for error, ends in ((trust.error_mm, trust.interval_mm), (trust.pose_error_mm, trust.pose_interval_mm)):
        assert np.isnan(error[3]).all() and np.isnan(ends[3]).all()
        assert (ends[others, ..., 0] <= error[others]).all() and (error[others] <= ends[others, ..., 1]).all()


def test_a_method_that_was_not_calibrated_says_nothing(model: TrustModel) -> None:
    lifted = random_lifted(LIBRARY)
    lifted.joints3d[3] = np.nan
    trust = model.predict(lifted, LIBRARY, LSP_14, "soft")
    assert np.isnan(trust.pose_error_mm[3]) and np.isnan(trust.interval_mm[3]).all()
    assert trust.pose_error_mm[0] == UNKNOWN_MM and tuple(trust.interval_mm[0, 0]) == UNKNOWN_INTERVAL_MM


def test_people_worse_than_all_of_the_calibration_are_told_apart(model: TrustModel) -> None:
    lifted = random_lifted(LIBRARY)
    usual = model.predict(lifted, LIBRARY, LSP_14)
    assert not model.beyond(usual).any()
    most = float(np.sort(usual.pose_error_mm)[3])
    tight = replace(model.methods["depth"].pose, most_mm=np.array([most]))
    strict = replace(model, methods={"depth": replace(model.methods["depth"], pose=tight)})
    bounded = strict.predict(lifted, LIBRARY, LSP_14)
    assert bounded.pose_error_mm.max() == most
    np.testing.assert_array_equal(strict.beyond(bounded), usual.pose_error_mm >= most)
    assert not strict.beyond(strict.predict(lifted, LIBRARY, LSP_14, "soft"), "soft").any()


# --- damage ------------------------------------------------------------------------------------------------


def array(values: object) -> bytes:
    out = io.BytesIO()
    np.save(out, np.asarray(values), allow_pickle=True)
    return out.getvalue()


def about(members: Members, **changes: object) -> Members:
    told = json.loads(np.load(io.BytesIO(members["about.npy"])).tobytes()) | changes
    return members | {"about.npy": array(np.frombuffer(json.dumps(told).encode(), np.uint8))}


def huge(members: Members) -> Members:
    """A header that claims 8 TB."""
    header = io.BytesIO()
    claim = {"descr": "<f8", "fortran_order": False, "shape": (10**12,)}
    np.lib.format.write_array_header_1_0(header, claim)
    return members | {"depth/pose/edges.npy": header.getvalue()}


FAULTS: dict[str, Callable[[Members], Members]] = {
    "no text": lambda m: {k: v for k, v in m.items() if k != "about.npy"},
    "an array missing": lambda m: {k: v for k, v in m.items() if k != "nn/joint/deviation/weights.npy"},
    "text that is no JSON": lambda m: m | {"about.npy": array(np.frombuffer(b"{nope", np.uint8))},
    "text nested too deep": lambda m: m | {"about.npy": array(np.frombuffer(b"[" * 100_000, np.uint8))},
    "text that is a list": lambda m: m | {"about.npy": array(np.frombuffer(b"[]", np.uint8))},
    "another version": lambda m: about(m, format_version=1),
    "other features": lambda m: about(m, pose_features=["a"]),
    "a table that is none": lambda m: about(m, reliability=3),
    "methods that are none": lambda m: about(m, methods="depth"),
    "a method without arrays": lambda m: about(m, methods=["soft"]),
    "pickled objects": lambda m: m | {"depth/pose/low.npy": array(np.array([{}], object))},
    "another shape": lambda m: m | {"depth/pose/low.npy": array(np.zeros((4, 11)))},
    "another type": lambda m: m | {"depth/pose/low.npy": array(np.zeros((11, 4), np.float32))},
    "column order": lambda m: m | {"depth/pose/low.npy": array(np.asfortranarray(np.zeros((11, 4))))},
    "NaN": lambda m: m | {"depth/pose/mean.npy": array(np.full((11, 4), np.nan))},
    "ends exchanged": lambda m: m | {"depth/pose/low.npy": array(np.full((11, 4), 1e6))},
    "a bound below nothing": lambda m: m | {"depth/pose/most_mm.npy": array(np.array([-1.0]))},
    "edges descending": lambda m: m | {"depth/pose/edges.npy": array([3.0, 2.0, 1.0])},
    "a scale of zero": lambda m: m | {"nn/joint/size/scale.npy": array(np.zeros(len(JOINT_FEATURES)))},
    "limits exchanged": lambda m: m | {"nn/joint/size/limits.npy": array([3.0, 2.0])},
    "limits that overflow": lambda m: m | {"nn/joint/size/limits.npy": array([0.0, 1e4])},
    "array cut off": lambda m: m | {"depth/pose/low.npy": m["depth/pose/low.npy"][:-8]},
    "header cut off": lambda m: m | {"depth/pose/low.npy": m["depth/pose/low.npy"][:20]},
    "no NumPy array": lambda m: m | {"depth/pose/low.npy": b"hello"},
    "huge claim": huge,
    "bomb": lambda m: m | {"depth/pose/low.npy": bytes(40 << 20)},
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS.keys())
def test_damage_is_refused(fault: Callable[[Members], Members], file: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(file) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    path = tmp_path / "trust.npz"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, body in fault(members).items():
            archive.writestr(name, body)
    with pytest.raises(InputError) as caught:
        TrustModel.open(path)
    assert caught.value.where.startswith(str(path)) and "\n" not in str(caught.value)


def test_missing_and_cut_files_are_refused(file: Path, tmp_path: Path) -> None:
    path = tmp_path / "trust.npz"
    with pytest.raises(InputError, match="no such file"):
        TrustModel.open(path)
    whole = file.read_bytes()
    for length in range(0, len(whole), len(whole) // 40 + 1):
        path.write_bytes(whole[:length])
        with pytest.raises(InputError):
            TrustModel.open(path)


def test_changed_bytes_are_refused_or_harmless(model: TrustModel, file: Path, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    path, refused = tmp_path / "trust.npz", 0
    for _ in range(150):
        damaged = bytearray(file.read_bytes())
        damaged[rng.integers(len(damaged))] ^= 1 << int(rng.integers(8))
        path.write_bytes(damaged)
        try:
            back = TrustModel.open(path)
        except InputError:
            refused += 1
            continue
        back.save(path)
        assert path.read_bytes() == file.read_bytes()  # only the zip's own bookkeeping was hit
    assert refused > 100
