"""SMPL files as they are handed out, and files made to do harm."""

from __future__ import annotations

import contextlib
import io
import os
import pickle
import struct
import sys
import types
import zipfile
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from make_bodies import open_arrays, save_npz, smpl_arrays

from posecorpus.core.errors import InputError
from posecorpus.synth.bodies import arrays as body_arrays
from posecorpus.synth.bodies.arrays import BodyArrays, read_body_arrays
from posecorpus.synth.bodies.model import load_body

SMALL = smpl_arrays(vertices=120)


def fake_module(monkeypatch: pytest.MonkeyPatch, name: str, **classes: type) -> None:
    """Make ``name`` importable while pickling, so that a file can mention its classes."""
    module = types.ModuleType(name)
    for key, cls in classes.items():
        cls.__module__, cls.__qualname__, cls.__name__ = name, key, key
        setattr(module, key, cls)
    monkeypatch.setitem(sys.modules, name, module)


class Ch:
    def __init__(self, **fields: object) -> None:
        self.__dict__.update(fields)


class Select:
    def __init__(self, **fields: object) -> None:
        self.__dict__.update(fields)


class OldCsc:
    def __init__(self, matrix: scipy.sparse.csc_matrix) -> None:
        self.__dict__.update(
            format="csc", _shape=matrix.shape, maxprint=50,
            data=matrix.data, indices=matrix.indices, indptr=matrix.indptr,
        )  # fmt: skip


def same(read: BodyArrays, wanted: dict[str, np.ndarray]) -> None:
    for have, key in (
        (read.v_template, "v_template"),
        (read.shapedirs, "shapedirs"),
        (read.posedirs, "posedirs"),
        (read.joint_regressor, "J_regressor"),
        (read.weights, "weights"),
        (read.faces, "f"),
    ):
        assert have is not None
        assert np.allclose(have, wanted[key], atol=1e-6), key


@pytest.mark.parametrize("protocol", range(6))
def test_pickled_arrays_of_every_protocol(tmp_path: Path, protocol: int) -> None:
    path = tmp_path / "SMPL_MALE.pkl"
    path.write_bytes(pickle.dumps(SMALL, protocol=protocol))
    same(read_body_arrays(path), SMALL)


@pytest.mark.parametrize("protocol", [0, 1, 2, 4])
def test_pickle_with_chumpy_and_sparse_objects(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, protocol: int
) -> None:
    fake_module(monkeypatch, "chumpy")
    fake_module(monkeypatch, "chumpy.ch", Ch=Ch)
    fake_module(monkeypatch, "chumpy.reordering", Select=Select)
    fake_module(monkeypatch, "scipy.sparse.csc", csc_matrix=OldCsc)
    shapedirs = SMALL["shapedirs"]
    longer = np.concatenate([shapedirs, np.full((*shapedirs.shape[:2], 5), 7.0)], axis=2)
    picked = np.arange(longer.size).reshape(longer.shape)[..., :10].ravel()
    content = SMALL | {
        "v_template": Ch(x=SMALL["v_template"], _dirty_vars={"x"}, deps=OrderedDict(x=Ch(), n=np.float64(1))),
        "shapedirs": Select(a=Ch(x=longer), idxs=picked, preferred_shape=shapedirs.shape),
        "posedirs": Ch(x=np.asfortranarray(SMALL["posedirs"])),
        "J_regressor": OldCsc(scipy.sparse.csc_matrix(SMALL["J_regressor"])),
        "J_regressor_prior": None,
        "bs_style": "lbs",
    }
    path = tmp_path / "SMPL_FEMALE.pkl"
    path.write_bytes(pickle.dumps(content, protocol=protocol))
    for name in ("chumpy", "chumpy.ch", "chumpy.reordering"):
        monkeypatch.delitem(sys.modules, name)
    same(read_body_arrays(path), SMALL)


