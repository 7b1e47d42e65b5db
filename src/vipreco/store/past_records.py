"""The store as it was about some customers up to a change: a copy, for decisions that are made again."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from sqlalchemy import insert, select

from vipreco.project import sqlite_url
from vipreco.store.schema import books, changes, consents, contacts, pending_changes, switches
from vipreco.store.store import Store
from vipreco.store.switches import SwitchedOff

NUMBERED: Final = (changes, contacts, consents, pending_changes)
REASON: Final = "as it was then"


def past_store(store: Store, path: Path, customer_ids: Sequence[str], until: int, off: SwitchedOff) -> Store:
    """Return a new store in a file with what was known of some customers then.

    Books are those of today: who sees a customer decides nothing about the customer's offers.

    Args:
        store: With all records.
        path: Of the new file.
        customer_ids: Whom it is about.
        until: Number of the last change that was known.
        off: What was switched off.
    """
    past = Store.open(sqlite_url(path))
    with store.database.reading() as source, past.database.writing() as target:
        for table in (books, *NUMBERED):
            chosen = select(table).where(table.c.customer_id.in_(list(customer_ids)))
            if table is not books:
                chosen = chosen.where(table.c.sequence <= until)
            if rows := [dict(row._mapping) for row in source.execute(chosen)]:
                target.execute(insert(table), rows)
        named = [("product", name) for name in off.products] + [("model", name) for name in off.models]
        if named:
            now = datetime.now(UTC).replace(tzinfo=None)
            row = {"reason": REASON, "actor": REASON, "at": now}
            target.execute(insert(switches), [{"kind": kind, "name": name, **row} for kind, name in named])
    return past
