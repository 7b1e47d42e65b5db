"""Arms of a campaign: control group and random offers, drawn from a salted hash, the same at any time.

A customer's draw for the control group hangs on the bank's salt and the customer alone. So nobody changes
arms from one campaign to the next, and a smaller share is always a part of a larger one.
"""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray

from vipreco.folds import draws


class Arm:
    """Names of the arms."""

    OFFERED = "offered"
    CONTROL = "control"
    EXPLORED = "explored"
    UNALLOCATED = "unallocated"


def in_control(customer_ids: pl.Series, salt: str, share: float) -> NDArray[np.bool_]:
    """Return flags of the control group that has this share of the customers."""
    return draws(customer_ids, salt, "control") < share
