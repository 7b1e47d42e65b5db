"""The most valuable set of calls that fits into the minutes of a day, exactly."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]


def packed(value: Floats, minutes: NDArray[np.integer], available: int) -> Mask:
    """Return the calls of greatest total value whose minutes fit, shape (n,).

    Exact: calls of equal length are taken from the best down, so that only their number is open, and the
    numbers are chosen by dynamic programming over the minutes. Of equal sets, one is taken by a fixed rule.

    Args:
        value: Value of each call; one of 0 or less is not taken, shape (n,).
        minutes: Length of each call, at least 1, shape (n,).
        available: Minutes of the day.
    """
    order = np.argsort(-value, kind="stable")
    order = order[value[order] > 0]
    lengths = np.unique(minutes[order])
    groups = [order[minutes[order] == length] for length in lengths]
    available = max(available, 0)
    best, counts = np.zeros(available + 1), []
    for length, group in zip(lengths.tolist(), groups, strict=True):
        best, taken = _with_group(best, length, value[group])
        counts.append(taken)
    return _traced(len(value), lengths.tolist(), groups, counts, available)


def _with_group(best: Floats, length: int, value: Floats) -> tuple[Floats, NDArray[np.intp]]:
    """Return the best value for each number of minutes with one more length, and how many calls of it."""
    most = min(len(value), (len(best) - 1) // length)
    sums = np.concatenate([[0.0], np.cumsum(value[:most])])
    options = np.full((most + 1, len(best)), -np.inf)
    for count, total in enumerate(sums):
        options[count, count * length :] = best[: len(best) - count * length] + total
    taken = options.argmax(axis=0)
    return options[taken, np.arange(len(best))], taken


def _traced(
    calls: int,
    lengths: list[int],
    groups: list[NDArray[np.intp]],
    counts: list[NDArray[np.intp]],
    available: int,
) -> Mask:
    chosen, left = np.zeros(calls, bool), available
    for length, group, taken in reversed(list(zip(lengths, groups, counts, strict=True))):
        count = int(taken[left])
        chosen[group[:count]] = True
        left -= count * length
    return chosen
