"""Append-only audit trail: each record holds the hash of the one before.

A hash chain alone does not show that its tail was cut off or that all of it was rewritten. Its head is
therefore signed (Ed25519) now and then, and the signed head is saved in a folder that the owner of the
database cannot change.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, func, insert, or_, select

from vipreco.durable import write_json
from vipreco.errors import IntegrityError, ResourcesError, UsageError
from vipreco.signatures import is_signed, signed
from vipreco.store.connection import Database, hold_lock
from vipreco.store.keys import Keys
from vipreco.store.schema import audit

GENESIS = "0" * 64
HEADS = "audit-*.json"
CANONICAL = json.JSONEncoder(sort_keys=True, ensure_ascii=False, separators=(",", ":"))
LOCK = 7_301_984_112  # two writers must not take the same place in the chain
ACTIONS_OF = 50_000  # newest records whose actions a search offers

_LENGTHS = {column.name: getattr(column.type, "length", None) for column in audit.columns}


class Event(NamedTuple):
    """One action of a user or program, as the audit records it.

    Args:
        actor: Id of the user or token.
        action: What was done: `offers.read`, `sheet.read`, `outcome.record`, ...
        object: Pseudonym of the customer, or name of the switch, account, token, ...
        result: `ok`, `denied`, `unknown`, ...
        purpose: Why it was done, such as `command` or `retention`.
        model_version: Model behind what was shown.
        at: Moment in UTC; default: now.
    """

    actor: str
    action: str
    object: str = ""
    result: str = "ok"
    purpose: str = ""
    model_version: str = ""
    at: str = ""


@dataclass(frozen=True)
class AuditQuery:
    """Conditions on audit records; what is empty admits all.

    Args:
        actor: Id of the user or token, as a whole.
        action: The action, or its beginning up to the dot: `outcome.record`, `outcome`.
        object: Pseudonym of a customer, or name of the switch, account, token, ...
        result: `ok`, `denied`, `unknown`, ...
        since: First day in UTC.
        until: Last day in UTC.
        before: Only records before this number: the next page.
    """

    actor: str = ""
    action: str = ""
    object: str = ""
    result: str = ""
    since: date | None = None
    until: date | None = None
    before: int | None = None

    def conditions(self) -> Iterator[ColumnElement[bool]]:
        """Give the conditions in SQL."""
        columns = audit.c
        exact = ((columns.actor, self.actor), (columns.object, self.object), (columns.result, self.result))
        yield from (column == value for column, value in exact if value)
        if self.action:
            beginning = columns.action.startswith(f"{self.action}.", autoescape=True)
            yield or_(columns.action == self.action, beginning)
        if self.since is not None:
            yield audit.c.at >= self.since.isoformat()
        if self.until is not None:
            yield (
                audit.c.at < f"{self.until.isoformat()}T99"
            )  # past its last hour; there may be no next day
        if self.before is not None:
            yield audit.c.sequence < self.before


@dataclass(frozen=True)
class Head:
    """Number and hash of the last record of the chain."""

    sequence: int
    hash: str


class AuditTrail:
    """The chain of audit records."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def append(self, events: Sequence[Event]) -> Head:
        """Append records in order, all or none, and return the new head."""
        with self.database.writing() as connection:
            hold_lock(connection, LOCK)
            head = _head(connection)
            rows = list(_chained(head, events))
            if rows:
                connection.execute(insert(audit), rows)
        return Head(rows[-1]["sequence"], rows[-1]["hash"]) if rows else head

    def head(self) -> Head:
        """Return the last record's number and hash."""
        with self.database.reading() as connection:
            return _head(connection)

    def read(self, limit: int = 100, object_: str | None = None) -> list[dict[str, Any]]:
        """Return the newest records, newest first; with `object_`, those about that object."""
        return self.find(AuditQuery(object=object_ or ""), limit)

    def find(self, query: AuditQuery, limit: int = 100) -> list[dict[str, Any]]:
        """Return the records that a query asks for, newest first."""
        wanted = select(audit).where(*query.conditions()).order_by(audit.c.sequence.desc()).limit(limit)
        with self.database.reading() as connection:
            return [dict(row._mapping) for row in connection.execute(wanted)]

    def actions(self) -> list[str]:
        """Return the actions among the newest records, in their order.

        Of 100,000 records they took 34 ms of processor time, of ten million they would take seconds.
        """
        newest = select(audit.c.action).order_by(audit.c.sequence.desc()).limit(ACTIONS_OF).subquery()
        query = select(newest.c.action).distinct().order_by(newest.c.action)
        with self.database.reading() as connection:
            return list(connection.execute(query).scalars())

    def results(self, after: date, until: date) -> dict[str, int]:
        """Return how many records of the days after `after`, until `until`, have each result."""
        inside = (audit.c.at >= (after + timedelta(days=1)).isoformat()) & (
            audit.c.at < (until + timedelta(days=1)).isoformat()
        )
        query = select(audit.c.result, func.count()).where(inside).group_by(audit.c.result)
        with self.database.reading() as connection:
            return {result: int(count) for result, count in connection.execute(query)}

    def verify(self, anchors: Path | None = None, public_keys: Collection[str] = ()) -> Head:
        """Check every record against the chain, and the chain against its signed heads.

        Args:
            anchors: Folder of the signed heads; without it a cut tail or a rewritten chain goes unnoticed.
            public_keys: Public keys, as hex text, of which one signed each head.

        Raises:
            UsageError: The folder holds no signed head.
            IntegrityError: A record was changed or is missing; the first one is named.
        """
        return self._checked({} if anchors is None else _hashes_of(anchors, public_keys))

    def anchor(self, folder: Path, keys: Keys, *, full: bool = True) -> Path:
        """Check the chain, sign its head, save it in a folder, and return the file.

        Args:
            folder: Folder of the signed heads.
            keys: Keys of the project.
            full: Check all records, not only those since the last signed head. A change before that head is
                found by the next full check.

        Raises:
            IntegrityError: A record was changed or is missing, or a signed head does not match.
            ResourcesError: The folder cannot be written.
        """
        try:
            heads = _hashes_of(folder, keys.public_keys) if any(folder.glob(HEADS)) else {}
            head = self._checked(heads, 0 if full else max(heads, default=0))
            target = folder / f"audit-{head.sequence:012d}.json"
            if head.sequence not in heads or not target.exists():
                _save_head(head, target, keys)
            return target
        except OSError as error:
            raise ResourcesError(
                f"the signed head of the audit cannot be written: {error.strerror}",
                where=str(folder),
                remedy="free space on that disk, and allow the user of this command to write there",
                code="audit-heads",
            ) from error

    def _checked(self, signed: dict[int, str], after: int = 0) -> Head:
        """Check all records, or those from record `after` on, against the chain and the signed hashes."""
        hashes = {sequence: hash_ for sequence, hash_ in signed.items() if sequence >= after}
        head = self._before(after) if after else Head(0, GENESIS)
        for row in self._rows(after):
            if row["sequence"] != head.sequence + 1:
                raise _broken(head.sequence + 1, "is missing")
            if row["previous_hash"] != head.hash or row["hash"] != _hash(row):
                raise _broken(row["sequence"], "was changed")
            head = Head(row["sequence"], row["hash"])
            if hashes.pop(head.sequence, head.hash) != head.hash:
                raise _broken(head.sequence, "does not match its signed head")
        if hashes:
            raise _broken(head.sequence + 1, "is missing: a signed head proves that there were more")
        return head

    def _before(self, sequence: int) -> Head:
        """Return the head before a record, which the hash of that record covers."""
        query = select(audit.c.previous_hash).where(audit.c.sequence == sequence)
        with self.database.reading() as connection:
            return Head(sequence - 1, connection.execute(query).scalar() or "")

    def _rows(self, first: int) -> Iterator[dict[str, Any]]:
        query = select(audit).order_by(audit.c.sequence)
        query = query.where(audit.c.sequence >= first) if first else query
        with self.database.reading() as connection:
            for row in connection.execution_options(yield_per=1_000).execute(query):
                yield dict(row._mapping)


