"""Changes about a customer that never happened, so that the first real one finds every query planned."""

from __future__ import annotations

from datetime import date, datetime, time
from typing import Final

import pyarrow as pa

from vipreco.columns import BATCH_SEQUENCE, CONTACTS, CUSTOMER_ID, CUSTOMERS, RECORDED_DATE, SNAPSHOT_DATE
from vipreco.history import Records
from vipreco.online.store_overlay import CONTACT_TYPES, LAST_BATCH, Rows, newest_row, versioned

KEPT: Final = frozenset({CUSTOMER_ID, SNAPSHOT_DATE, RECORDED_DATE, BATCH_SEQUENCE})


def example_changes(records: Records, customer_id: str, day: date) -> tuple[Rows, ...]:
    """Return further rows of each kind that requests bring: other facts of a customer, and a contact.

    Without them the first request with facts took 108 ms of CPU, with them 57; later ones take 36.

    Args:
        records: The rows of the tables.
        customer_id: Of the snapshot.
        day: Of the contact.
    """
    row = newest_row(records.of([customer_id])[CUSTOMERS], customer_id)
    blank = versioned(row, {name: None for name in row.column_names if name not in KEPT})
    known = {
        CUSTOMER_ID: customer_id,
        "contact_id": "",
        "contacted_at": datetime.combine(day, time()),
        RECORDED_DATE: day,
    }
    contact = {name: pa.array([known.get(name)], kind) for name, kind in CONTACT_TYPES.items()}
    contact[BATCH_SEQUENCE] = pa.array([LAST_BATCH], pa.int32())
    return {CUSTOMERS: blank}, {CONTACTS: pa.table(contact)}
