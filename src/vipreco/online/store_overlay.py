"""The store overlay: contacts, consents, purchases and switches that the tables do not hold yet."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, time, timedelta
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
    OPENED_DATE,
    PRODUCT_ID,
    PRODUCTS,
    RECORDED_DATE,
    SNAPSHOT_DATE,
)
from vipreco.history import Records
from vipreco.store import Contact, Role, Scope, Store, SwitchedOff

Rows = dict[str, pa.Table]
ALL_CUSTOMERS = Scope("service", Role.CHANNEL)  # sees all customers, as the service itself must
ACCEPTED = "accepted"
NOTHING_OFF = SwitchedOff()
BOOKED_DAYS = 30
CONTACT_TYPES = {
    "contact_id": pa.string(),
    CUSTOMER_ID: pa.string(),
    PRODUCT_ID: pa.string(),
    "channel": pa.string(),
    "contacted_at": pa.timestamp("us"),
    "outcome": pa.string(),
    "next_date": pa.date32(),
    "campaign_id": pa.string(),
    RECORDED_DATE: pa.date32(),
}
LAST_BATCH = 2**31 - 1


class StoreOverlay:
    """Knowledge of the store beyond the tables; `refresh` takes over the newest.

    Args:
        store: Operational records.
        after: Number of the last change that the tables hold.
        records: The rows of the tables.
        as_of: The date that was prepared for.

    Attributes:
        changed: Customers with changes, with the number of the last one.
        off: Products and models that are switched off.
    """

    def __init__(self, store: Store, after: int, records: Records, as_of: date) -> None:
        self.store, self.after, self.records = store, after, records
        self.changed: dict[str, int] = {}
        self.off = NOTHING_OFF
        self._seen: int | None = None
        self._since = datetime.combine(as_of - timedelta(days=BOOKED_DAYS), time())

    def refresh(self) -> None:
        """Take over the customers with changes, and the switches.

        Raises:
            VipRecoError: The store does not answer; what is known stays.
        """
        if self._seen is None:
            self.changed.update(dict.fromkeys(self._waiting(), max(self.after, 1)))
            self._seen = self.after
        seen, customers = self.store.changes.since(self._seen)
        off = self.store.switches.read()
        self.changed.update(dict.fromkeys(customers, seen))
        self._seen, self.off = seen, off

    def last_change(self, customer_ids: Iterable[str]) -> int:
        """Return a number that grows with every change about one of these customers."""
        changed = self.changed
        return max((changed.get(customer, 0) for customer in customer_ids), default=0)

    def record(self, customer_ids: Iterable[str]) -> dict[str, Any]:
        """Return the state that decisions about some customers see, as JSON values."""
        found: dict[str, Any] = {"after": self.after, "until": self.last_change(customer_ids)}
        if self.off.products or self.off.models:
            found["products_off"] = tuple(sorted(self.off.products))
            found["models_off"] = tuple(sorted(self.off.models))
        return found

    def rows(self, customer_ids: Sequence[str]) -> Rows:
        """Return the knowledge of the store about some customers as further rows of the tables.

        A consent is a new version of the customer's row. Who accepted a product holds it from that day on,
        until the tables say what became of it.
        """
        known = [customer for customer in customer_ids if customer in self.changed]
        if not known:
            return {}
        contacts = self.store.contacts.of(ALL_CUSTOMERS, known, self.after)
        found = {
            CONTACTS: _contact_rows(contacts),
            HOLDINGS: _holding_rows(self._taken(known)),
            CUSTOMERS: self._consent_rows(known, self.records.of(known)[CUSTOMERS]),
        }
        return {table: rows for table, rows in found.items() if rows is not None and len(rows)}

    def accepted(self, customer_id: str) -> frozenset[str]:
        """Return the products that a customer said to take, and that the tables do not hold yet."""
        if customer_id not in self.changed:
            return frozenset()
        return frozenset(str(contact.product_id) for contact in self._taken([customer_id]))

    def _waiting(self) -> list[str]:
        """Return customers whose acceptance is not booked yet, or whose changes the import refused."""
        customers = self.store.contacts.customers_with(ACCEPTED, self._since, self.after)
        refused = {change.customer_id for change in self.store.pending.all()}
        return sorted({*refused, *(contact.customer_id for contact in self._taken(customers))})

    def _taken(self, customer_ids: list[str]) -> list[Contact]:
        """Return the contacts in which a product was accepted that the tables do not hold since.

        What was said of a product last counts. What is not booked within a month never will be.
        """
        if not customer_ids:
            return []
        contacts = self.store.contacts.of(ALL_CUSTOMERS, customer_ids)
        last = {
            (contact.customer_id, contact.product_id): contact
            for contact in contacts
            if contact.product_id and contact.contacted_at >= self._since
        }
        booked = _booked(self.records.of(customer_ids).get(HOLDINGS))
        return [
            contact
            for pair, contact in last.items()
            if contact.outcome == ACCEPTED
            and all(opened < contact.contacted_at.date() for opened in booked.get(pair, ()))
        ]

    def _consent_rows(self, customer_ids: list[str], known: pa.Table) -> pa.Table | None:
        said: dict[str, dict[str, bool]] = {}
        for consent in self.store.consents.of(ALL_CUSTOMERS, customer_ids, self.after):
            said.setdefault(consent.customer_id, {})[consent.kind] = consent.granted
        if not said:
            return None
        parts = [versioned(newest_row(known, customer), said[customer]) for customer in sorted(said)]
        return pa.concat_tables(parts)


def switched_off(records: Records, products: frozenset[str], day: date) -> Rows:
    """Return rows after which products are not on offer on a day."""
    table = records.of([])[PRODUCTS]
    chosen = table.filter(pc.is_in(table[PRODUCT_ID], pa.array(sorted(products), pa.string())))
    return {PRODUCTS: versioned(chosen, {OFFERED_UNTIL: day - timedelta(days=1)})} if len(chosen) else {}


def newest_row(customers: pa.Table, customer_id: str) -> pa.Table:
    """Return the row of a customer at the newest snapshot, in its last version.

    No clock cuts here, so `known_at` is not asked: over the many columns of customers it takes 20 ms of CPU.
    """
    own = customers.filter(pc.equal(customers[CUSTOMER_ID], customer_id))
    order = [(SNAPSHOT_DATE, "descending"), (RECORDED_DATE, "descending"), (BATCH_SEQUENCE, "descending")]
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
    # A correction takes the place of the version that the tables hold, whatever batch brought that one.
    columns[BATCH_SEQUENCE] = pa.array([LAST_BATCH] * len(contacts), pa.int32())
    return pa.table(columns)


def _holding_rows(taken: Sequence[Contact]) -> pa.Table:
    return pa.table(
        {
            CUSTOMER_ID: pa.array([contact.customer_id for contact in taken], pa.string()),
            PRODUCT_ID: pa.array([contact.product_id for contact in taken], pa.string()),
            OPENED_DATE: pa.array([contact.contacted_at.date() for contact in taken], pa.date32()),
        }
    )


def _booked(holdings: pa.Table | None) -> dict[tuple[str, str | None], list[date]]:
    """Return the days on which holdings began, by customer and product."""
    found: dict[tuple[str, str | None], list[date]] = {}
    if holdings is not None:
        columns = (holdings[name].to_pylist() for name in (CUSTOMER_ID, PRODUCT_ID, OPENED_DATE))
        for customer, product, opened in zip(*columns, strict=True):
            found.setdefault((customer, product), []).append(opened)
    return found