def test_pickle_written_by_python_2(tmp_path: Path) -> None:
    """Its byte strings arrive as latin-1 text, its arrays may be big-endian."""
    path = tmp_path / "a.pkl"
    big = {key: value.astype(value.dtype.newbyteorder(">")) for key, value in SMALL.items()}
    pickled = pickle.dumps(big, protocol=2)
    path.write_bytes(pickled.replace(b"cnumpy._core.multiarray\n", b"cnumpy.core.multiarray\n"))
    assert b"_codecs\nencode" in pickled
    same(read_body_arrays(path), SMALL)


def test_real_scipy_matrices(tmp_path: Path) -> None:
    for make in (scipy.sparse.csc_matrix, scipy.sparse.csr_matrix):
        path = tmp_path / "b.pkl"
        path.write_bytes(pickle.dumps(SMALL | {"J_regressor": make(SMALL["J_regressor"])}, protocol=4))
        same(read_body_arrays(path), SMALL)


def test_npz_with_half_floats_and_fortran_order(tmp_path: Path) -> None:
    half = SMALL | {"weights": SMALL["weights"].astype(np.float16), "f": np.asfortranarray(SMALL["f"])}
    read = read_body_arrays(save_npz(tmp_path / "c.npz", half))
    assert np.abs(read.weights.sum(axis=1) - 1).max() < 1e-6
    assert np.array_equal(read.faces, SMALL["f"])


@pytest.mark.parametrize(
    ("gender", "name"),
    [
        ("male", "SMPL_MALE.npz"),
        ("female", "smpl_female.npz"),
        ("female", "basicModel_f_lbs_10_207_0_v1.0.0.npz"),
        ("male", "smpl/basicmodel_m_lbs_10_207_0_v1.1.0.npz"),
    ],
)
def test_a_folder_of_bodies(tmp_path: Path, gender: str, name: str) -> None:
    (tmp_path / "smpl").mkdir()
    (tmp_path / "README.npz").touch()
    save_npz(tmp_path / name, open_arrays(gender))
    body = load_body(str(tmp_path), gender)
    assert np.array_equal(body.v_template, load_body("open", gender).v_template)
    assert body.posedirs is None
    other = {"male": "female", "female": "male"}[gender]
    with pytest.raises(InputError, match=f"expected a file SMPL_{other.upper()}"):
        load_body(str(tmp_path), other)


# ---- hostile files ---------------------------------------------------------------------------


class Exploit:
    """Unpickled the usual way, this runs a command."""

    def __init__(self, call: Callable[..., object], *args: object) -> None:
        self.call, self.args = call, args

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        return self.call, self.args


def refused(path: Path) -> str:
    with pytest.raises(InputError) as caught:
        read_body_arrays(path)
    message = str(caught.value)
    assert str(path) in message and "\n" not in message
    return message


@pytest.mark.parametrize("protocol", [0, 2, 4])
def test_code_in_a_pickle_does_not_run(tmp_path: Path, protocol: int) -> None:
    flag = tmp_path / "ran"
    path = tmp_path / "evil.pkl"
    for exploit in (
        Exploit(os.system, f"touch {flag}"),
        Exploit(eval, f"open({str(flag)!r}, 'w')"),
        Exploit(Path.touch, flag),
    ):
        path.write_bytes(pickle.dumps(SMALL | {"v_template": exploit}, protocol=protocol))
        pickle.loads(path.read_bytes())
        assert flag.exists(), "the exploit is none"
        flag.unlink()
        message = refused(path)
        assert not flag.exists()
        assert "nothing in it was run" in message


