"""Random facts, from plausible to absurd, with many that are unknown: what an audit throws at the rules."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from vipreco.policy import (
    CHANNELS,
    NEVER_DAYS,
    Grain,
    Kind,
    Policy,
    PolicyColumn,
    PolicyFacts,
    boundary_values,
)

SPOILT: Final = (0.0, 0.04, 0.25, 1.0)
"""Shares of facts that are drawn at random; each row has one of them."""
EXTREMES: Final = (-1e12, 1e-9, 1e18)
# A customer and a product that the law lets pass: each duty is put to the test by few changes.
USUAL: Final[dict[str, Any]] = {
    "customer_risk_level": "C5",
    "customer_risk_rank": 5.0,
    "customer_risk_assessed_days": 100.0,
    "customer_risk_assessed_months": 3.0,
    "customer_age_years": 40.0,
    "customer_in_snapshot": True,
    "customer_consent_in_channel": True,
    "customer_free_liquidity_amount": 5e6,
    "customer_qualified_investor": True,
    "customer_legal_capacity": "full",
    "customer_guardian_consent": True,
    "customer_investor_class": "ordinary",
    "customer_demands_recorded": True,
    "customer_contact_days": float(NEVER_DAYS),
    "product_family": "wealth",
    "product_risk_level": "R2",
    "product_risk_rank": 2.0,
    "product_min_amount": 10_000.0,
    "product_placement": "public",
    "product_offered": True,
    "product_in_channel": True,
    "product_scored": True,
    "pair_prerequisites_held": True,
    "pair_decline_days": float(NEVER_DAYS),
}
OTHERWISE: Final[dict[Kind, Any]] = {Kind.FLAG: False, Kind.NUMBER: 0.0, Kind.TEXT: "ordinary"}


def draw_facts(policy: Policy, day: date, pairs: int, seed: int, products: int = 25) -> Iterator[PolicyFacts]:
    """Give random facts about `pairs` pairs or a little more, an equal part in each channel.

    Args:
        policy: The columns that its rules ask for are drawn, around the values that they name.
        day: As-of date of the facts.
        pairs: Number of pairs.
        seed: The same seed gives the same facts.
        products: Number of products in each set.
    """
    customers = -(-pairs // (products * len(CHANNELS)))
    for number, channel in enumerate(CHANNELS):
        random = np.random.default_rng([seed, number])
        yield PolicyFacts(
            day,
            channel,
            _table(policy, Grain.CUSTOMER, customers, random),
            _table(policy, Grain.PRODUCT, products, random),
            _pairs(policy, (customers, products), random),
        )


def _columns(policy: Policy, grain: Grain) -> list[PolicyColumn]:
    asked = frozenset().union(*(one.condition_columns for one in policy.compiled))
    return [policy.known[name] for name in sorted(asked) if policy.known[name].grain is grain]


def _table(policy: Policy, grain: Grain, rows: int, random: np.random.Generator) -> pl.DataFrame:
    spoilt = random.choice(SPOILT, rows)
    series = [_series(policy, column, spoilt, random) for column in _columns(policy, grain)]
    return pl.DataFrame(series or None, height=rows)


def _series(
    policy: Policy, column: PolicyColumn, spoilt: NDArray[np.float64], random: np.random.Generator
) -> pl.Series:
    usual = USUAL.get(column.name, OTHERWISE.get(column.kind))
    values = [usual, *_telling(policy, column), None]
    chosen = random.integers(0, len(values), len(spoilt))
    places = np.where(random.random(len(spoilt)) < spoilt, chosen, 0).astype(np.uint32)
    return pl.Series(column.name, values, dtype=column.dtype, strict=False).gather(places)


def _telling(policy: Policy, column: PolicyColumn) -> list[Any]:
    rules = (one for one in policy.compiled if column.name in one.condition_columns)
    sql = " ".join(f"{one.concerns_sql} {one.requires_sql}" for one in rules)
    return [*boundary_values(column.kind, sql), *(EXTREMES if column.kind is Kind.NUMBER else ())]


def _pairs(
    policy: Policy, shape: tuple[int, int], random: np.random.Generator
) -> dict[str, NDArray[np.generic]]:
    spoilt = random.choice(SPOILT, shape).ravel()
    drawn = [_series(policy, column, spoilt, random) for column in _columns(policy, Grain.PAIR)]
    return {one.name: one.cast(pl.Float64).fill_null(np.nan).to_numpy().reshape(shape) for one in drawn}
