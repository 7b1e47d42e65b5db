"""P(customer acquires product within the horizon), for every product of the catalogue at once.

Two boosters: P(acquires anything) over all observed customers, and P(product | acquires) over the
acquirers alone. Their product is calibrated product by product. Experiment 001 compares this shape
with one booster a product and with one booster over customer-product pairs.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vipreco.collaborative import Source
from vipreco.errors import InputRejectedError
from vipreco.folds import customer_folds
from vipreco.propensity.booster import Booster, Examples, Machine, Scores, Values
from vipreco.propensity.calibration import Calibration, Mask
from vipreco.propensity.hybrid import Holdings, Hybrid
from vipreco.propensity.rows import LabelledRows
from vipreco.propensity.settings import PropensitySettings

CERTAIN = 1.0


@dataclass(frozen=True)
class CollaborativeFiltering:
    """Collaborative filtering beside the boosters.

    Args:
        source: Fitted over everything that customers ever held.
        product_ids: Products in the order of the rows' columns.
        families: Their families.
    """

    source: Source
    product_ids: tuple[str, ...]
    families: tuple[str, ...]


@dataclass(frozen=True)
class FitContext:
    """Everything that the fits of this model share: columns, settings, seed and threads."""

    names: tuple[str, ...]
    settings: PropensitySettings
    machine: Machine
    filtering: CollaborativeFiltering | None = None


@dataclass(frozen=True)
class ProductModel:
    """P(product | customer acquires something): shares over the products, rows sum to 1.

    Args:
        boosters: Averaged; classes are the products with an acquisition in the fitted rows; empty if
            there is but one such product.
        class_products: Product number of each class.
        products: Number of products in the catalogue.
        floor: Share of a product that nobody acquired in the fitted rows.
    """

    boosters: tuple[Booster, ...]
    class_products: NDArray[np.int64]
    products: int
    floor: float

    @classmethod
    def fit(cls, rows: LabelledRows, context: FitContext) -> ProductModel:
        """Fit on acquirers; a customer with three acquisitions gives three rows."""
        row, product = np.nonzero(rows.acquired)
        class_products, classes = np.unique(product, return_inverse=True)
        products, floor = rows.acquired.shape[1], 0.5 / (len(row) + rows.acquired.shape[1])
        if len(class_products) < 2:
            return cls((), class_products, products, floor)
        examples = Examples(rows.values[row], classes, rows.weights[row])
        boosters = [
            Booster.fit(examples, context.names, context.settings.product, machine, len(class_products))
            for machine in context.machine.siblings(context.settings.bags)
        ]
        return cls(tuple(boosters), class_products, products, floor)

    def shares(self, values: Values) -> Scores:
        """Return the share of each product, shape (n, P)."""
        shares = np.full((len(values), self.products), self.floor)
        if len(self.class_products):
            scores = [booster.score(values) for booster in self.boosters]
            shares[:, self.class_products] = np.mean(scores, axis=0) if scores else CERTAIN
        return shares

    def contributions(self, values: Values, product: int) -> Scores | None:
        """Return what each column adds to the score of `product`, or None where no booster knows it."""
        position = np.flatnonzero(self.class_products == product)
        if not self.boosters or len(position) == 0:
            return None
        added = [booster.contributions(values, int(position[0])) for booster in self.boosters]
        return np.asarray(np.mean(added, axis=0))


@dataclass(frozen=True)
class AcquisitionModel:
    """A fitted, calibrated model of all products.

    Args:
        product: Shares over the products.
        any: P(acquires anything); None where the data cannot tell, because every customer in it acquired.
        calibration: From raw to calibrated probabilities.
        thin_evidence: Products with too few acquisitions to be trusted, shape (P,).
        hybrid: Collaborative filtering in the shares; None in artifacts of before, and without holdings.
    """

    product: ProductModel
    any: Booster | None
    calibration: Calibration
    thin_evidence: Mask
    hybrid: Hybrid | None = None

    @property
    def rates_known(self) -> bool:
        """Return True when probabilities are rates in the population, not only an order among acquirers."""
        return self.any is not None

    @classmethod
    def fit(
        cls, rows: LabelledRows, context: FitContext, rates: LabelledRows | None = None
    ) -> AcquisitionModel:
        """Fit both boosters on all rows, and the calibration on rows that its boosters have not seen.

        Args:
            rows: Acquirers and, unless `rates` is given, an unbiased sample of the other customers.
            context: Columns, settings, seed, threads.
            rates: Another unbiased sample, for banks whose rows hold acquirers alone.

        Raises:
            InputRejectedError: All customers of `rates` are among the acquirers.
        """
        acquirers = rows.take(rows.acquirers)
        product = ProductModel.fit(acquirers, context)
        unseen = _cross_fitted(rows, context)
        hybrid = _fit_hybrid(acquirers, unseen, context)
        scored = (
            unseen.pooled(hybrid) if rates is None else _rated(product, hybrid, acquirers, rates, context)
        )
        thin = acquirers.acquired.sum(axis=0) < context.settings.thin_evidence_positives
        any_ = fit_any(rows if rates is None else rates, context)
        return cls(product, any_, _calibration(*scored, context.settings), thin, hybrid)

    def propensities(self, values: Values) -> Scores:
        """Return P(acquire) of each product, shape (n, P)."""
        return self.calibration.apply(_times_any(self.shares(values), self.any, values))

    def shares(self, values: Values) -> Scores:
        """Return P(product | acquires something) with collaborative filtering in it, shape (n, P)."""
        return _pooled(self.product.shares(values), self.hybrid, values)

    def contributions(self, values: Values, product: int) -> Scores:
        """Return what each column adds to the raw score of `product`, shape (n, columns)."""
        parts = [self.product.contributions(values, product)]
        parts.append(self.any.contributions(values) if self.any else None)
        known = [part for part in parts if part is not None]
        return np.sum(known, axis=0) if known else np.zeros(values.shape)


def _pooled(shares: Scores, hybrid: Hybrid | None, values: Values) -> Scores:
    return shares if hybrid is None else hybrid.pool(shares, values)


def _times_any(shares: Scores, any_: Booster | None, values: Values) -> Scores:
    return shares * any_.score(values)[:, None] if any_ else shares


@dataclass(frozen=True)
class _Unseen:
    """Rows with the boosters' shares and P(acquires anything), by boosters that have not seen them."""

    rows: LabelledRows
    shares: Scores
    any: Scores

    def pooled(self, hybrid: Hybrid | None) -> tuple[LabelledRows, Scores]:
        """Return the rows with raw probabilities."""
        return self.rows, _pooled(self.shares, hybrid, self.rows.values) * self.any[:, None]


