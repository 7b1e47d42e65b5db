from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st
from hypothesis.extra import numpy as hnp

from vipreco.artifact import read_arrays, write_arrays
from vipreco.artifact.arrays import read_array, write_array
from vipreco.errors import IntegrityError

PLAIN = np.arange(6, dtype="<f8").reshape(2, 3)


def saved(array: Any, **options: Any) -> bytes:
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, array, **options)
    return buffer.getvalue()


def header(text: str, body: bytes = b"") -> bytes:
    padded = text.encode() + b" " * (117 - len(text)) + b"\n"
    return b"\x93NUMPY\x01\x00" + len(padded).to_bytes(2, "little") + padded + body


HUGE = header("{'descr': '<f8', 'fortran_order': False, 'shape': (12500000000,), }", b"\0" * 8)
OVERFLOW = header("{'descr': '<f8', 'fortran_order': False, 'shape': (4294967296, 4294967296), }")
NEGATIVE = header("{'descr': '<f8', 'fortran_order': False, 'shape': (-1, -1), }", b"\0" * 8)
CALL = header("{'descr': __import__('os').getcwd(), 'fortran_order': False, 'shape': (1,), }", b"\0" * 8)
RECORD = np.zeros(2, dtype=[("a", "<f8"), ("b", "<i4")])

CASES: list[tuple[str, bytes, str]] = [
    ("B100 object", saved(np.array([{"a": 1}]), allow_pickle=True), "array-header"),
    ("B100 Fortran order", saved(np.asfortranarray(PLAIN)), "array-header"),
    ("B100 big-endian", saved(PLAIN.astype(">f8")), "array-header"),
    ("B100 text", saved(np.array(["a", "b"])), "array-header"),
    ("B100 complex", saved(PLAIN.astype(complex)), "array-header"),
    ("B100 record", saved(RECORD), "array-header"),
    ("B100 date", saved(np.array(["2020-01-01"], dtype="M8[D]")), "array-header"),
    ("B100 100 GB header", HUGE, "array-size"),
    ("B100 overflowing header", OVERFLOW, "array-size"),
    ("B100 negative shape", NEGATIVE, "array-header"),
    ("B100 code in the header", CALL, "array-header"),
    ("B100 version 2", saved(PLAIN, version=(2, 0)), "array-header"),
    ("B100 cut", saved(PLAIN)[:-1], "array-size"),
    ("B100 grown", saved(PLAIN) + b"\0", "array-size"),
    ("B100 not an array", b"tree\nversion=v4\n", "array-header"),
    ("B100 empty", b"", "array-header"),
    ("B101 NaN", saved(np.array([1.0, np.nan])), "not-finite"),
    ("B101 infinity", saved(np.array([1.0, -np.inf], dtype=np.float32)), "not-finite"),
]


@pytest.mark.parametrize(("content", "code"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_what_is_not_a_plain_finite_array_is_refused(tmp_path: Path, content: bytes, code: str) -> None:
    (tmp_path / "a.npy").write_bytes(content)
    with pytest.raises(IntegrityError) as caught:
        read_array(tmp_path / "a.npy")
    assert caught.value.code == code
    assert "a.npy" in caught.value.where


def test_a_missing_array_is_refused(tmp_path: Path) -> None:
    with pytest.raises(IntegrityError) as caught:
        read_array(tmp_path / "a.npy")
    assert caught.value.code == "unreadable-array"


KINDS = st.sampled_from(["<f4", "<f8", "<i4", "<i8", "|u1", "|b1", ">f8", ">i4"])
SHAPES = hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4)


@st.composite
def arrays(draw: st.DrawFn) -> np.ndarray[Any, Any]:
    finite = {"allow_nan": False, "allow_infinity": False}
    dtype = np.dtype(draw(KINDS))
    return draw(hnp.arrays(dtype, SHAPES, elements=finite if dtype.kind == "f" else None))


@given(array=arrays(), transposed=st.booleans())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
def test_every_finite_array_comes_back_as_it_was(tmp_path: Path, array: Any, transposed: bool) -> None:
    given_array = array.T if transposed else array
    write_array(tmp_path / "a.npy", given_array)
    found = read_array(tmp_path / "a.npy")
    assert found.shape == given_array.shape
    np.testing.assert_array_equal(found, given_array)


@pytest.mark.parametrize("bad", [np.array([None]), np.array(["x"]), np.array([np.nan]), np.array([1j])])
def test_what_could_not_be_read_is_not_written(tmp_path: Path, bad: Any) -> None:
    with pytest.raises(ValueError, match=r"array of|NaN"):
        write_array(tmp_path / "a.npy", bad)
    assert not (tmp_path / "a.npy").exists()


def test_arrays_of_a_source_come_back_under_their_keys(tmp_path: Path) -> None:
    write_arrays(tmp_path, "candidates/als", {"b": PLAIN, "a": np.array([1, 2], dtype=np.int32)})
    found = read_arrays(tmp_path, "candidates/als")
    assert list(found) == ["a", "b"]
    np.testing.assert_array_equal(found["b"], PLAIN)
    assert read_arrays(tmp_path, "candidates/none") == {}


@pytest.mark.parametrize("shape", [(2,), (3, None), (2, 3, 1)])
def test_an_array_of_another_shape_than_needed_is_refused(tmp_path: Path, shape: Any) -> None:
    """B102."""
    write_array(tmp_path / "a.npy", PLAIN)
    assert read_array(tmp_path / "a.npy", (2, None)).shape == (2, 3)
    with pytest.raises(IntegrityError) as caught:
        read_array(tmp_path / "a.npy", shape)
    assert caught.value.code == "array-shape"
