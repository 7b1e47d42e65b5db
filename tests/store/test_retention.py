"""Old records go, a piece at a time; records that a contact refers to stay, and so does the audit."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from threading import Thread
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from hypothesis import HealthCheck, given, settings, strategies as st
from sqlalchemy import delete, select

from vipreco.errors import InputRejectedError
from vipreco.store import (
    Contact,
    Database,
    Decision,
    Event,
    PrunedRows,
    RetentionCutoffs,
    Role,
    Scope,
    Store,
    retention,
)
from vipreco.store.schema import contacts, decisions, idempotency, metadata

NOW = datetime(2026, 3, 2, 10)  # noqa: DTZ001  the business's local time
MINE = Scope("user:ann", Role.MANAGER, "M1")
BEFORE = RetentionCutoffs(decisions=NOW - timedelta(days=90), keys=NOW - timedelta(days=7))
TICK = timedelta(microseconds=1)


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three rows a piece, and a pause that a test can wait for."""
    monkeypatch.setattr(retention, "BATCH", 3)
    monkeypatch.setattr(retention, "PAUSE_SECONDS", 0.001)


def decided(name: str, made_at: datetime) -> Decision:
    return Decision(name, "0001", made_at, "token:1", "{}")


def called(store: Store, decision_id: str, at: datetime = NOW) -> None:
    contact = Contact("0001", "call", at, "declined", decision_id=decision_id)
    assert store.contacts.record(MINE, contact, at) is not None


def left(store: Store) -> tuple[list[str], list[str]]:
    with store.database.reading() as connection:
        names = connection.execute(select(decisions.c.decision_id).order_by(decisions.c.decision_id))
        keys = connection.execute(select(idempotency.c.key).order_by(idempotency.c.key))
        return list(names.scalars()), list(keys.scalars())


def test_what_is_older_goes_and_what_a_contact_refers_to_stays(store: Store) -> None:
    old, young = BEFORE.decisions - TICK, BEFORE.decisions
    store.decisions.add([decided(f"old{number}", old - number * TICK) for number in range(8)])
    store.decisions.add([decided("young", young), decided("new", NOW)])
    called(store, "old5")
    called(store, "new")
    for key, at in (("past", BEFORE.keys - TICK), ("begun", BEFORE.keys - TICK), ("today", BEFORE.keys)):
        store.idempotency.begin("token:1", key, "h", at)
    store.idempotency.finish("token:1", "past", 201, b"{}")
    store.audit.append([Event("token:1", "offers.read", at="2020-01-01T00:00:00")])
    assert store.retention.due(BEFORE) == PrunedRows(7, 2)
    assert left(store)[0] == ["new", *(f"old{number}" for number in range(8)), "young"]
    assert store.retention.prune(BEFORE) == PrunedRows(7, 2)
    assert left(store) == (["new", "old5", "young"], ["today"])
    assert store.audit.verify().sequence == 1
    assert store.retention.due(BEFORE) == store.retention.prune(BEFORE) == PrunedRows(0, 0)


def test_rows_of_one_moment_go_together(store: Store) -> None:
    """As those of a batch: more of them than a piece has."""
    moments = [BEFORE.decisions - timedelta(hours=hour) for hour in (3, 2, 2, 2, 2, 2, 1)]
    store.decisions.add([decided(f"d{place}", moment) for place, moment in enumerate(moments)])
    assert store.retention.prune(BEFORE) == PrunedRows(7, 0)
    assert left(store) == ([], [])


def test_others_write_between_two_pieces(
    store: Store, again: Callable[[], Store], monkeypatch: pytest.MonkeyPatch
) -> None:
    store.decisions.add(
        [decided(f"d{number}", BEFORE.decisions - (9 - number) * TICK) for number in range(8)]
    )
    other, seen = again(), []

    def pause(seconds: float) -> None:
        other.audit.append([Event("a", "x")])
        seen.append((seconds, left(other)[0]))

    monkeypatch.setattr(retention, "sleep", pause)
    assert store.retention.prune(BEFORE) == PrunedRows(8, 0)
    assert seen == [(0.001, [f"d{number}" for number in range(place, 8)]) for place in (3, 6)]


def test_a_decision_that_is_being_referred_to_is_not_taken_out(
    store: Store, again: Callable[[], Store]
) -> None:
    store.decisions.add([decided("old", BEFORE.decisions - TICK)])
    other, found = again(), []
    with store.database.writing():
        called(store, "old")
        pruning = Thread(target=lambda: found.append(other.retention.prune(BEFORE)))
        pruning.start()
        pruning.join(timeout=0.3)
        assert pruning.is_alive()  # waits for the contact
    pruning.join(timeout=10)
    assert found == [PrunedRows(0, 0)]
    assert left(store)[0] == ["old"]


def test_who_refers_to_a_decision_that_is_gone_is_told(store: Store) -> None:
    store.decisions.add([decided("old", BEFORE.decisions - TICK)])
    store.retention.prune(BEFORE)
    assert store.decisions.read(MINE, "old") is None
    with pytest.raises(InputRejectedError) as refused:
        called(store, "old")
    assert refused.value.code == "unknown-decision"


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=st.lists(st.tuples(st.integers(-6, 4), st.booleans()), max_size=14),
    keys=st.lists(st.integers(-6, 4), max_size=9),
)
def test_exactly_what_is_old_and_not_referred_to_goes(
    store: Store, rows: list[tuple[int, bool]], keys: list[int]
) -> None:
    emptied(store)
    made = {
        f"d{place:02}": (BEFORE.decisions + hours * TICK, used) for place, (hours, used) in enumerate(rows)
    }
    store.decisions.add([decided(name, moment) for name, (moment, _) in made.items()])
    for name, (_, used) in made.items():
        if used:
            called(store, name)
    for place, ticks in enumerate(keys):
        store.idempotency.begin("a", f"k{place}", "h", BEFORE.keys + ticks * TICK)
    kept = sorted(name for name, (moment, used) in made.items() if used or moment >= BEFORE.decisions)
    stay = [f"k{place}" for place, ticks in enumerate(keys) if ticks >= 0]
    gone = PrunedRows(len(made) - len(kept), len(keys) - len(stay))
    assert store.retention.due(BEFORE) == gone
    assert store.retention.prune(BEFORE) == gone
    assert left(store) == (kept, stay)


def emptied(store: Store) -> None:
    with store.database.writing() as connection:
        for table in (contacts, decisions, idempotency):
            connection.execute(delete(table))


def test_the_tables_are_those_of_the_migrations(url: str) -> None:
    database = Database(url)
    with database.reading() as connection:
        differences: list[Any] = compare_metadata(MigrationContext.configure(connection), metadata)
    database.engine.dispose()
    assert differences == []