def _head(connection: Connection) -> Head:
    last = select(func.max(audit.c.sequence)).scalar_subquery()
    row = connection.execute(select(audit.c.sequence, audit.c.hash).where(audit.c.sequence == last)).first()
    return Head(0, GENESIS) if row is None else Head(row.sequence, row.hash)


def _chained(head: Head, events: Sequence[Event]) -> Iterator[dict[str, Any]]:
    now = datetime.now(UTC).isoformat(timespec="milliseconds")
    previous = head.hash
    for sequence, event in enumerate(events, start=head.sequence + 1):
        row = {**_clipped(event), "at": event.at or now, "sequence": sequence, "previous_hash": previous}
        row["hash"] = previous = _hash(row)
        yield row


def _hash(row: dict[str, Any]) -> str:
    content = {name: value for name, value in row.items() if name != "hash"}
    return hashlib.sha256(CANONICAL.encode(content).encode()).hexdigest()


def _save_head(head: Head, target: Path, keys: Keys) -> None:
    content = {**asdict(head), "at": datetime.now(UTC).isoformat(timespec="seconds")}
    target.parent.mkdir(parents=True, exist_ok=True)
    write_json(target, signed(content, keys.seed), mode=0o444)


def _hashes_of(folder: Path, public_keys: Collection[str]) -> dict[int, str]:
    """Return the signed hashes by number of the record."""
    paths = sorted(folder.glob(HEADS))
    if not paths:
        raise UsageError(
            "holds no signed head of the audit",
            where=str(folder),
            remedy="name the folder that `vipreco audit anchor` writes to",
            code="no-anchor",
        )
    found = dict(_signed_head(path, public_keys) for path in paths)
    found.pop(0, None)
    return found


def _signed_head(path: Path, public_keys: Collection[str]) -> tuple[int, str]:
    try:
        content = json.loads(path.read_bytes())
        if is_signed(content, public_keys):
            return int(content["sequence"]), str(content["hash"])
    except (ValueError, KeyError, TypeError, AttributeError):
        pass
    raise IntegrityError(
        "the signature of this head of the audit is wrong",
        where=str(path),
        remedy="restore the file from its copy; leave the database as it is",
        code="bad-signature",
    )


def _clipped(event: Event) -> dict[str, str]:
    """Return the fields of an event cut to the length of their columns: an audit record is never refused."""
    return {name: value[: _LENGTHS.get(name)] for name, value in event._asdict().items()}


def _broken(sequence: int, what: str) -> IntegrityError:
    return IntegrityError(
        f"record {sequence} {what}",
        where="audit",
        remedy="keep the database as it is and compare it with its backups",
        code="audit-broken",
    )
