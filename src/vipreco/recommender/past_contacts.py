"""Earlier contacts of customers, read from the columns of the boosters."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vipreco.contact_effect import PastContacts

RECENT, DECLINED = "contacts_90_days", "times_declined"
"""Features of `features/contact_history.sql` and `features/product_contacts.sql`."""


def past_contacts(
    values: NDArray[np.float32], names: tuple[str, ...], product_ids: tuple[str, ...]
) -> PastContacts:
    """Return the contacts before the as-of date; none where the columns are not there.

    Args:
        values: Columns of the boosters, shape (n, k).
        names: Their names, shape (k,).
        product_ids: Products of the result, shape (P,).
    """
    place = {name: column for column, name in enumerate(names)}
    found = PastContacts(np.zeros(len(values)), np.zeros((len(values), len(product_ids))))
    if RECENT in place:
        found.recent[:] = np.nan_to_num(values[:, place[RECENT]])
    for column, product in enumerate(product_ids):
        own = place.get(f"{DECLINED}@{product}")
        if own is not None:
            found.declined[:, column] = np.nan_to_num(values[:, own])
    return found
