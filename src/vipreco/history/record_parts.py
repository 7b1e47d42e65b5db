"""Uncut rows of the tables in parts of customers: those of a few are looked up in their parts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date

import pyarrow as pa

from vipreco.columns import CUSTOMER_ID
from vipreco.history.bank_calendar import BankCalendar
from vipreco.history.records import Records


class RecordParts(Records):
    """Rows of all customers of a bank.

    Args:
        place: Number of the part of a customer, or None where nobody of that part is there.
        part: Opens a part.
        calendar: The bank's snapshot dates.
        months: The bank's activity months, and when each was known first.
        first: Number of a part that is there.
    """

    def __init__(
        self,
        place: Callable[[str], int | None],
        part: Callable[[int], Records],
        calendar: Sequence[date],
        months: Mapping[date, date],
        first: int,
    ) -> None:
        self.calendar = tuple(calendar)
        self._place, self._part, self._first = place, part, first
        self._bank = BankCalendar(months=months)

    @property
    def schemas(self) -> dict[str, pa.Schema]:
        """Columns of each table."""
        return self._part(self._first).schemas

    def of(self, customer_ids: Sequence[str]) -> dict[str, pa.Table]:
        """Return the tables with the rows of these customers alone; unknown ones have none."""
        by_part: dict[int, list[str]] = {}
        for customer in customer_ids:
            part = self._place(customer)
            if part is not None:
                by_part.setdefault(part, []).append(customer)
        found = [self._part(part).of(ids) for part, ids in by_part.items()]
        if len(found) <= 1:
            return found[0] if found else self._part(self._first).of([])
        return {
            name: pa.concat_tables([one[name] for one in found]).sort_by(CUSTOMER_ID)
            if CUSTOMER_ID in table.column_names
            else table
            for name, table in found[0].items()
        }
