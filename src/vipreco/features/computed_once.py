"""Feature definitions that are computed once a date: folds and trials differ in what is made of them."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import date
from typing import TypeAlias

import numpy as np
import pyarrow as pa

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
            whole = self._whole.get(request)
            self._samples[sample] = (
                super().compute(view, list(products), customers) if whole is None else _part(whole, customers)
            )
        return self._samples[sample]


def _part(whole: ComputedFeatures, customers: pa.Array) -> ComputedFeatures:
    wanted = np.isin(whole.customer_ids, np.asarray(customers.to_pylist(), np.str_))
    return whole.take(np.flatnonzero(wanted))


def _digest(customers: pa.Array) -> str:
    digest = hashlib.sha256()
    for customer in customers.to_pylist():
        digest.update(f"{customer}\0".encode())
    return digest.hexdigest()
