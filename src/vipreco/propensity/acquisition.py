"""P(customer acquires product within the horizon), for every product of the catalogue at once.

Two boosters: P(acquires anything) over all observed customers, and P(product | acquires) over the
acquirers alone; the second starts from a prior with collaborative filtering (experiment 010). Their
product is calibrated product by product. Experiment 001 compares this shape with one booster a product
and with one booster over customer-product pairs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from vipreco.collaborative import Source
from vipreco.errors import InputRejectedError
from vipreco.folds import customer_folds
from vipreco.propensity.booster import Booster, Examples, Machine, Scores, Values
from vipreco.propensity.calibration import Calibration, Mask
from vipreco.propensity.holding_columns import HoldingColumns
from vipreco.propensity.hybrid import Hybrid
from vipreco.propensity.look_alikes import LookAlikes, look_alike_columns
from vipreco.propensity.pair_prior import (
    PairPrior,
    PairScores,
    PriorInputs,
    family_numbers,
    on_shelf,
    softmax,
)
from vipreco.propensity.rows import LabelledRows, Rows, SomeRows
from vipreco.propensity.settings import PropensitySettings

CERTAIN = 1.0
CHUNK_ROWS = 50_000  # that are scored at once: the memory of a fit is that of its rows


@dataclass(frozen=True)
class CollaborativeFiltering:
    """Collaborative filtering below the boosters.

    Args:
        sources: Of each as-of date, fitted over everything that customers had ever held then.
        product_ids: Products in the order of the rows' columns.
        families: Their families.
        categories: Columns that hold codes of categories, which have no order.
        launched: Products that were there at each as-of date, shape (P,).
    """

    sources: Mapping[np.datetime64, Source]
    product_ids: tuple[str, ...]
    families: tuple[str, ...]
    categories: tuple[str, ...] = ()
    launched: Mapping[np.datetime64, Mask] = field(default_factory=dict)


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
        floor: Share of a product that nobody acquired in the fitted rows, where there is no prior.
        prior: Shares that the boosters start from; None in artifacts of before, and without holdings.
    """

    boosters: tuple[Booster, ...]
    class_products: NDArray[np.int64]
    products: int
    floor: float
    prior: PairPrior | None = None

    @classmethod
    def fit(cls, rows: Rows, context: FitContext, inputs: PriorInputs | None = None) -> ProductModel:
        """Fit on acquirers; a customer with three acquisitions gives three rows."""
        row, product = np.nonzero(rows.acquired)
        class_products, classes = np.unique(product, return_inverse=True)
        products, floor = rows.acquired.shape[1], 0.5 / (len(row) + rows.acquired.shape[1])
        prior = inputs.fit(rows) if inputs and len(rows) else None
        if len(class_products) < 2:
            return cls((), class_products, products, floor, prior)
        start = inputs.logits(prior, rows)[row][:, class_products] if inputs and prior else None
        examples = Examples(rows.take(row).examples, classes, rows.weights[row], start)
        boosters = [
            Booster.fit(examples, context.names, context.settings.product, machine, len(class_products))
            for machine in context.machine.siblings(context.settings.bags)
        ]
        return cls(tuple(boosters), class_products, products, floor, prior)

    def shares(self, values: Values) -> Scores:
        """Return the share of each product, shape (n, P)."""
        if self.prior is not None:
            return self._above(self.prior, values)
        shares = np.full((len(values), self.products), self.floor)
        if len(self.class_products):
            scores = [booster.score(values) for booster in self.boosters]
            shares[:, self.class_products] = np.mean(scores, axis=0) if scores else CERTAIN
        return shares

    def _above(self, prior: PairPrior, values: Values) -> Scores:
        """Return the shares of the boosters above their prior; without boosters its own."""
        logits = prior.logits(values)
        if not self.boosters:
            return softmax(logits)
        parts = []
        for booster in self.boosters:
            own = logits.copy()
            own[:, self.class_products] += booster.raw(values)
            parts.append(softmax(own))
        return np.asarray(np.mean(parts, axis=0))


@dataclass(frozen=True)
class AcquisitionModel:
    """A fitted, calibrated model of all products.

    Args:
        product: Shares over the products.
        any: P(acquires anything); None where the data cannot tell, because every customer in it acquired.
        calibration: From raw to calibrated probabilities.
        thin_evidence: Products with too few acquisitions to be trusted, shape (P,).
        acquisitions: Acquisitions of each product that were learnt from, shape (P,).
        hybrid: Collaborative filtering above the boosters, in artifacts of before; else None.
    """

    product: ProductModel
    any: Booster | None
    calibration: Calibration
    thin_evidence: Mask
    acquisitions: NDArray[np.int64]
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
        every, sample = rows.uncopied, None if rates is None else rates.uncopied
        acquirers, inputs = every.take(every.acquirers), prior_inputs(every, context)
        product = ProductModel.fit(acquirers, context, inputs)
        if sample is None:
            scored = _cross_fitted(every, context, inputs)
        else:
            scored = _rated(product, acquirers, sample, context)
        learnt = acquirers.acquired.sum(axis=0).astype(np.int64)
        thin = learnt < context.settings.thin_evidence_positives
        any_ = fit_any(every if sample is None else sample, context)
        return cls(product, any_, _calibration(*scored, context), thin, learnt)

    def propensities(self, values: Values) -> Scores:
        """Return P(acquire) of each product, shape (n, P)."""
        return self.calibration.apply(_times_any(self.shares(values), self.any, values))

    def shares(self, values: Values) -> Scores:
        """Return P(product | acquires something) with collaborative filtering in it, shape (n, P)."""
        return _pooled(self.product.shares(values), self.hybrid, values)


