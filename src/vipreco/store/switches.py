"""Kill switches: products and models that must not be offered, whatever the tables say."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, insert, select

from vipreco.errors import UsageError
from vipreco.store.connection import Database
from vipreco.store.failures import retry_if_taken
from vipreco.store.schema import switches
from vipreco.store.scope import Scope

KINDS = ("product", "model")


@dataclass(frozen=True)
class SwitchedOff:
    """Products (by id) and models (by version) that are switched off."""

    products: frozenset[str] = frozenset()
    models: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Switch:
    """One product or model that is switched off: reason, actor, moment (UTC)."""

    kind: str
    name: str
    reason: str
    actor: str
    at: datetime


class Switches:
    """Kill switches of products and models."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def read(self) -> SwitchedOff:
        """Return the products and models that are off now."""
        with self.database.reading() as connection:
            rows = connection.execute(select(switches.c.kind, switches.c.name)).all()
        names = {kind: frozenset(row.name for row in rows if row.kind == kind) for kind in KINDS}
        return SwitchedOff(names["product"], names["model"])

    def all(self) -> list[Switch]:
        """Return all switches with their reasons, by kind and name."""
        query = select(switches).order_by(switches.c.kind, switches.c.name)
        with self.database.reading() as connection:
            return [Switch(**row._mapping) for row in connection.execute(query)]

    @retry_if_taken
    def off(self, scope: Scope, kind: str, name: str, reason: str, at: datetime) -> None:
        """Switch a product or a model off; a running service follows within seconds.

        Raises:
            UsageError: Neither a product nor a model, or no reason.
        """
        if kind not in KINDS:
            raise UsageError("a switch is for a product or a model", where="kind", code="switch-kind")
        if not reason.strip():
            raise UsageError("a switch needs a reason", where="reason", code="no-reason")
        row = {"kind": kind, "name": name, "reason": reason, "actor": scope.actor, "at": at}
        with self.database.writing() as connection:
            connection.execute(delete(switches).where(switches.c.kind == kind, switches.c.name == name))
            connection.execute(insert(switches), row)

    def on(self, kind: str, name: str) -> None:
        """Switch it on again.

        Raises:
            UsageError: It was not off.
        """
        with self.database.writing() as connection:
            query = delete(switches).where(switches.c.kind == kind, switches.c.name == name)
            found = connection.execute(query)
        if found.rowcount == 0:
            raise UsageError("this is not switched off", where=kind, code="not-off")
