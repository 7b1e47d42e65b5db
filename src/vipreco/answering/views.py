"""Views of a publication's tables that stay open, for one question at a time."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date

from vipreco.answering.current import Rows
from vipreco.history import AsOf
from vipreco.history.records import Records, small_history
from vipreco.history.standing import Standing


class Views:
    """What is known of a few customers on a day.

    Args:
        records: The rows of the tables.
        as_of: The date that was prepared for; its view stays, and that of the newest other day.
    """

    def __init__(self, records: Records, as_of: date) -> None:
        self.records, self.as_of = records, as_of
        self._standing: dict[date, Standing] = {}
        self._alone = threading.Lock()  # one question at a time: two would only hold each other up

    @contextmanager
    def of(self, customer_ids: Sequence[str], day: date, more: Rows) -> Iterator[AsOf]:
        """Give what is known of some customers, for as long as nobody else asks.

        Args:
            customer_ids: Whose.
            day: The date whose knowledge is allowed.
            more: Further rows by table.
        """
        with self._alone:
            yield self._at(day).ask(customer_ids, more)

    def lasting(self, customer_ids: Sequence[str], day: date, more: Rows) -> AsOf:
        """Return the same for as long as it is needed, in a database that is opened when it is asked."""
        snapshots = tuple(sorted((item for item in self.records.calendar if item <= day), reverse=True))
        return AsOf(small_history(self.records, customer_ids, more), day, snapshots)

    def _at(self, day: date) -> Standing:
        if day not in self._standing:
            kept = {one: view for one, view in self._standing.items() if one == self.as_of}
            self._standing = {**kept, day: Standing(self.records, day)}
        return self._standing[day]
