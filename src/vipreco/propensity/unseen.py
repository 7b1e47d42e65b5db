"""Chances of acquisitions by boosters that have not seen the customer."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vipreco.folds import customer_folds
from vipreco.propensity.acquisition import FitContext, ProductModel, fit_any
from vipreco.propensity.rows import LabelledRows

CERTAIN = 1.0


def unseen_chances(labelled: LabelledRows, context: FitContext, folds: int) -> NDArray[np.float32]:
    """Return P(acquire) of each pair before any calibration, shape (n, P).

    Each group of customers is predicted by boosters that saw the others, at all dates.

    Args:
        labelled: Acquirers and a sample of the others.
        context: Columns, settings, seed, threads.
        folds: Groups of customers.
    """
    rows = labelled.uncopied
    found = np.zeros(rows.acquired.shape, np.float32)
    group = customer_folds(rows.customer_ids, folds, context.machine.seed)
    for fold in range(folds):
        seen, own = rows.take(group != fold), group == fold
        any_ = fit_any(seen, context)
        values = rows.take(own).values
        rate = any_.score(values)[:, None] if any_ else CERTAIN
        found[own] = ProductModel.fit(seen.take(seen.acquirers), context).shares(values) * rate
    return found
