"""Drift of a simulated bank: launches, rates that change, products that other customers come to want."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from vipreco.errors import UsageError
from vipreco.simulator.calendar import Calendar
from vipreco.simulator.parameters import DriftParameters
from vipreco.simulator.products import N_NEEDS, Catalogue
from vipreco.simulator.randomness import Purpose, stream

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Drift:
    """Changes of each month to the chances that the bank began with.

    Args:
        levels: Added to the log-hazard, shape (months, products); minus infinity before a launch.
        needs: Added to the weights of needs, shape (months, needs, products).
    """

    levels: Floats
    needs: Floats


def draw_drift(
    catalogue: Catalogue, calendar: Calendar, parameters: DriftParameters, seed: int
) -> Drift | None:
    """Draw random walks that begin with the first month, and bar products before their launch.

    None for a bank whose world does not change.

    Raises:
        UsageError: A launched product is not in the catalogue.
    """
    if parameters == DriftParameters():
        return None
    random = stream(seed, Purpose.DRIFT)
    months, products = calendar.months, len(catalogue.products)
    levels = _walk(random, (months, products)) * parameters.rate_sigma
    needs = _walk(random, (months, N_NEEDS, products)) * parameters.need_sigma
    for product, month in parameters.launches:
        column = _column(catalogue, product)
        before = int((np.datetime64(month, "M") - calendar.month(0)).astype(np.int64))
        levels[: max(before, 0), column] = -np.inf
    return Drift(levels, needs)


def launch_days(catalogue: Catalogue, parameters: DriftParameters) -> dict[str, date]:
    """Return the first day of the products that are launched within the simulation."""
    return {
        product: np.datetime64(month, "D").astype(date)
        for product, month in parameters.launches
        if _column(catalogue, product) >= 0
    }


def stock_levels(catalogue: Catalogue, levels: Floats, parameters: DriftParameters) -> Floats:
    """Return the levels of the opening stock: nobody holds what is not launched yet."""
    there = levels.copy()
    for product, _month in parameters.launches:
        there[_column(catalogue, product)] = -np.inf
    return there


def _walk(random: np.random.Generator, shape: tuple[int, ...]) -> Floats:
    steps = random.standard_normal(shape)
    steps[0] = 0
    walk: Floats = steps.cumsum(axis=0)
    return walk


def _column(catalogue: Catalogue, product: str) -> int:
    if product not in catalogue.ids:
        raise UsageError(f"{product} is no product of the bank", where="launches", code="range")
    return catalogue.position(product)
