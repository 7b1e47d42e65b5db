"""The audit: append-only, chained, signed; whatever is done to it, the first wrong place is named."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from datetime import date, datetime, timedelta, tzinfo
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from sqlalchemy import Connection, delete, insert, select, update
from sqlalchemy.exc import DBAPIError

from vipreco.errors import IntegrityError, ResourcesError, UsageError
from vipreco.store import AuditQuery, Event, Keys, Store
from vipreco.store.audit import Head
from vipreco.store.schema import audit

RECORDS = 12


@pytest.fixture
def keys(tmp_path: Path) -> Keys:
    return Keys.open(tmp_path / "keys")


@pytest.fixture
def anchors(tmp_path: Path) -> Path:
    return tmp_path / "anchors"


@pytest.fixture
def written(store: Store, keys: Keys, anchors: Path) -> Store:
    """A store with twelve records, whose head was signed after the eighth and after the last."""
    store.audit.append([Event("user:ann", "sheet.read", f"c{number}") for number in range(8)])
    store.audit.anchor(anchors, keys)
    store.audit.append([Event("user:ann", "offers.read", f"c{number}") for number in range(8, RECORDS)])
    store.audit.anchor(anchors, keys)
    return store


def tamper(store: Store, change: Callable[[Connection], Any]) -> None:
    """Change the audit as who owns the database can: without its triggers."""
    with store.database.writing() as connection:
        if store.database.is_file:
            for when in ("UPDATE", "DELETE"):
                connection.exec_driver_sql(f"DROP TRIGGER audit_keeps_{when}")
        else:
            connection.exec_driver_sql("SET LOCAL session_replication_role = replica")
        change(connection)


def rows_of(connection: Connection) -> list[dict[str, Any]]:
    return [dict(row._mapping) for row in connection.execute(select(audit).order_by(audit.c.sequence))]


def sealed(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Chain rows anew, by an own reading of what the seal is."""
    previous = "0" * 64
    for row in rows:
        row["previous_hash"] = previous
        text = json.dumps(
            {name: value for name, value in row.items() if name != "hash"},
            sort_keys=True,
            ensure_ascii=False,
            separators=(",", ":"),
        )
        row["hash"] = previous = hashlib.sha256(text.encode()).hexdigest()
    return rows


def edit(connection: Connection) -> None:
    connection.execute(update(audit).where(audit.c.sequence == 5).values(actor="user:nobody"))


def edit_and_seal(connection: Connection) -> None:
    row = {**rows_of(connection)[4], "actor": "user:nobody"}
    text = json.dumps(
        {k: v for k, v in row.items() if k != "hash"},
        sort_keys=True,
        ensure_ascii=False,
        separators=(",", ":"),
    )
    new = hashlib.sha256(text.encode()).hexdigest()
    connection.execute(update(audit).where(audit.c.sequence == 5).values(actor="user:nobody", hash=new))


def delete_middle(connection: Connection) -> None:
    connection.execute(delete(audit).where(audit.c.sequence == 5))


def delete_and_close_the_gap(connection: Connection) -> None:
    delete_middle(connection)
    for number in range(6, RECORDS + 1):
        connection.execute(update(audit).where(audit.c.sequence == number).values(sequence=number - 1))


def reorder(connection: Connection) -> None:
    for old, new in ((5, 99), (6, 5), (99, 6)):
        connection.execute(update(audit).where(audit.c.sequence == old).values(sequence=new))


def truncate_tail(connection: Connection) -> None:
    connection.execute(delete(audit).where(audit.c.sequence > 10))


def truncate_all(connection: Connection) -> None:
    connection.execute(delete(audit))


def rewrite_all(connection: Connection) -> None:
    rows = [{**row, "actor": "user:nobody"} for row in rows_of(connection)]
    connection.execute(delete(audit))
    connection.execute(insert(audit), sealed(rows))


def rewrite_tail(connection: Connection) -> None:
    rows = rows_of(connection)
    rows[9]["actor"] = "user:nobody"
    connection.execute(delete(audit))
    connection.execute(insert(audit), sealed(rows))


def insert_in_front(connection: Connection) -> None:
    row = rows_of(connection)[0]
    connection.execute(insert(audit), {**row, "sequence": 0})


def test_records_are_chained_in_their_order(written: Store) -> None:
    with written.database.reading() as connection:
        rows = rows_of(connection)
    assert [row["sequence"] for row in rows] == list(range(1, RECORDS + 1))
    assert [dict(row) for row in rows] == sealed([dict(row) for row in rows])
    assert written.audit.verify() == Head(RECORDS, rows[-1]["hash"]) == written.audit.head()


def test_an_empty_audit_is_whole(store: Store, keys: Keys, anchors: Path) -> None:
    assert store.audit.verify() == Head(0, "0" * 64)
    store.audit.anchor(anchors, keys)
    assert store.audit.verify(anchors, keys.public_keys) == Head(0, "0" * 64)
    assert store.audit.append([]) == Head(0, "0" * 64)