def _fit_hybrid(acquirers: LabelledRows, unseen: _Unseen, context: FitContext) -> Hybrid | None:
    """Fit the weights of collaborative filtering on acquirers whom the boosters have not seen."""
    filtering, rows = context.filtering, unseen.rows
    holdings = Holdings.of(context.names, filtering.product_ids) if filtering else None
    if filtering is None or holdings is None or not len(rows):
        return None
    counts = acquirers.acquired.sum(axis=0).astype(np.float64)
    prior = Hybrid.prior(filtering.source, holdings, rows.values, counts, filtering.families)
    some = rows.acquirers
    return prior.fitted(unseen.shares[some], rows.values[some], rows.acquired[some], rows.listable[some])


def fit_any(rows: LabelledRows, context: FitContext) -> Booster | None:
    """Fit P(acquires anything), or None where all rows (or none) acquired."""
    acquirers = rows.acquirers
    if acquirers.all() or not acquirers.any():
        return None
    examples = Examples(rows.values, acquirers, rows.weights)
    return Booster.fit(examples, context.names, context.settings.any, context.machine)


def _calibration(rows: LabelledRows, raw: Scores, settings: PropensitySettings) -> Calibration:
    return Calibration.fit(
        raw,
        rows.acquired,
        rows.listable,
        rows.weights.astype(np.float64),
        (settings.intercept_deviation, settings.slope_deviation),
    )


def _cross_fitted(rows: LabelledRows, context: FitContext) -> _Unseen:
    """Return rows with shares from boosters that have not seen them.

    With several as-of dates the last one is predicted by the earlier ones, as in use; with a single one,
    each fold of customers is predicted by the others.
    """
    shares, any_chance = np.full(rows.acquired.shape, np.nan), np.ones(len(rows))
    for unseen in _held_out(rows, context):
        seen, values = rows.take(~unseen), rows.values[unseen]
        shares[unseen] = ProductModel.fit(seen.take(seen.acquirers), context).shares(values)
        any_ = fit_any(seen, context)
        any_chance[unseen] = any_.score(values) if any_ else CERTAIN
    scored = np.isfinite(shares).all(axis=1)
    return _Unseen(rows.take(scored), shares[scored], any_chance[scored])


def _held_out(rows: LabelledRows, context: FitContext) -> Iterator[Mask]:
    last = rows.as_of.max()
    if last > rows.as_of.min():
        yield rows.as_of == last
        return
    count = context.settings.calibration_folds
    folds = customer_folds(rows.customer_ids, count, context.machine.seed)
    yield from (folds == fold for fold in range(count))


def _rated(
    product: ProductModel,
    hybrid: Hybrid | None,
    acquirers: LabelledRows,
    rates: LabelledRows,
    context: FitContext,
) -> tuple[LabelledRows, Scores]:
    """Return the rates with raw probabilities; P(acquires anything) from boosters that have not seen the row.

    Customers who are also among the acquirers stay in: they were chosen for an acquisition, and a sample
    without them acquires less than the population does. The shares over the products have seen them, once
    and at another date.
    """
    if np.isin(rates.customer_ids.astype(np.str_), acquirers.customer_ids.astype(np.str_)).all():
        raise InputRejectedError(
            "every customer of the rates tables is among the acquirers that are learnt from",
            remedy="give other customers, or leave the rates tables out of the recipe",
            code="rates-seen",
        )
    count = context.settings.calibration_folds
    folds = customer_folds(rates.customer_ids, count, context.machine.seed)
    raw = _pooled(product.shares(rates.values), hybrid, rates.values)
    for fold in range(count):
        any_ = fit_any(rates.take(folds != fold), context)
        raw[folds == fold] *= any_.score(rates.values[folds == fold])[:, None] if any_ else CERTAIN
    return rates, raw
