"""Feature definitions that are computed once a date: folds and trials differ in what is made of them."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import date
from typing import TypeAlias

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from vipreco.features.computed import ComputedFeatures
from vipreco.features.feature_set import FeatureSet
from vipreco.history import View

Request: TypeAlias = tuple[str, date, tuple[str, ...]]
"""Tables, date and products that features were computed for."""


class ComputedOnce(FeatureSet):
    """Computes the features of a date once, for everybody and for samples of customers.

    The views that are given must all have the same customers at a date; samples are named by `customers`.
    A backtest of three folds, the fit after it and the champion beside them ask for the same dates.

    Args:
        features: The definitions.
    """

    def __init__(self, features: FeatureSet) -> None:
        super().__init__(features.definition, features.dictionary, features.prohibited, features.ladder)
        self._whole: dict[Request, ComputedFeatures] = {}
        self._samples: dict[tuple[Request, str], ComputedFeatures] = {}

    def compute(
        self, view: View, products: Sequence[str], customers: pa.Array | None = None
    ) -> ComputedFeatures:
        """Return the features of a view, or of some customers of it, as at the first time."""
        request = view.snapshot_id, view.date, tuple(products)
        if customers is None:
            if request not in self._whole:
                self._whole[request] = super().compute(view, list(products))
            return self._whole[request]
        sample = request, _digest(customers)
        if sample not in self._samples:
            ids = np.asarray(customers.to_pylist(), np.str_)
            known = self._whole.get(request) or self._sample_with(request, ids)
            if known is not None:
                return _part(known, ids)  # kept once, in what it is a part of
            self._samples[sample] = super().compute(view, list(products), customers)
        return self._samples[sample]

    def _sample_with(self, request: Request, customer_ids: NDArray[np.str_]) -> ComputedFeatures | None:
        """Return an earlier sample that holds all of these customers; None where there is none.

        Folds draw by the same lottery, and those with fewer dates draw more customers of each: the first one
        holds the samples of the others.
        """
        for (known, _), computed in list(self._samples.items()):  # others may add to it meanwhile
            if known == request and np.isin(customer_ids, computed.customer_ids).all():
                return computed
        return None


def _part(known: ComputedFeatures, customer_ids: NDArray[np.str_]) -> ComputedFeatures:
    return known.take(np.flatnonzero(np.isin(known.customer_ids, customer_ids)))


def _digest(customers: pa.Array) -> str:
    digest = hashlib.sha256()
    for customer in customers.to_pylist():
        digest.update(f"{customer}\0".encode())
    return digest.hexdigest()