@pytest.mark.parametrize(
    "stream",
    [
        b"cposix\nsystem\n(S'touch ran'\ntR.",
        b"(S'touch ran'\nios\nsystem\n.",  # INST
        b"\x80\x02cbuiltins\ngetattr\nccopyreg\n_reconstructor\nX\x08\x00\x00\x00__init__\x86R.",
        b"\x80\x02\x8a\xffx.",
        b"Pid\n.",  # persistent identifier
        b"\x80\x02\x82\x01.",  # extension registry
        b"\x80\x02}r\xff\xff\xff\x7f.",  # a memo of two thousand million entries
        b"\x80\x04\x8e" + struct.pack("<Q", 1 << 62) + b"x.",  # a byte string that long
        b"\x80\x02cnumpy.core.multiarray\n_reconstruct\n}X\x06\x00\x00\x00_actionNsb.",  # changes a function
        b"\x80\x02cnumpy\ndtype\n}X\x05\x00\x00\x00stateX\x01\x00\x00\x00xsb.",  # changes a class
        b"\x80\x02]q\x00h\x00a.",
        b"}.",
        b"",
        b".",
        b"(" * 5000,
    ],
    ids=range(15),
)
def test_crooked_pickles(tmp_path: Path, stream: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "crooked.pkl"
    path.write_bytes(stream)
    refused(path)
    assert os.listdir(tmp_path) == ["crooked.pkl"]
    path.write_bytes(pickle.dumps(SMALL, protocol=2))  # and the next file is read as ever
    same(read_body_arrays(path), SMALL)


def test_array_that_claims_to_be_giant(tmp_path: Path) -> None:
    path = tmp_path / "giant.pkl"
    data = pickle.dumps(SMALL, protocol=2)
    shape = pickle.dumps((120, 3), protocol=2)[2:-1].split(b"q")[0]
    assert data.count(shape) == 1
    path.write_bytes(data.replace(shape, b"J" + struct.pack("<i", 2**31 - 1) + b"K\x03\x86"))
    assert "expected a shape for 360 numbers, got (2147483647, 3)" in refused(path)


def test_sparse_matrix_that_claims_to_be_giant(tmp_path: Path) -> None:
    matrix = scipy.sparse.csc_matrix(SMALL["J_regressor"])
    matrix._shape = (24, 10**9)
    path = tmp_path / "sparse.pkl"
    path.write_bytes(pickle.dumps(SMALL | {"J_regressor": matrix}))
    assert "sparse matrix" in refused(path)
    matrix._shape = (24, 120)
    matrix.indices[3] = 10**6
    path.write_bytes(pickle.dumps(SMALL | {"J_regressor": matrix}))
    assert "intact sparse matrix" in refused(path)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cut=st.floats(0, 1), flips=st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255)), max_size=6))
@pytest.mark.parametrize("kind", ["pkl", "npz"])
def test_damaged_files_are_read_or_refused(
    tmp_path: Path, kind: str, cut: float, flips: list[tuple[float, int]]
) -> None:
    small = {key: value for key, value in smpl_arrays(vertices=8).items() if key != "posedirs"}
    path = tmp_path / f"damaged.{kind}"
    if kind == "pkl":
        data = bytearray(pickle.dumps(small, protocol=2))
    else:
        buffer = io.BytesIO()
        np.savez_compressed(buffer, **small)
        data = bytearray(buffer.getvalue())
    for at, value in flips:
        data[int(at * (len(data) - 1))] = value
    path.write_bytes(data[: int(cut * len(data))] if cut < 0.5 else data)
    with contextlib.suppress(InputError):
        read_body_arrays(path)


def test_npz_bomb(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "bomb.npz"
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        header, {"descr": "<f8", "fortran_order": False, "shape": (10**11, 3)}
    )
    with zipfile.ZipFile(path, "w") as archive:
        for key, value in SMALL.items():
            with archive.open(f"{key}.npy", "w") as member:
                if key == "v_template":
                    member.write(header.getvalue())
                else:
                    np.save(member, value)
    assert "bytes of data, got shape (100000000000, 3)" in refused(path)
    save_npz(path, SMALL)
    monkeypatch.setattr(body_arrays, "MAX_FILE_BYTES", path.stat().st_size - 1)
    assert "at most" in refused(path)
    np.savez_compressed(path, **SMALL | {"v_template": np.zeros((100_000, 3))})
    assert path.stat().st_size < body_arrays.MAX_FILE_BYTES
    assert "together" in refused(path)


def test_object_arrays_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "object.npz"
    np.savez(path, **SMALL | {"v_template": np.array([Exploit(os.abort)], dtype=object)})
    assert "expected numbers, got dtype object" in refused(path)
    path = tmp_path / "object.pkl"
    path.write_bytes(pickle.dumps(SMALL | {"v_template": np.array([1, "a"], dtype=object)}))
    refused(path)