@pytest.mark.parametrize(
    ("change", "first", "alone"),
    [
        (edit, 5, True),
        (edit_and_seal, 6, True),
        (delete_middle, 5, True),
        (delete_and_close_the_gap, 5, True),
        (reorder, 5, True),
        (insert_in_front, 1, True),
        (truncate_tail, 11, False),
        (truncate_all, 1, False),
        (rewrite_all, 8, False),
        (rewrite_tail, 12, False),
    ],
)
def test_the_first_wrong_place_is_named(
    written: Store,
    keys: Keys,
    anchors: Path,
    change: Callable[[Connection], Any],
    first: int,
    alone: bool,
) -> None:
    """F35; `alone`: the chain shows it without the signed heads."""
    assert written.audit.verify(anchors, keys.public_keys).sequence == RECORDS
    tamper(written, change)
    with pytest.raises(IntegrityError, match=rf"record {first} ") as found:
        written.audit.verify(anchors, keys.public_keys)
    assert (found.value.exit_code, found.value.code) == (6, "audit-broken")
    if not alone:
        written.audit.verify()
        with pytest.raises(IntegrityError):
            written.audit.anchor(anchors, keys)  # nobody signs what was tampered with
        return
    with pytest.raises(IntegrityError, match=rf"record {first} "):
        written.audit.verify()


@pytest.mark.parametrize("change", [edit, delete_middle, truncate_all])
def test_the_database_refuses_changes_of_the_audit(
    written: Store, change: Callable[[Connection], Any]
) -> None:
    def refused() -> None:
        with written.database.writing() as connection:
            change(connection)

    with pytest.raises(DBAPIError, match="append-only"):
        refused()
    assert written.audit.verify().sequence == RECORDS


def test_a_signature_of_another_key_and_a_changed_head_are_refused(
    written: Store, keys: Keys, anchors: Path, tmp_path: Path
) -> None:
    others = Keys.open(tmp_path / "others")
    with pytest.raises(IntegrityError, match="signature") as found:
        written.audit.verify(anchors, others.public_keys)
    assert found.value.where == str(anchors / "audit-000000000008.json")
    head = anchors / "audit-000000000012.json"
    content = json.loads(head.read_text())
    for broken in ({**content, "sequence": 11}, {**content, "signature": "zz"}, {"sequence": 12}, []):
        head.chmod(0o600)
        head.write_text(json.dumps(broken))
        with pytest.raises(IntegrityError, match="signature"):
            written.audit.verify(anchors, keys.public_keys)


def test_a_folder_without_signed_heads_proves_nothing(written: Store, keys: Keys, tmp_path: Path) -> None:
    for folder in (tmp_path / "nowhere", tmp_path):
        with pytest.raises(UsageError) as refused:
            written.audit.verify(folder, keys.public_keys)
        assert refused.value.code == "no-anchor"


def test_two_writers_make_one_chain(store: Store, again: Callable[[], Store]) -> None:
    stores = [store, again()]

    def write(one: Store) -> None:
        for number in range(8):
            one.audit.append([Event("a", "x", str(number)), Event("a", "y", str(number))])

    threads = [Thread(target=write, args=(one,)) for one in stores]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    assert store.audit.verify().sequence == 32
    actions = [row["action"] for row in store.audit.read(100)][::-1]
    assert actions == ["x", "y"] * 16


def test_records_are_read_the_newest_first_and_of_one_object(written: Store) -> None:
    assert [row["sequence"] for row in written.audit.read(3)] == [12, 11, 10]
    assert [(row["sequence"], row["actor"]) for row in written.audit.read(9, "c3")] == [(4, "user:ann")]


def test_a_field_that_is_too_long_is_cut_and_not_refused(store: Store) -> None:
    store.audit.append([Event("a" * 300, "b" * 300, "c" * 300, "d" * 300, "e" * 300, "f" * 300)])
    row = store.audit.read(1)[0]
    lengths = [len(row[name]) for name in ("actor", "action", "object", "result", "purpose", "model_version")]
    assert lengths == [200, 64, 64, 64, 64, 64]
    assert store.audit.verify().sequence == 1


# From the last signed head on, as each night does


@pytest.fixture
def longer(written: Store) -> Store:
    """Three records more than were signed."""
    written.audit.append([Event("user:bob", "sheet.read", f"c{number}") for number in range(3)])
    return written


def edit_after(connection: Connection) -> None:
    connection.execute(update(audit).where(audit.c.sequence == 14).values(actor="user:nobody"))


def edit_the_signed_one(connection: Connection) -> None:
    connection.execute(update(audit).where(audit.c.sequence == RECORDS).values(actor="user:nobody"))


