"""Views of the customers of a release, on the day that it was built for and on the newest other day."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from vipreco.history import Records, ReusableDatabase, ReusableView
from vipreco.online.store_overlay import Rows, StoreOverlay, switched_off


class Views:
    """Gives views of a few customers on a day.

    Args:
        records: The rows of the tables.
        as_of: The date of the release; its database stays open, and that of the newest other day.
        overlay: Adds what the store knows beyond the tables.
    """

    def __init__(self, records: Records, as_of: date, overlay: StoreOverlay) -> None:
        self.records, self.as_of, self.overlay = records, as_of, overlay
        self._databases: dict[date, ReusableDatabase] = {}

    def of(self, customer_ids: Sequence[str], day: date, further: Rows) -> ReusableView:
        """Return a view of some customers.

        Args:
            customer_ids: Whose rows it has.
            day: The date whose knowledge is allowed.
            further: Further rows by table.
        """
        return ReusableView(self._database(day), customer_ids, further)

    def current(self, customer_ids: Sequence[str], day: date) -> ReusableView:
        """Return a view with what the store knows, and without the products that are switched off."""
        off = switched_off(self.records, self.overlay.off.products, self.as_of)
        return self.of(customer_ids, day, {**self.overlay.rows(customer_ids), **off})

    def _database(self, day: date) -> ReusableDatabase:
        if day not in self._databases:
            of_release = {one: opened for one, opened in self._databases.items() if one == self.as_of}
            self._databases = {**of_release, day: ReusableDatabase(self.records, day)}
        return self._databases[day]
