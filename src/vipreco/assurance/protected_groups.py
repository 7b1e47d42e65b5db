"""Protected attributes of customers, read from a file of their own for checking alone.

They are never imported: no feature, no rule and no list can see them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from vipreco.columns import CUSTOMER_ID
from vipreco.errors import UsageError
from vipreco.features import Prohibited

UNKNOWN: Final = ""
MAX_GROUPS: Final = 50


@dataclass(frozen=True)
class ProtectedGroups:
    """The group of each customer by protected attribute.

    Args:
        customer_ids: Ascending, shape (n,).
        values: By attribute, the group of each customer; empty where it is unknown, shape (n,).
    """

    customer_ids: NDArray[np.str_]
    values: Mapping[str, NDArray[np.str_]]

    def of(self, customer_ids: NDArray[np.str_]) -> dict[str, NDArray[np.str_]]:
        """Return the groups of these customers; unknown ones are in none."""
        places = np.searchsorted(self.customer_ids, customer_ids)
        inside = np.minimum(places, max(len(self.customer_ids) - 1, 0))
        known = len(self.customer_ids) > 0 and self.customer_ids[inside] == customer_ids
        return {name: np.where(known, groups[inside], UNKNOWN) for name, groups in self.values.items()}


def read_groups(path: Path, prohibited: Prohibited) -> ProtectedGroups:
    """Read a CSV or Parquet file with customer_id and a column for each protected attribute.

    Raises:
        UsageError: It cannot be read, holds a customer twice, or has no protected attribute.
    """
    table = _read(path)
    if CUSTOMER_ID not in table.columns:
        raise _wrong(path, f"there is no column {CUSTOMER_ID}")
    if table[CUSTOMER_ID].n_unique() < table.height:
        raise _wrong(path, "a customer stands in it twice")
    names = [name for name in table.columns if name != CUSTOMER_ID and prohibited.reason(name)]
    if not names:
        raise _wrong(path, "none of its columns is an attribute of features/prohibited.toml")
    table = table.sort(CUSTOMER_ID).with_columns(pl.col(names).fill_null(UNKNOWN))
    crowded = [name for name in names if table[name].n_unique() > MAX_GROUPS]
    if crowded:
        raise _wrong(path, f"{crowded[0]} has more than {MAX_GROUPS} groups")
    ids = np.asarray(table[CUSTOMER_ID].to_list(), np.str_)
    return ProtectedGroups(ids, {name: np.asarray(table[name].to_list(), np.str_) for name in names})


def _read(path: Path) -> pl.DataFrame:
    try:
        if path.suffix == ".parquet":
            return pl.read_parquet(path).cast(pl.String)
        return pl.read_csv(path, infer_schema=False, encoding="utf8")
    except (OSError, pl.exceptions.PolarsError) as error:
        raise _wrong(path, "it cannot be read as a table") from error


def _wrong(path: Path, what: str) -> UsageError:
    return UsageError(
        what,
        where=str(path),
        remedy="give customer_id and a column for each protected attribute, such as gender",
        code="groups",
    )