def _pooled(shares: Scores, hybrid: Hybrid | None, values: Values) -> Scores:
    return shares if hybrid is None else hybrid.pool(shares, values)


def _times_any(shares: Scores, any_: Booster | None, values: Values) -> Scores:
    return shares * any_.score(values)[:, None] if any_ else shares


def prior_inputs(rows: Rows, context: FitContext) -> PriorInputs | None:
    """Fit the scores of the prior as of each date of the rows; None without holdings among the columns."""
    filtering, settings = context.filtering, context.settings
    holdings = HoldingColumns.of(context.names, filtering.product_ids) if filtering else None
    if filtering is None or holdings is None:
        return None
    columns = look_alike_columns(context.names, filtering.categories, settings.look_alikes_leave_out)
    scores = {}
    for day in np.unique(rows.as_of):
        own = rows.take(rows.as_of == day)
        values = own.values
        held = holdings.ever(values).held
        alike = LookAlikes.fit(values, held, own.weights, columns, settings.look_alikes_ridge)
        scores[day] = PairScores.of(filtering.sources[day], alike, holdings, values)
    return PriorInputs(scores, holdings, family_numbers(filtering.families), filtering.launched)


def fit_any(rows: Rows, context: FitContext) -> Booster | None:
    """Fit P(acquires anything), or None where all rows (or none) acquired."""
    acquirers = rows.acquirers
    if acquirers.all() or not acquirers.any():
        return None
    chosen, weights = _sampled(acquirers, rows.weights, context)
    examples = Examples(rows.take(chosen).examples, acquirers[chosen], weights[chosen])
    return Booster.fit(examples, context.names, context.settings.any, context.machine)


def _sampled(
    acquirers: Mask, weights: NDArray[np.float32], context: FitContext
) -> tuple[Mask, NDArray[np.float32]]:
    """Return which rows are learnt from, all acquirers among them, and how many customers each stands for."""
    others = ~acquirers
    rate = context.settings.others_per_acquirer * acquirers.sum() / max(others.sum(), 1)
    if rate >= 1.0:
        return np.ones(len(acquirers), bool), weights
    chosen = acquirers | (np.random.default_rng(context.machine.seed).random(len(acquirers)) < rate)
    factor = weights[others].sum() / max(weights[others & chosen].sum(), 1.0)
    return chosen, np.where(acquirers, weights, weights * factor).astype(np.float32)


def _calibration(rows: Rows, raw: Scores, context: FitContext) -> Calibration:
    settings, filtering = context.settings, context.filtering
    return Calibration.fit(
        raw,
        rows.acquired,
        rows.listable & on_shelf(rows, filtering.launched if filtering else {}),
        rows.weights.astype(np.float64),
        (settings.intercept_deviation, settings.slope_deviation),
    )


def _cross_fitted(rows: SomeRows, context: FitContext, inputs: PriorInputs | None) -> tuple[SomeRows, Scores]:
    """Return rows with raw probabilities from boosters that have not seen them.

    With several as-of dates the newest ones are predicted by the earlier ones, as in use; with a single one,
    each fold of customers is predicted by the others.
    """
    raw = np.full(rows.acquired.shape, np.nan)
    for unseen in _held_out(rows, context):
        seen = rows.take(~unseen)
        product = ProductModel.fit(seen.take(seen.acquirers), context, inputs)
        any_ = fit_any(seen, context)
        places = np.flatnonzero(unseen)
        for start in range(0, len(places), CHUNK_ROWS):
            own = places[start : start + CHUNK_ROWS]
            values = rows.take(own).values
            raw[own] = _times_any(product.shares(values), any_, values)
    scored = np.isfinite(raw).all(axis=1)
    return rows.take(scored), raw[scored]


def _held_out(rows: Rows, context: FitContext) -> Iterator[Mask]:
    dates = np.unique(rows.as_of)
    if len(dates) > 1:
        yield rows.as_of >= dates[-min(context.settings.calibration_dates, len(dates) // 2)]
        return
    count = context.settings.calibration_folds
    folds = customer_folds(rows.customer_ids, count, context.machine.seed)
    yield from (folds == fold for fold in range(count))


def _rated(
    product: ProductModel,
    acquirers: SomeRows,
    rates: SomeRows,
    context: FitContext,
) -> tuple[SomeRows, Scores]:
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
    raw = product.shares(rates.values)
    for fold in range(count):
        any_ = fit_any(rates.take(folds != fold), context)
        raw[folds == fold] *= any_.score(rates.take(folds == fold).values)[:, None] if any_ else CERTAIN
    return rates, raw
