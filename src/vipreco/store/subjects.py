"""Export and erasure of one customer in the operational store."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

from sqlalchemy import delete, func, insert, select

from vipreco.store.connection import Database
from vipreco.store.consents import PROTECTS
from vipreco.store.contact import DO_NOT_CONTACT
from vipreco.store.decisions import DecisionLog, erase_from_lists
from vipreco.store.failures import retry_if_taken
from vipreco.store.schema import audit, consents, contacts, metadata, suppressions

OWN = tuple(table for name, table in sorted(metadata.tables.items()) if "customer_id" in table.c)
ERASED, REFUSED = "erased", "refused"


def _of_customer(row: dict[str, Any], customer_id: str) -> dict[str, Any]:
    """Return the decision of a list with the rows of one customer alone."""
    record = json.loads(row["record"])
    own = [one for one in record["rows"] if one[0] == customer_id]
    told = {name: value for name, value in record.items() if name not in {"question", "rows"}}
    return {**row, "record": json.dumps({**told, "rows": own}, ensure_ascii=False)}


class Subjects:
    """Everything that the store holds about one customer."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def export(self, customer_id: str, pseudonym: str) -> dict[str, list[dict[str, Any]]]:
        """Return all rows about a customer by table, and the audit records under their pseudonym."""
        queries = {table.name: select(table).where(table.c.customer_id == customer_id) for table in OWN}
        queries["audit"] = select(audit).where(audit.c.object == pseudonym).order_by(audit.c.sequence)
        with self.database.reading() as connection:
            found = {
                name: [dict(row._mapping) for row in connection.execute(query)]
                for name, query in queries.items()
            }
            lists = [row._asdict() for row in DecisionLog(self.database).lists_of(customer_id)]
        found["lists"] = [_of_customer(row, customer_id) for row in lists]
        return {name: rows for name, rows in found.items() if rows}

    @retry_if_taken
    def erase(self, customer_id: str, pseudonym: str, day: date) -> dict[str, int]:
        """Remove all rows about a customer, and return their numbers by table.

        What the law wants to be kept stays under the pseudonym: the audit, and that the customer must not be
        contacted again.
        """
        with self.database.writing() as connection:
            if self.database.is_file:  # the pages of removed rows are overwritten
                connection.exec_driver_sql("PRAGMA secure_delete=ON")
            reason = REFUSED if self._refused(customer_id) else ERASED
            known = connection.execute(select(suppressions).where(suppressions.c.pseudonym == pseudonym))
            if known.first() is None:
                row = {"pseudonym": pseudonym, "reason": reason, "erased_date": day}
                connection.execute(insert(suppressions), row)
            counts = {
                table.name: connection.execute(
                    delete(table).where(table.c.customer_id == customer_id)
                ).rowcount
                for table in OWN
            }
            counts["lists"] = erase_from_lists(connection, customer_id)
        return {name: count for name, count in counts.items() if count}

    def count(self) -> int:
        """Return how many customers were erased."""
        with self.database.reading() as connection:
            return connection.execute(select(func.count()).select_from(suppressions)).scalar() or 0

    def suppressed(self) -> frozenset[str]:
        """Return the pseudonyms of customers who were erased: nobody of them is offered anything again."""
        with self.database.reading() as connection:
            return frozenset(row.pseudonym for row in connection.execute(select(suppressions.c.pseudonym)))

    def _refused(self, customer_id: str) -> bool:
        """Return whether a customer refused contacts or withdrew a consent in the store."""
        outcomes = select(contacts.c.outcome).where(contacts.c.customer_id == customer_id)
        words = select(consents.c.kind, consents.c.granted).where(consents.c.customer_id == customer_id)
        with self.database.reading() as connection:
            refused = any(row.outcome == DO_NOT_CONTACT for row in connection.execute(outcomes))
            return refused or any(PROTECTS[row.kind] == row.granted for row in connection.execute(words))
