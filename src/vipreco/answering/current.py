"""What the store knows beyond the tables: contacts, consents, purchases and switches since the night."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from vipreco.columns import (
    BATCH_SEQUENCE,
    CONTACTS,
    CUSTOMER_ID,
    CUSTOMERS,
    HOLDINGS,
    OFFERED_UNTIL,
    PRODUCT_ID,
    PRODUCTS,
    SNAPSHOT_DATE,
)
from vipreco.history.records import Records
from vipreco.store import Contact, Role, Scope, Store
from vipreco.store.switches import Off

Rows = dict[str, pa.Table]
EVERYBODY = Scope("service", Role.CHANNEL)  # sees all customers, as the service itself must
ACCEPTED = "accepted"
NOTHING_OFF = Off()
CONTACT_TYPES = {
    "contact_id": pa.string(),
    CUSTOMER_ID: pa.string(),
    PRODUCT_ID: pa.string(),
    "channel": pa.string(),
    "contacted_at": pa.timestamp("us"),
    "outcome": pa.string(),
    "next_date": pa.date32(),
    "campaign_id": pa.string(),
}


@dataclass
class Current:
    """What changed since the tables were read; `refresh` takes over what is new.

    Args:
        store: Operational records.
        after: Number of the last change that the tables hold.
    """

    store: Store
    after: int
    changed: dict[str, int] = field(default_factory=dict)
    off: Off = NOTHING_OFF
    _seen: int = field(init=False)

    def __post_init__(self) -> None:
        self._seen = self.after

    def refresh(self) -> None:
        """Take over whom something changed about, and what is switched off.

        Raises:
            VipRecoError: The store does not answer; what is known stays.
        """
        seen, customers = self.store.changes.since(self._seen)
        off = self.store.switches.read()
        self.changed.update(dict.fromkeys(customers, seen))
        self._seen, self.off = seen, off

    def stamp(self, customer_ids: Iterable[str]) -> int:
        """Return a number that grows with every change about one of these customers."""
        changed = self.changed
        return max((changed.get(customer, 0) for customer in customer_ids), default=0)

    def rows(self, records: Records, customer_ids: Sequence[str]) -> Rows:
        """Return what the store says of some customers as further rows of the tables.

        A consent is a new version of the customer's row. Who accepted a product holds it from that day on,
        until the tables say what became of it.
        """
        asked = [customer for customer in customer_ids if customer in self.changed]
        if not asked:
            return {}
        contacts = self.store.contacts.of(EVERYBODY, asked, self.after)
        known = records.of(asked)
        found = {
            CONTACTS: _contact_rows(contacts),
            HOLDINGS: _holding_rows(contacts, known.get(HOLDINGS)),
            CUSTOMERS: self._consent_rows(asked, known[CUSTOMERS]),
        }
        return {table: rows for table, rows in found.items() if rows is not None and len(rows)}

    def accepted(self, customer_id: str) -> frozenset[str]:
        """Return the products whose last word since the tables is that the customer takes them."""
        if customer_id not in self.changed:
            return frozenset()
        contacts = self.store.contacts.of(EVERYBODY, [customer_id], self.after)
        return frozenset(str(contact.product_id) for contact in _taken(contacts))

    def _consent_rows(self, customer_ids: list[str], known: pa.Table) -> pa.Table | None:
        said: dict[str, dict[str, bool]] = {}
        for consent in self.store.consents.of(EVERYBODY, customer_ids, self.after):
            said.setdefault(consent.customer_id, {})[consent.kind] = consent.granted
        parts = [versioned(newest_row(known, customer), said[customer]) for customer in sorted(said)]
        return pa.concat_tables(parts) if parts else None


def switched_off(records: Records, products: frozenset[str], day: date) -> Rows:
    """Return rows after which products are not on offer on a day."""
    table = records.of([])[PRODUCTS]
    chosen = table.filter(pc.is_in(table[PRODUCT_ID], pa.array(sorted(products), pa.string())))
    return {PRODUCTS: versioned(chosen, {OFFERED_UNTIL: day - timedelta(days=1)})} if len(chosen) else {}


def newest_row(customers: pa.Table, customer_id: str) -> pa.Table:
    """Return the row of a customer at the newest snapshot, in its last version."""
    own = customers.filter(pc.equal(customers[CUSTOMER_ID], customer_id))
    order = [(SNAPSHOT_DATE, "descending"), ("recorded_date", "descending"), (BATCH_SEQUENCE, "descending")]
    return own.sort_by(order).slice(0, 1)


def versioned(rows: pa.Table, values: Mapping[str, Any]) -> pa.Table:
    """Return rows as later versions of the same facts, with other values."""
    for name, value in {**values, BATCH_SEQUENCE: None}.items():
        place, kind = rows.column_names.index(name), rows.schema.field(name).type
        column = (
            pc.add(pc.fill_null(rows[name], 0), 1).cast(kind)
            if name == BATCH_SEQUENCE
            else pa.array([value] * len(rows), kind)
        )
        rows = rows.set_column(place, rows.schema.field(name), column)
    return rows


def _contact_rows(contacts: Sequence[Contact]) -> pa.Table:
    columns = {
        name: pa.array([getattr(contact, name) for contact in contacts], kind)
        for name, kind in CONTACT_TYPES.items()
    }
    return pa.table(columns)


def _taken(contacts: Sequence[Contact]) -> list[Contact]:
    """Return the contacts in which a product was accepted, and after which nothing else was said of it."""
    last = {(contact.customer_id, contact.product_id): contact for contact in contacts if contact.product_id}
    return [contact for contact in last.values() if contact.outcome == ACCEPTED]


def _holding_rows(contacts: Sequence[Contact], known: pa.Table | None) -> pa.Table:
    held = set() if known is None else _held(known)
    taken = [contact for contact in _taken(contacts) if (contact.customer_id, contact.product_id) not in held]
    return pa.table(
        {
            CUSTOMER_ID: pa.array([contact.customer_id for contact in taken], pa.string()),
            PRODUCT_ID: pa.array([contact.product_id for contact in taken], pa.string()),
            "opened_date": pa.array([contact.contacted_at.date() for contact in taken], pa.date32()),
        }
    )


def _held(holdings: pa.Table) -> set[tuple[str, str]]:
    open_ = holdings.filter(pc.is_null(holdings["closed_date"]))
    return set(zip(open_[CUSTOMER_ID].to_pylist(), open_[PRODUCT_ID].to_pylist(), strict=True))
