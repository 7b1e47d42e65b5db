"""Sources whose score is a weighted sum of the held products: EASE and item-item neighbours."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from vipreco.collaborative.baskets import byte_tables, co_occurrence, sorted_baskets, sum_held
from vipreco.collaborative.source import ItemSideSource
from vipreco.collaborative.state import Arrays, HoldingState, Scores


class LinearSource(ItemSideSource):
    """Score of product p = sum over held products h of weights[h, p]."""

    axes: ClassVar[dict[str, str]] = {"weights": "PP"}
    _tables: Scores

    @property
    def weights(self) -> Scores:
        """(P, P): what holding the row's product adds to the column's score."""
        return np.asarray(self._arrays["weights"], dtype=np.float32)

    def contributions(self, state: HoldingState, columns: NDArray[np.intp]) -> Scores:
        """Return what each held product adds to the score of product `columns[i]` of customer i: (n, P).

        The product itself adds nothing: it is no reason for itself.
        """
        position = {product: row for row, product in enumerate(self.product_ids)}
        rows = np.array([position.get(product, len(position)) for product in state.product_ids])
        padded = np.pad(self.weights, ((0, 1), (0, 1)))[np.ix_(rows, rows)]
        np.fill_diagonal(padded, 0.0)
        return np.asarray(padded.T[columns] * state.held, dtype=np.float32)

    def _fit(self, state: HoldingState) -> Arrays:
        if not state.held.any():
            return {"weights": np.zeros((len(state.product_ids),) * 2, dtype=np.float32)}
        with threadpool_limits(1):
            return {"weights": np.ascontiguousarray(self._weights(state), dtype=np.float32)}

    @abstractmethod
    def _weights(self, state: HoldingState) -> NDArray[Any]: ...

    def _prepare(self) -> None:
        self._tables = byte_tables(self.weights)

    def _score(self, state: HoldingState) -> Scores:
        return sum_held(state.held, self._tables)


@dataclass
class Ease(LinearSource):
    """Embarrassingly shallow autoencoder in closed form (Steck, 2019).

    Args:
        regularization: Added to the diagonal of the co-occurrence counts for each customer; the lambda of
            the paper is this times the number of customers. A catalogue of some twenty products wants far
            more than the few hundred that suit thousands of items: there EASE at 500 loses to popularity.
    """

    regularization: float = 3.0
    name: ClassVar[str] = "ease"

    def _weights(self, state: HoldingState) -> NDArray[np.float64]:
        counts = co_occurrence(state.held)
        ridge = self.regularization * len(state)
        precision = np.linalg.inv(counts + ridge * np.eye(len(counts)))
        weights = precision / -np.diag(precision)
        np.fill_diagonal(weights, 0.0)
        return weights


@dataclass
class ItemItemCosine(LinearSource):
    """Item-item neighbours by cosine, from implicit's similarity matrix with all neighbours kept."""

    name: ClassVar[str] = "item-item-cosine"

    def _weights(self, state: HoldingState) -> NDArray[np.float64]:
        from implicit.nearest_neighbours import normalize  # noqa: PLC0415 - to fit alone, not to answer

        return _similarity(normalize(sorted_baskets(state.held).T))


@dataclass
class ItemItemBM25(LinearSource):
    """Item-item neighbours by BM25, from implicit's similarity matrix with all neighbours kept.

    Args:
        K1: Saturation of BM25.
        B: How much a product's popularity is held against it, 0 to 1.
    """

    K1: float = 1.2
    B: float = 0.75
    name: ClassVar[str] = "item-item-bm25"

    def _weights(self, state: HoldingState) -> NDArray[np.float64]:
        from implicit.nearest_neighbours import bm25_weight  # noqa: PLC0415 - as above

        return _similarity(bm25_weight(sorted_baskets(state.held).T, self.K1, self.B))


def _similarity(weighted: Any) -> NDArray[np.float64]:
    """Implicit's similarity of the products (rows of `weighted`) with all neighbours kept, (P, P)."""
    from implicit.nearest_neighbours import ItemItemRecommender  # noqa: PLC0415 - as above

    recommender = ItemItemRecommender(K=weighted.shape[0], num_threads=1)
    recommender.fit(weighted.T.tocsr(), show_progress=False)
    return np.asarray(recommender.similarity.toarray(), dtype=np.float64)
