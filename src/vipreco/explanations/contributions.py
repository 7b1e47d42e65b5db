"""Contribution of each column to the chance of a listed offer."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vipreco.propensity import AcquisitionModel, Booster

Floats = NDArray[np.float64]
CUSTOMERS_AT_ONCE = 64  # TreeSHAP gives a number for each customer, class and column: this bounds the memory


def offer_contributions(
    model: AcquisitionModel, values: NDArray[np.float32], rows: NDArray[np.intp], products: NDArray[np.intp]
) -> Floats:
    """Return what each column adds to the logarithm of each offer's chance, to first order; shape (m, k).

    The chance is P(acquires anything) x share of the product. A column moves the share by what it adds to
    the product's own score less what it adds to the others, weighted by their shares: TreeSHAP values, taken
    through the softmax.

    Args:
        model: The fitted model.
        values: Columns of n customers, shape (n, k).
        rows: Place of each offer's customer, ascending, shape (m,).
        products: Number of each offer's product among the products of the fit, shape (m,).
    """
    moved = np.zeros((len(rows), values.shape[1]))
    for start in range(0, len(values), CUSTOMERS_AT_ONCE):
        first, last = np.searchsorted(rows, [start, start + CUSTOMERS_AT_ONCE])
        if first == last:
            continue
        there = np.unique(rows[first:last])
        own = np.searchsorted(there, rows[first:last])
        moved[first:last] = _moved(model, values[there], own, products[first:last])
    return moved


def _moved(
    model: AcquisitionModel, values: NDArray[np.float32], own: NDArray[np.intp], products: NDArray[np.intp]
) -> Floats:
    found = np.zeros((len(own), values.shape[1]))
    if model.any is not None:
        found += _by_class(model.any, values)[own, 0]
    for booster in model.product.boosters:
        by_class, shares = _by_class(booster, values), booster.score(values)
        common = np.einsum("nc,nck->nk", shares, by_class)
        known = np.isin(products, model.product.class_products)
        classes = np.searchsorted(model.product.class_products, products[known])
        found[known] += (by_class[own[known], classes] - common[own[known]]) / len(model.product.boosters)
    return found


def _by_class(booster: Booster, values: NDArray[np.float32]) -> Floats:
    """Return TreeSHAP values (Lundberg, Erion, Lee 2018) without the constant, shape (n, classes, k)."""
    every = np.asarray(booster.model.predict(values, pred_contrib=True, num_threads=booster.threads))
    return every.reshape(len(values), booster.classes, len(booster.names) + 1)[:, :, :-1]
