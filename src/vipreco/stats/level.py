"""Level of all intervals; apart from what computes them, so that it is read without loading SciPy."""

from __future__ import annotations

from typing import Final

LEVEL: Final = 0.95
NORMAL_95: Final = 1.96  # standard deviations on each side of a mean
