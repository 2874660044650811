"""The MATLAB reader against scipy's writer and reader, and against files made to hurt."""

from __future__ import annotations

import contextlib
import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
import scipy.io
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from posecorpus.core.errors import InputError
from posecorpus.pseudogt.photos import matfile
from posecorpus.pseudogt.photos.matfile import Node, read_mat

PER_TEST = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
NUMBERS = st.sampled_from(["f8", "f4", "i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8"]).flatmap(
    lambda dtype: hnp.arrays(dtype, hnp.array_shapes(min_dims=2, max_dims=3, min_side=0, max_side=4))
)
FIELDS = st.dictionaries(
    st.sampled_from(["x", "y", "id", "is_visible", "point"]),
    NUMBERS | st.text("abc €ü", max_size=9),
    min_size=1,
)
VALUES = NUMBERS | FIELDS | st.lists(NUMBERS, min_size=1, max_size=3)


def plain(node: Node) -> object:
    """A node as nested Python values: decodes everything in it."""
    if node.is_text:
        return node.text()
    if node.is_cell:
        return [plain(item) for item in node.items()]
    if node.is_struct:
        return [{name: plain(value) for name, value in record.items()} for record in node.records()]
    return node.array()


def assert_holds(node: Node, value: object) -> None:
    """The node holds what was written."""
    if isinstance(value, dict):
        record = node.record()
        assert list(record) == list(value)
        for name, item in value.items():
            assert_holds(record[name], item)
    elif isinstance(value, list):
        for got, item in zip(node.items(), value, strict=True):
            assert_holds(got, item)
    elif isinstance(value, str):
        assert node.text() == value
    else:
        assert isinstance(value, np.ndarray)
        assert node.array().shape == value.shape or not value.size
        np.testing.assert_array_equal(node.array().ravel(), value.ravel())
        assert not value.size or node.array().dtype == value.dtype


def written(value: object) -> object:
    if isinstance(value, list):
        cells = np.empty((1, len(value)), object)
        cells[0, :] = value
        return cells
    return value


@PER_TEST
@given(values=st.lists(VALUES, min_size=1, max_size=3), packed=st.booleans())
def test_what_scipy_writes_is_read(tmp_path: Path, values: list[object], packed: bool) -> None:
    path = tmp_path / "any.mat"
    scipy.io.savemat(path, {f"v{i}": written(v) for i, v in enumerate(values)}, do_compression=packed)
    nodes = read_mat(path)
    assert list(nodes) == [f"v{i}" for i in range(len(values))]
    for i, value in enumerate(values):
        assert_holds(nodes[f"v{i}"], value)


@pytest.mark.parametrize("name", ["lsp", "lspet"])
def test_real_files_as_scipy_reads_them(data: Path, name: str) -> None:
    path = data / "pose2d" / name / "joints.mat"
    np.testing.assert_array_equal(read_mat(path)["joints"].array(), scipy.io.loadmat(path)["joints"])


def small_file(packed: bool) -> bytes:
    sink = io.BytesIO()
    nested = {"a": np.arange(6.0).reshape(2, 3), "b": "text", "c": {"d": np.uint8(3)}}
    cells = np.empty((1, 2), object)
    cells[0, :] = [np.zeros((0, 0)), "x"]
    scipy.io.savemat(sink, {"nested": nested, "cells": cells}, do_compression=packed)
    return sink.getvalue()


@PER_TEST
@given(st.integers(128, 2000), st.binary(min_size=1, max_size=8), st.booleans())
def test_damage_is_an_input_error_or_nothing(tmp_path: Path, at: int, junk: bytes, packed: bool) -> None:
    whole = small_file(packed)
    at = at % len(whole)
    path = tmp_path / "damaged.mat"
    path.write_bytes(whole[:at] + junk + whole[at + len(junk) :])
    with contextlib.suppress(InputError):  # anything else is a mistake of the reader
        for node in read_mat(path).values():
            plain(node)


@PER_TEST
@given(st.integers(0, 2000), st.booleans())
def test_truncation_is_an_input_error_or_fewer_variables(tmp_path: Path, length: int, packed: bool) -> None:
    whole = small_file(packed)
    path = tmp_path / "short.mat"
    path.write_bytes(whole[: length % len(whole)])
    names: list[str] = []
    with contextlib.suppress(InputError):
        for name, node in read_mat(path).items():
            plain(node)
            names.append(name)
    assert names == ["nested", "cells"][: len(names)]
    assert len(names) < 2


