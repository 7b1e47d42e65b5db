"""Effect of each factor of the priority: leave one out at a time and see what changes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from vipreco.arbitration import FACTORS, Context, Factor, PriorityFactors, context_of, unknown_names
from vipreco.catalog import Catalog
from vipreco.history import View
from vipreco.policy import ALLOWED
from vipreco.recommender import Decisions
from vipreco.settings import ArbitrationSettings

Floats = NDArray[np.float64]
SCHEMA = {
    "left_out": pl.String,
    "customers": pl.Int64,
    "changed_offer_rate": pl.Float64,
    "changed_call_rate": pl.Float64,
    "lost_amount": pl.Float64,
    "lost_rate": pl.Float64,
}


@dataclass
class Tally:
    """Sums over chunks of customers for one factor."""

    customers: int = 0
    offers: int = 0
    calls: int = 0
    value: float = 0.0
    kept: float = 0.0

    def add(self, decisions: Decisions, factor: Factor) -> None:
        """Add a chunk: what is first with every factor, and without this one."""
        allowed, weighed = decisions.verdict == ALLOWED, decisions.factors
        reduced = weighed.without(factor)
        full, less = heads(weighed, allowed), heads(reduced, allowed)
        products = len(decisions.product_ids)
        counted = full.max(axis=1, initial=-np.inf) > -np.inf
        before, after = full.argmax(axis=1), less.argmax(axis=1)
        first, then = full[:, :products].argmax(axis=1), less[:, :products].argmax(axis=1)
        rows, money = np.arange(len(full)), heads(weighed.money, allowed)
        self.customers += int(counted.sum())
        self.offers += int((counted & (first != then)).sum())
        self.calls += int((counted & (before != after)).sum())
        self.value += float(money[rows, before][counted].sum())
        self.kept += float(money[rows, after][counted].sum())

    def row(self, factor: Factor) -> tuple[str, int, float | None, float | None, float, float | None]:
        """Return the row of the table; shares of nothing are unknown."""
        lost = self.value - self.kept
        many = self.customers
        return (
            factor,
            many,
            self.offers / many if many else None,
            self.calls / many if many else None,
            lost,
            lost / self.value if self.value else None,
        )


def sensitivity(chunks: Iterable[Decisions]) -> pl.DataFrame:
    """Return what changes when one factor is left out, by factor.

    Returns:
        Rows left_out; customers with an allowed product; changed_offer_rate (share whose first offer is
        another one); changed_call_rate (share for whom another offer, or keeping or developing instead, heads
        the call); lost_amount (the expected value that is lost then, gain x value in currency) and
        lost_rate. Below 0 where the factor itself costs value: context and levers have their price.
    """
    tallies: dict[Factor, Tally] = {factor: Tally() for factor in FACTORS}
    for decisions in chunks:
        for factor, tally in tallies.items():
            tally.add(decisions, factor)
    return pl.DataFrame([tally.row(factor) for factor, tally in tallies.items()], SCHEMA, orient="row")


def heads(weighed: PriorityFactors, allowed: NDArray[np.bool_]) -> Floats:
    """Return what a call can be headed by: priorities of allowed products, then of the actions, (n, P + 2).

    Customers without an allowed product have minus infinity everywhere.
    """
    offers = np.where(allowed, weighed.priority, -np.inf)
    reachable = allowed.any(axis=1, keepdims=True)
    return np.hstack([offers, np.where(reachable, weighed.actions, -np.inf)])


def lever_table(settings: ArbitrationSettings, view: View) -> pl.DataFrame:
    """Return every weight of the recipe: rows kind, name, weight, about, note (what makes it idle)."""
    catalog = Catalog.from_view(view)
    levers, unknown = settings.levers, unknown_names(catalog.product_ids, catalog.families, settings.levers)
    context = context_of(view, catalog.families, settings.context)
    weights: dict[str, Mapping[Any, float]] = {
        "product": levers.products,
        "family": levers.families,
        "tier": levers.tiers,
        "action": levers.actions,
    }
    rows = [
        (kind, str(name), weight, "", "not in the catalogue" if name in unknown else "")
        for kind, by_name in weights.items()
        for name, weight in sorted(by_name.items())
    ]
    rows += [
        ("context", rule.name, rule.weight, rule.when, _idle(rule.name, context)) for rule in settings.context
    ]
    columns = ("kind", "name", "weight", "about", "note")
    return pl.DataFrame(rows, dict.fromkeys(columns, pl.String) | {"weight": pl.Float64}, orient="row")


def _idle(name: str, context: Context) -> str:
    return "the bank does not bring its columns" if name in context.not_applicable else ""
