"""Arrays on disk as plain `.npy`: numbers only, checked before memory is taken for them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO, Final

import numpy as np
import numpy.typing as npt

from vipreco.errors import IntegrityError

SUFFIX: Final = ".npy"
MAX_DIMENSIONS: Final = 4
# Little-endian numbers and flags; text belongs into JSON, objects nowhere.
DTYPES: Final = frozenset(["|b1", "|i1", "|u1", "<i2", "<u2", "<i4", "<u4", "<i8", "<u8", "<f4", "<f8"])

Array = npt.NDArray[Any]


def write_arrays(folder: Path, name: str, arrays: Mapping[str, Array]) -> None:
    """Write each array to `<folder>/<name>/<key>.npy`.

    Raises:
        ValueError: An array of another kind than finite numbers or flags.
    """
    for key, array in sorted(arrays.items()):
        write_array(folder / name / f"{key}{SUFFIX}", array)


def read_arrays(folder: Path, name: str) -> dict[str, Array]:
    """Read back all arrays written by `write_arrays` under `name`, by key, sorted.

    Raises:
        IntegrityError: A file that is not a plain array of finite numbers.
    """
    paths = sorted((folder / name).glob(f"*{SUFFIX}"))
    return {path.name.removesuffix(SUFFIX): read_array(path) for path in paths}


def write_array(path: Path, array: Array) -> None:
    """Write one array, in C order and little-endian, so that equal arrays give equal bytes.

    Raises:
        ValueError: It is not of numbers or flags, or not finite.
    """
    plain = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<")).reshape(array.shape)
    if plain.dtype.str not in DTYPES:
        raise ValueError(f"{path.name}: an array of {array.dtype} does not belong into an artifact")
    if not _is_finite(plain):
        raise ValueError(f"{path.name}: holds NaN or infinity")
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as handle:
        np.lib.format.write_array(handle, plain, version=(1, 0), allow_pickle=False)


def read_array(path: Path, shape: tuple[int | None, ...] | None = None) -> Array:
    """Read one array; its header is checked against the file's size before anything is allocated.

    Args:
        path: The `.npy` file.
        shape: What the caller needs, None for any length of a dimension.

    Raises:
        IntegrityError: Not a plain array of finite numbers, or of another shape.
    """
    try:
        with path.open("rb") as handle:
            found, dtype = _read_header(handle, path)
            array = np.fromfile(handle, dtype=dtype).reshape(found)
    except OSError as error:
        raise _refusal(path, f"cannot be read: {error.strerror}", "unreadable-array") from error
    if shape is not None and not _fits(found, shape):
        raise _refusal(path, f"has the shape {found}, needed is {shape}", "array-shape")
    if not _is_finite(array):
        raise _refusal(path, "holds NaN or infinity", "not-finite")
    return array


def _read_header(handle: BinaryIO, path: Path) -> tuple[tuple[int, ...], np.dtype[Any]]:
    try:
        if np.lib.format.read_magic(handle) != (1, 0):
            raise ValueError("version")
        shape, fortran, dtype = np.lib.format.read_array_header_1_0(handle)
    except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError) as error:
        raise _refusal(path, "has no plain array header", "array-header") from error
    if fortran or dtype.str not in DTYPES or len(shape) > MAX_DIMENSIONS or any(n < 0 for n in shape):
        raise _refusal(path, "is not an array of little-endian numbers in C order", "array-header")
    _check_size(handle, path, _byte_count(shape, dtype))
    return shape, dtype


def _check_size(handle: BinaryIO, path: Path, expected: int) -> None:
    found = path.stat().st_size - handle.tell()
    if found != expected:
        raise _refusal(path, f"holds {found} bytes of numbers, its header says {expected}", "array-size")


def _byte_count(shape: tuple[int, ...], dtype: np.dtype[Any]) -> int:
    count = dtype.itemsize
    for length in shape:  # Python integers: a forged header must not overflow
        count *= int(length)
    return count


def _fits(found: tuple[int, ...], shape: tuple[int | None, ...]) -> bool:
    return len(found) == len(shape) and all(
        need in {None, have} for have, need in zip(found, shape, strict=True)
    )


def _is_finite(array: Array) -> bool:
    return array.dtype.kind != "f" or bool(np.isfinite(array).all())


def _refusal(path: Path, what: str, code: str) -> IntegrityError:
    remedy = "do not use the artifact; fetch the version again, or train it anew"
    return IntegrityError(what, where=str(path), remedy=remedy, code=code)
