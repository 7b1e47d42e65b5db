"""Golden scores: answers of the model where it was fitted, to be met wherever it is loaded."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from vipreco.artifact.arrays import read_array, write_array
from vipreco.errors import IntegrityError

GOLDEN_ROWS: Final = 50
TOLERANCE: Final = 1e-9
VALUES_FILE: Final = "golden/values.npy"
SCORES_FILE: Final = "golden/scores.npy"

Scorer = Callable[[npt.NDArray[Any]], npt.NDArray[Any]]


def write_golden(folder: Path, values: npt.NDArray[Any], scores: npt.NDArray[Any]) -> None:
    """Store the first 50 rows of feature values (n, k) and their scores (n,) or (n, P) in the artifact."""
    write_array(folder / VALUES_FILE, values[:GOLDEN_ROWS])
    write_array(folder / SCORES_FILE, scores[:GOLDEN_ROWS])


def read_golden(folder: Path) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """Return the stored (values, scores).

    Raises:
        IntegrityError: They are missing, damaged, or of different lengths.
    """
    values, scores = read_array(folder / VALUES_FILE), read_array(folder / SCORES_FILE)
    if not values.ndim or not scores.ndim or not len(values) or len(values) != len(scores):
        raise _mismatch(folder, f"values {values.shape} and scores {scores.shape} do not belong together")
    return values, scores


def check_golden(folder: Path, scorer: Scorer) -> float:
    """Return the largest difference between `scorer` on the stored values and the stored scores.

    Raises:
        IntegrityError: The difference is over 1e-9, or the shape is another.
    """
    values, expected = read_golden(folder)
    found = np.asarray(scorer(values))
    if found.shape != expected.shape:
        raise _mismatch(folder, f"scores have the shape {found.shape}, stored are {expected.shape}")
    difference = float(np.max(np.abs(found - expected), initial=0.0))
    if not difference <= TOLERANCE:  # written so that NaN is refused as well
        raise _mismatch(folder, f"scores differ by {difference:.3g} from the stored ones")
    return difference


def _mismatch(folder: Path, what: str) -> IntegrityError:
    remedy = "do not use the artifact here; train it anew with the libraries of this machine"
    return IntegrityError(what, where=str(folder / SCORES_FILE), remedy=remedy, code="golden-scores")