# ---- files that are not what they should be --------------------------------------------------


def with_nan(array: np.ndarray) -> np.ndarray:
    broken = array.astype(np.float64)
    broken.flat[3] = np.nan
    return broken


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"v_template": with_nan(SMALL["v_template"])}, "v_template: expected finite numbers"),
        ({"v_template": SMALL["v_template"] * 1000}, "v_template: expected metres"),
        ({"v_template": SMALL["v_template"] * 0}, "v_template: expected a body with some extent"),
        ({"v_template": SMALL["v_template"][:50]}, "shapedirs: expected shape"),
        ({"v_template": SMALL["v_template"].T}, "v_template: expected shape (any, 3), got (3, 120)"),
        ({"shapedirs": SMALL["shapedirs"][..., :0]}, "shapedirs: expected 1 to 400"),
        ({"shapedirs": SMALL["shapedirs"] + 1e3}, "shapedirs: expected metres"),
        ({"shapedirs": with_nan(SMALL["shapedirs"])}, "shapedirs: expected finite"),
        ({"posedirs": SMALL["posedirs"][..., :9]}, "posedirs: expected shape (120, 3, 207)"),
        ({"weights": SMALL["weights"] * 2}, "weights: expected rows of non-negative"),
        ({"weights": SMALL["weights"] - 0.5}, "weights: expected rows of non-negative"),
        ({"weights": SMALL["weights"][:, :23]}, "weights: expected shape"),
        ({"J_regressor": SMALL["J_regressor"] * 0}, "J_regressor: expected rows that sum to one"),
        ({"f": SMALL["f"] + 120}, "f: expected whole numbers from 0 to 119"),
        ({"f": SMALL["f"] + 0.5}, "f: expected whole numbers"),
        ({"f": SMALL["f"][:, :2]}, "f: expected shape"),
        ({"kintree_table": np.zeros((2, 52), np.int64)}, "SMPL-H and SMPL-X have more joints"),
        ({"kintree_table": np.zeros((2, 24), np.int64)}, "SMPL's joint tree"),
        ({"vt": np.zeros((5, 2)), "ft": np.full((2000, 3), 5)}, "ft: expected whole numbers from 0 to 4"),
        ({"weights": None}, "got no weights"),
        (
            {
                "landmark_row": np.zeros(3, int),
                "landmark_column": np.zeros(3, int),
                "landmark_value": np.ones(3),
            },
            "landmark_row: expected each of 18 rows, got 1",
        ),
    ],
)
@pytest.mark.parametrize("kind", ["npz", "pkl"])
def test_wrong_content_is_named(
    tmp_path: Path, kind: str, change: dict[str, np.ndarray | None], message: str
) -> None:
    content = {key: value for key, value in (SMALL | change).items() if value is not None}
    path = tmp_path / f"wrong.{kind}"
    if kind == "npz":
        save_npz(path, content)
    else:
        path.write_bytes(pickle.dumps(content))
    assert message in refused(path)


def test_wrong_places(tmp_path: Path) -> None:
    assert "readable body file" in refused(tmp_path / "absent.npz")
    (tmp_path / "text.npz").write_text("no zip")
    assert "intact .npz" in refused(tmp_path / "text.npz")
    (tmp_path / "body.obj").write_text("v 0 0 0")
    assert ".npz or .pkl" in refused(tmp_path / "body.obj")
    with pytest.raises(InputError, match="expected a file SMPL_MALE"):
        load_body(str(tmp_path), "male")
    with pytest.raises(InputError, match="gender: expected one of neutral, female, male, got 'men'"):
        load_body("open", "men")


def test_a_body_that_landmarks_cannot_be_carried_to(tmp_path: Path) -> None:
    arrays = open_arrays("neutral")
    only_hands = np.zeros_like(arrays["weights"])
    only_hands[:, 22] = 1
    path = save_npz(tmp_path / "hands.npz", arrays | {"weights": only_hands})
    with pytest.raises(InputError, match="skin moved by"):
        load_body(str(path), "neutral")