def element(kind: int, data: bytes) -> bytes:
    return struct.pack("<II", kind, len(data)) + data + b"\0" * (-len(data) % 8)


def matrix(kind: int, dims: tuple[int, ...], body: bytes, name: bytes = b"joints") -> bytes:
    head = element(6, struct.pack("<II", kind, 0)) + element(5, struct.pack(f"<{len(dims)}i", *dims))
    return element(14, head + element(1, name) + body)


def mat(*variables: bytes) -> bytes:
    return b"MATLAB 5.0 MAT-file".ljust(124) + b"\0\1IM" + b"".join(variables)


@pytest.mark.parametrize("kind", [1, 2, 6, 9])
def test_dimensions_that_lie_take_no_memory(tmp_path: Path, kind: int) -> None:
    path = tmp_path / "liar.mat"
    path.write_bytes(mat(matrix(kind, (2**31 - 1, 2**31 - 1), element(9, b"\0" * 16))))
    node = read_mat(path)["joints"]
    with pytest.raises(InputError, match="MATLAB 5 file"):
        plain(node)


def test_bombs_are_not_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(matfile, "MAX_INFLATED", 1 << 20)
    bomb = zlib.compress(bytes(1 << 24))
    path = tmp_path / "bomb.mat"
    path.write_bytes(mat(struct.pack("<II", 15, len(bomb)) + bomb))
    with pytest.raises(InputError, match="at most 1 MB unpacked, got more"):
        read_mat(path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "a MATLAB 5 file"),
        (b"\x89HDF\r\n\x1a\n" + b"\0" * 200, "version 7.3; save it in MATLAB with '-v7'"),
        (b"MATLAB 7.3 MAT-file".ljust(124) + b"\0\2IM", "version 7.3"),
        (b"not matlab" * 30, "a MATLAB 5 file"),
        (mat(element(9, b"\0" * 8)), "variables of a MATLAB 5 file"),
    ],
)
def test_other_files_are_named(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "other.mat"
    path.write_bytes(content)
    with pytest.raises(InputError, match=message):
        read_mat(path)


def test_what_is_no_data_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "object.mat"
    handle = matrix(16, (1, 1), b"")
    numbers = matrix(6, (1, 2), element(9, struct.pack("<dd", 1, 2)), b"pair")
    sink = io.BytesIO()
    scipy.io.savemat(sink, {"c": np.array([[1 + 2j]])})
    path.write_bytes(mat(handle, numbers) + sink.getvalue()[128:])
    nodes = read_mat(path)
    with pytest.raises(InputError, match="got a 1x1 MATLAB class 16"):
        nodes["joints"].array()
    with pytest.raises(InputError, match="got a 1x1 complex array"):
        nodes["c"].array()
    with pytest.raises(InputError, match="one number, got a 1x2 array"):
        nodes["pair"].number()
    with pytest.raises(InputError, match="a line of text, got a 1x2 array"):
        nodes["pair"].text()
    with pytest.raises(InputError, match="a cell array, got a 1x2 array"):
        list(nodes["pair"].items())
    with pytest.raises(InputError, match="a struct, got a 1x2 array"):
        list(nodes["pair"].records())
    with pytest.raises(InputError, match="a 1x1 struct, got a 1x2 array"):
        nodes["pair"].record()


def test_big_endian_files_are_read(tmp_path: Path) -> None:
    def big(kind: int, data: bytes) -> bytes:
        return struct.pack(">II", kind, len(data)) + data + b"\0" * (-len(data) % 8)

    head = big(6, struct.pack(">II", 6, 0)) + big(5, struct.pack(">ii", 1, 2))
    small_name = struct.pack(">HH", 1, 1) + b"x\0\0\0"  # a small element: size, type, data in one word
    body = big(14, head + small_name + big(9, struct.pack(">dd", 1.5, -2)))
    path = tmp_path / "big.mat"
    path.write_bytes(b"MATLAB 5.0 MAT-file".ljust(124) + b"\1\0MI" + body)
    np.testing.assert_array_equal(read_mat(path)["x"].array(), [[1.5, -2]])
