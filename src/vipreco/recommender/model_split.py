"""Split of the customers between champion and challenger, by a hash that keeps each on one side for good."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, Self

import numpy as np
import polars as pl
import pyarrow as pa
from numpy.typing import NDArray

from vipreco.columns import CUSTOMER_ID
from vipreco.folds import draws, salt_id, salt_of
from vipreco.history import View
from vipreco.settings import SplitSettings

CHAMPION_SIDE: Final = "champion"
CHALLENGER_SIDE: Final = "challenger"
SIDES: Final = (CHAMPION_SIDE, CHALLENGER_SIDE)
SIDE: Final = "decided_by"


@dataclass(frozen=True)
class ModelSplit:
    """Customers for whom the challenger decides.

    A customer's draw hangs on the bank's salt, the key and the customer alone: nobody changes sides while the
    comparison runs, and a smaller share is always a part of a larger one.

    Args:
        key: Name of the comparison.
        challenger: Version of the challenger.
        share: Of the customers, for whom the challenger decides.
        salt: Of the bank's draws.
    """

    key: str
    challenger: str
    share: float
    salt: str

    @classmethod
    def of(cls, settings: SplitSettings, control_salt: str, seed: int) -> Self:
        """Return the split of a project: its settings, the salt of its draws, its seed."""
        return cls(settings.key, settings.challenger, settings.share, salt_of(control_salt, seed))

    def challenged(self, customer_ids: pl.Series) -> NDArray[np.bool_]:
        """Return flags of the customers for whom the challenger decides."""
        return np.asarray(draws(customer_ids, self.salt, f"split {self.key}") < self.share)

    def sides_of(self, customer_ids: pl.Series) -> pl.Series:
        """Return the side of each customer."""
        names = np.where(self.challenged(customer_ids), CHALLENGER_SIDE, CHAMPION_SIDE)
        return pl.Series(SIDE, names.tolist(), dtype=pl.String)

    def views(self, view: View) -> Iterator[tuple[str, View]]:
        """Give each side that has customers with the view of these."""
        ids = view.population()[CUSTOMER_ID].cast(pa.string()).combine_chunks()
        challenged = self.challenged(pl.Series(CUSTOMER_ID, ids.to_pylist(), dtype=pl.String))
        for side, chosen in zip(SIDES, (~challenged, challenged), strict=True):
            if chosen.any():
                yield side, view.of(ids.filter(pa.array(chosen)))

    def record(self) -> dict[str, Any]:
        """Return it as JSON values, from which the salt does not follow."""
        return {
            "key": self.key,
            "challenger": self.challenger,
            "share": self.share,
            "salt_id": salt_id(self.salt),
        }
