"""The product features of a matrix, product by product."""

from __future__ import annotations

from vipreco.features import ComputedFeatures
from vipreco.features.computed import Floats


def product_values(computed: ComputedFeatures) -> Floats:
    """Return the product blocks of the matrix of all customers, shape (n, products, product features)."""
    values = computed.matrix().values[:, len(computed.customer_names) :]
    return values.reshape(len(computed), len(computed.product_ids), -1)
