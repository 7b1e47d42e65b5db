"""Implicit ALS (Hu, Koren and Volinsky, 2008): fitted by implicit, scored by our own fold-in.

A customer's factors are the closed-form answer to their holdings, so none is stored, a customer who was
not there at the fit is scored like any other, and nobody can get another customer's list.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from vipreco.collaborative.baskets import blocks, byte_tables, distinct_baskets, sorted_baskets, sum_held
from vipreco.collaborative.source import ItemSideSource
from vipreco.collaborative.state import Arrays, Flags, HoldingState, Scores

if TYPE_CHECKING:
    from implicit.cpu.als import AlternatingLeastSquares


@dataclass
class ImplicitALS(ItemSideSource):
    """Matrix factorisation of holdings with confidence `alpha` on what is held and 1 on what is not.

    The defaults suit a catalogue of some twenty products, where many factors or a high alpha lose to
    popularity.

    Args:
        factors: Length of a product's vector.
        regularization: Penalty on the length of the vectors.
        alpha: Confidence of a holding against a non-holding.
        iterations: Alternations of the fit.
        seed: Of the starting vectors of the products.
    """

    factors: int = 2
    regularization: float = 10.0
    alpha: float = 1.0
    iterations: int = 15
    seed: int = 20260101
    name: ClassVar[str] = "implicit-als"
    axes: ClassVar[dict[str, str]] = {"item_factors": "FP", "regularization": "", "alpha": ""}
    _outer_tables: Scores = field(init=False, repr=False, compare=False)
    _factor_tables: Scores = field(init=False, repr=False, compare=False)

    def _fit(self, state: HoldingState) -> Arrays:
        return {
            "item_factors": self._item_factors(state.held),
            "regularization": np.array(self.regularization, dtype=np.float32),
            "alpha": np.array(self.alpha, dtype=np.float32),
        }

    def _item_factors(self, held: Flags) -> Scores:
        baskets = sorted_baskets(held)
        if baskets.nnz == 0:
            return np.zeros((self.factors, held.shape[1]), dtype=np.float32)
        model = self.implicit_model()
        # customers start from zero, not at random, so that their number and order have no say
        model.user_factors = np.zeros((baskets.shape[0], self.factors), dtype=np.float32)
        with threadpool_limits(1):
            model.fit(baskets, show_progress=False)
        return np.ascontiguousarray(model.item_factors.T, dtype=np.float32)

    def implicit_model(self) -> AlternatingLeastSquares:
        """The unfitted model of implicit with these settings, on one thread: deterministic."""
        from implicit.cpu.als import AlternatingLeastSquares  # noqa: PLC0415 - to fit alone, not to answer

        with threadpool_limits(1):  # implicit warns at construction when BLAS has more
            return AlternatingLeastSquares(
                factors=self.factors,
                regularization=self.regularization,
                alpha=self.alpha,
                iterations=self.iterations,
                num_threads=1,
                random_state=self.seed,
            )

    @property
    def item_factors(self) -> Scores:
        """(F, P): one column a product."""
        return np.asarray(self._arrays["item_factors"], dtype=np.float32)

    def _prepare(self) -> None:
        factors = self.item_factors.T
        outer = factors[:, :, None] * factors[:, None, :]
        self._outer_tables = byte_tables(outer.reshape(len(factors), -1))
        self._factor_tables = byte_tables(factors)

    def _score(self, state: HoldingState) -> Scores:
        baskets, which = distinct_baskets(state.held)
        scores = np.zeros(baskets.shape, dtype=np.float32)
        for rows in blocks(len(baskets)):
            scores[rows] = self._score_baskets(baskets[rows])
        return scores[which]

    def _score_baskets(self, held: Flags) -> Scores:
        customers = self.fold_in(held)
        scores = np.zeros(held.shape, dtype=np.float64)
        for factor, products in enumerate(self.item_factors.astype(np.float64)):
            scores += customers[:, factor, None] * products
        return scores.astype(np.float32)

    def fold_in(self, held: Flags) -> NDArray[np.float64]:
        """Customer factors (n, F) for baskets in the columns of `product_ids`, by the closed form."""
        liked = float(self._arrays["alpha"]) * sum_held(held, self._factor_tables).astype(np.float64)
        return np.asarray(np.linalg.solve(self._normal(held), liked[:, :, None])[:, :, 0])

    def contributions(self, state: HoldingState, columns: NDArray[np.intp]) -> Scores:
        """Return what each held product adds to the score of product `columns[i]` of customer i: (n, P).

        Section 5 of the paper: y_p' A^-1 y_h, times the confidence. The product itself adds nothing.
        """
        ordered = state.in_columns(self.product_ids)
        padded = self._vectors(state.product_ids)
        towards = np.linalg.solve(self._normal(ordered.held), padded[columns][:, :, None])[:, :, 0]
        added = float(self._arrays["alpha"]) * (towards @ padded.T) * state.held
        added[np.arange(len(state)), columns] = 0.0
        return np.asarray(added, dtype=np.float32)

    def _normal(self, held: Flags) -> NDArray[np.float64]:
        """A = Y'Y + regularization I + (alpha - 1) sum of y y' over held products, (n, F, F)."""
        factors = self.item_factors.astype(np.float64)
        width = len(factors)
        shared = factors @ factors.T + self._ridge() * np.eye(width)
        own = sum_held(held, self._outer_tables).astype(np.float64).reshape(-1, width, width)
        return shared + (float(self._arrays["alpha"]) - 1.0) * own

    def _ridge(self) -> float:
        # without any holding the factors are 0, and without a penalty the system would have no answer
        return max(float(self._arrays["regularization"]), 1e-6)

    def _vectors(self, product_ids: tuple[str, ...]) -> NDArray[np.float64]:
        """One row a product of `product_ids`; zeros where the fit has not seen it."""
        known = {product: self.item_factors[:, column] for column, product in enumerate(self.product_ids)}
        nothing = np.zeros(len(self.item_factors), dtype=np.float32)
        return np.array([known.get(product, nothing) for product in product_ids], dtype=np.float64)
