"""Arrays of a stranger's .npz: what is refused, and that nothing is allocated on a header's word."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest

from posecorpus.core.errors import InputError
from posecorpus.core.npz import read_npz


def test_named_arrays_are_read_and_others_left(tmp_path: Path) -> None:
    a, b = np.arange(6.0).reshape(2, 3), np.asfortranarray(np.arange(6, dtype=np.int16).reshape(3, 2))
    np.savez_compressed(tmp_path / "x.npz", a=a, b=b, c=np.array([object()], dtype=object))
    found = read_npz(tmp_path / "x.npz", ("a", "b", "d"), 1000)
    assert sorted(found) == ["a", "b"]
    np.testing.assert_array_equal(found["a"], a)
    np.testing.assert_array_equal(found["b"], b)
    with pytest.raises(InputError, match="numbers"):
        read_npz(tmp_path / "x.npz", ("c",), 1000)


def test_names_are_read_only_where_allowed(tmp_path: Path) -> None:
    np.savez(tmp_path / "x.npz", who=np.array(["a", "bc"]))
    assert read_npz(tmp_path / "x.npz", ("who",), 1000, kinds="iU")["who"].tolist() == ["a", "bc"]
    with pytest.raises(InputError, match="numbers"):
        read_npz(tmp_path / "x.npz", ("who",), 1000)


def lying(tmp_path: Path, shape: tuple[int, ...], data: bytes) -> Path:
    """A file whose header claims a shape that its bytes do not fill."""
    stream = io.BytesIO()
    np.lib.format.write_array_header_1_0(stream, {"descr": "<f8", "fortran_order": False, "shape": shape})
    path = tmp_path / "lying.npz"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.npy", stream.getvalue() + data)
    return path


@pytest.mark.parametrize("shape", [(10**12,), (3,), (-1,), (10**6, 10**6, 0)])
def test_headers_must_account_for_the_bytes(tmp_path: Path, shape: tuple[int, ...]) -> None:
    with pytest.raises(InputError, match="a: expected"):
        read_npz(lying(tmp_path, shape, b"\0" * 16), ("a",), 10**6)


def test_broken_files_and_large_ones(tmp_path: Path) -> None:
    path = tmp_path / "x.npz"
    with pytest.raises(InputError, match="no such file"):
        read_npz(path, ("a",), 10)
    path.write_bytes(b"PK\3\4 not a zip")
    with pytest.raises(InputError, match="intact"):
        read_npz(path, ("a",), 10)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:  # a zip bomb: 10 MB in 10 kB
        archive.writestr("a.npy", b"\0" * 10_000_000)
    with pytest.raises(InputError, match="at most 1 MiB"):
        read_npz(path, ("a",), 1 << 20)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.npy", b"no array")
    with pytest.raises(InputError, match="a NumPy array"):
        read_npz(path, ("a",), 1000)
