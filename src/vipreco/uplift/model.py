"""Uplift model of a campaign: a learner of uplift, bound to the columns and products of a fit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from typing import Final

import numpy as np
from numpy.typing import NDArray

from vipreco.errors import IntegrityError
from vipreco.uplift.learners import Learner
from vipreco.uplift.rows import Floats, Mask

Values = NDArray[np.float32]
Indices = NDArray[np.int64]
OWN_COLUMNS: Final = ("product", "propensity_log_odds")
"""Columns that a learner sees of a pair beside the features: which product, and how likely it is anyway."""
SURE: Final = 1e-6


@dataclass(frozen=True)
class PairColumns:
    """Features of a customer-product pair that a learner sees.

    Args:
        customer: Customer-grain columns.
        product: Product-grain features, without the product.
        products: Products of the fit; their place is a column.
        positions: For each product, the positions of these columns among those of the fit, shape (P, k).
    """

    customer: tuple[str, ...]
    product: tuple[str, ...]
    products: tuple[str, ...]
    positions: Indices

    @classmethod
    def bound(
        cls, customer: Sequence[str], product: Sequence[str], names: Sequence[str], products: Sequence[str]
    ) -> PairColumns:
        """Return these columns in a fit with columns `names` and these products.

        Raises:
            IntegrityError: The fit has no such column.
        """
        place = {name: position for position, name in enumerate(names)}
        wanted = [[*customer, *(f"{feature}@{one}" for feature in product)] for one in products]
        missing = sorted({name for row in wanted for name in row} - set(place))
        if missing:
            raise IntegrityError(
                f"the fit has no column {missing[0]}",
                where="uplift",
                remedy="train it anew",
                code="feature-list",
            )
        positions = np.array([[place[name] for name in row] for row in wanted], np.int64)
        return cls(tuple(customer), tuple(product), tuple(products), positions.reshape(len(products), -1))

    @classmethod
    def chosen(
        cls, names: Sequence[str], products: Sequence[str], leave_out: Sequence[str] = ()
    ) -> PairColumns:
        """Return all columns of a fit but those that `leave_out` names, or that a product lacks."""
        kept = [name for name in names if not any(_fits(name, pattern) for pattern in leave_out)]
        customer = [name for name in kept if "@" not in name]
        there = set(kept)
        features = dict.fromkeys(name.partition("@")[0] for name in kept if "@" in name)
        product = [one for one in features if all(f"{one}@{each}" in there for each in products)]
        return cls.bound(customer, product, names, products)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the columns that a learner sees, in order."""
        return (*self.customer, *self.product, *OWN_COLUMNS)

    def values(self, values: Values, product: Indices, propensity: Floats) -> Values:
        """Return what a learner sees of pairs.

        Args:
            values: Columns of the fit of each pair's customer, shape (n, columns).
            product: Place of each pair's product, shape (n,).
            propensity: Chance of the acquisition by the fit, shape (n,).
        """
        seen = np.take_along_axis(values, self.positions[product], axis=1)
        chance = np.clip(propensity, SURE, 1 - SURE)
        own = [product.astype(np.float32), np.log(chance / (1 - chance)).astype(np.float32)]
        return np.column_stack([seen, *own])


@dataclass(frozen=True)
class UpliftModel:
    """A learner that beat propensity on held-out customers of finished campaigns.

    Args:
        kind: Name of the learner: `s`, `t` or `x`.
        learner: Fitted on all of these customers.
        columns: What it sees.
        average: What a contact added on average; for customers whom no model may score.
        reach_rate: Share of a product's chance that the channels of these campaigns realised.
    """

    kind: str
    learner: Learner
    columns: PairColumns
    average: float
    reach_rate: float = field(default=1.0)

    def among(self, names: Sequence[str], products: Sequence[str]) -> UpliftModel:
        """Return the model bound to the columns and products of another fit."""
        mine = self.columns
        return replace(self, columns=PairColumns.bound(mine.customer, mine.product, names, products))


def incremental(
    model: UpliftModel,
    values: Values,
    propensity: NDArray[np.floating],
    products: Sequence[str],
    personalised: Mask | None = None,
) -> Floats:
    """Return what an offer adds to the chance of each acquisition, shape (n, products); it may be negative.

    It stands in the place of the propensity: a channel's reach comes on top, and a product that was not
    there when the model was fitted gets 0.

    Args:
        model: Of the recommender in use.
        values: Its columns of each customer (`Fitted.columns_of`), shape (n, k).
        propensity: Chance of each acquisition, shape (n, products).
        products: Ids.
        personalised: False for customers whom no model may score; they get the average.
    """
    known = {product: place for place, product in enumerate(model.columns.products)}
    added = np.zeros((len(values), len(products)))
    for column, product in enumerate(products):
        if product in known and len(values):
            place = np.full(len(values), known[product], np.int64)
            pairs = model.columns.values(values, place, np.asarray(propensity[:, column], np.float64))
            added[:, column] = model.learner.uplift(pairs)
    if personalised is not None:
        added[~personalised] = model.average * np.isin(np.array(products), np.array(list(known)))
    return added / model.reach_rate


def _fits(name: str, pattern: str) -> bool:
    return fnmatchcase(name.partition("@")[0], pattern)