def lose_the_signed_one(connection: Connection) -> None:
    connection.execute(delete(audit).where(audit.c.sequence == RECORDS))


def heads(anchors: Path) -> list[int]:
    return [json.loads(path.read_text())["sequence"] for path in sorted(anchors.iterdir())]


def test_a_night_signs_what_came_since_the_last_head(longer: Store, keys: Keys, anchors: Path) -> None:
    written = longer.audit.anchor(anchors, keys, full=False)
    assert written == anchors / "audit-000000000015.json"
    assert heads(anchors) == [8, RECORDS, 15]
    assert longer.audit.verify(anchors, keys.public_keys) == longer.audit.head()
    content = written.read_bytes()
    assert longer.audit.anchor(anchors, keys, full=False) == written  # nothing came after it
    assert (heads(anchors), written.read_bytes()) == ([8, RECORDS, 15], content)


def test_the_first_night_checks_and_signs_all_of_it(store: Store, keys: Keys, anchors: Path) -> None:
    store.audit.append([Event("a", "x")] * 3)
    store.audit.anchor(anchors, keys, full=False)
    assert heads(anchors) == [3]
    tamper(store, lambda connection: connection.execute(update(audit).values(actor="b")))
    with pytest.raises(IntegrityError, match="record 1 "):
        store.audit.anchor(anchors.with_name("others"), keys, full=False)


@pytest.mark.parametrize(
    ("change", "first"),
    [
        (edit_after, 14),
        (edit_the_signed_one, RECORDS),
        (lose_the_signed_one, RECORDS),
        (truncate_tail, RECORDS),
        (truncate_all, RECORDS),
        (rewrite_all, RECORDS),
        (rewrite_tail, RECORDS),
    ],
)
def test_a_night_does_not_sign_what_was_tampered_with_since(
    longer: Store, keys: Keys, anchors: Path, change: Callable[[Connection], Any], first: int
) -> None:
    tamper(longer, change)
    with pytest.raises(IntegrityError, match=rf"record {first} "):
        longer.audit.anchor(anchors, keys, full=False)
    assert heads(anchors) == [8, RECORDS]


@pytest.mark.parametrize(("change", "first"), [(edit, 5), (edit_and_seal, 6), (delete_middle, 5)])
def test_what_was_changed_before_a_head_is_found_later_though_a_night_signed(
    longer: Store, keys: Keys, anchors: Path, change: Callable[[Connection], Any], first: int
) -> None:
    tamper(longer, change)
    longer.audit.anchor(anchors, keys, full=False)
    with pytest.raises(IntegrityError, match=rf"record {first} "):
        longer.audit.verify(anchors, keys.public_keys)


def test_a_folder_that_cannot_be_written_is_told_with_7(longer: Store, keys: Keys, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for folder in (tmp_path / "file", tmp_path / "file" / "heads"):
        with pytest.raises(ResourcesError) as refused:
            longer.audit.anchor(folder, keys)
        assert (refused.value.exit_code, refused.value.code) == (7, "audit-heads")
        assert refused.value.where == str(folder)


def test_the_order_of_records_is_that_of_their_numbers_whatever_the_clock_says(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """F30: the clock goes back two days, then on by four."""
    for days in (0, -2, 2):

        class Clock(datetime):
            @classmethod
            def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
                return datetime.now(tz) + timedelta(days=days)  # noqa: B023  used within this turn

        monkeypatch.setattr("vipreco.store.audit.datetime", Clock)
        store.audit.append([Event("a", f"after {days}")])
    rows = store.audit.read(3)[::-1]
    assert [row["action"] for row in rows] == ["after 0", "after -2", "after 2"]
    assert rows[1]["at"] < rows[0]["at"] < rows[2]["at"]
    assert store.audit.verify().sequence == 3


def test_records_are_found_by_all_that_is_given_and_in_pages(store: Store) -> None:
    days = ("2026-03-01T08:00:00", "2026-03-02T23:59:59", "2026-03-03T00:00:00")
    store.audit.append(
        [
            Event("ann", "outcome.record", "c1", at=days[0]),
            Event("bob", "outcome.record", "c2", "denied", at=days[1]),
            Event("ann", "outcomes", "c1", at=days[2]),
        ]
    )

    def found(**given: Any) -> list[str]:
        return [row["at"][8:10] for row in store.audit.find(AuditQuery(**given))]

    assert found() == ["03", "02", "01"]
    assert found(actor="ann") == ["03", "01"]
    assert found(action="outcome") == ["02", "01"]  # the beginning up to a dot, not of a word
    assert found(result="denied") == ["02"]
    assert found(object="c1", action="outcome.record") == ["01"]
    assert found(since=date(2026, 3, 2), until=date(2026, 3, 2)) == ["02"]
    assert found(before=store.audit.head().sequence) == ["02", "01"]
    assert store.audit.actions() == ["outcome.record", "outcomes"]
