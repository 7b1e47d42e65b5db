"""Answers of the page from the imported tables, with what the store has learnt since the import on top."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

import polars as pl
import pyarrow as pa

from vipreco.call_list import Day, customer_day, plan_day
from vipreco.call_list_settings import CallListSettings
from vipreco.history import AsOf
from vipreco.recommender import Recommender
from vipreco.store import Scope, Store

ASSETS = """
SELECT snapshot_date, CAST(aum_amount AS DOUBLE) AS amount
FROM customers ORDER BY snapshot_date"""


@dataclass(frozen=True)
class TableAnswers:
    """Decides from the tables by the functions behind `vipreco calllist` and `vipreco sheet`.

    Args:
        recommender: What decides.
        view: What is known.
        vip: VIP tiers.
        settings: Of the call list.
        store: Says whose customers somebody sees.
        model_version: Version of the model.
    """

    recommender: Recommender
    view: AsOf
    vip: tuple[str, ...]
    settings: CallListSettings
    store: Store
    model_version: str

    def day(self, scope: Scope, minutes: int | None = None) -> Day:
        """Return the day of who asks, within some minutes; without any, those of the project."""
        ids = [member.customer_id for member in self.store.books.of(scope)]
        settings = self.settings if minutes is None else self.settings.model_copy(update={"minutes": minutes})
        return plan_day(self.recommender, self.view.of(pa.array(ids, pa.string())), self.vip, settings)

    def sheet(self, scope: Scope, customer_id: str) -> Day:
        """Return the day of one customer."""
        return customer_day(self.recommender, self.view, customer_id, self.vip, self.settings)

    def assets(self, customer_id: str) -> Iterable[tuple[date, float | None]]:
        """Return the assets of a customer by snapshot date."""
        alone = self.view.of(pa.array([customer_id], pa.string()))
        return pl.DataFrame(alone.query(ASSETS, where="page")).rows()
