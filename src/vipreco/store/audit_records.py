"""Audit records of a busy service: appended to a file beside the store, moved into the store in batches.

A line is written before its answer is sent, so it survives the death of the process. It holds the audit event
and the decision (without its document) as one JSON text, then a tab, then the document of the decision as it
was answered. That document is JSON already; neither part holds a tab or a line break.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from pydantic_core import from_json, to_json

from vipreco.store.audit import Event
from vipreco.store.decisions import Decision
from vipreco.store.store import Store

PREFIX = "spool-"


class AuditRecord(NamedTuple):
    """Audit record of one answer: the event, and the decision if there was one."""

    event: Event
    decision: Decision | None = None


def save_records(store: Store, records: Sequence[AuditRecord]) -> None:
    """Write audit records and decisions into the store, in order, all or none."""
    with store.database.writing():
        store.decisions.add([record.decision for record in records if record.decision is not None])
        store.audit.append([record.event for record in records])


def encode_record(record: AuditRecord) -> bytes:
    """Return an audit record as a line of a file."""
    event, decision = record
    plain = event[:]  # a named tuple takes three times as long to encode
    if decision is None:
        return to_json((plain, None)) + b"\n"
    return b"%b\t%b\n" % (to_json((plain, decision[:-1])), decision.record.encode())


def append_lines(file: int, lines: bytes) -> None:
    """Append lines, all or none.

    Raises:
        OSError: It cannot be written.
    """
    written = os.write(file, lines)
    if written < len(lines):
        os.ftruncate(file, os.fstat(file).st_size - written)
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def decode_records(content: bytes) -> Iterator[AuditRecord]:
    """Return the audit records of a file; one that was cut off is dropped: its answer was never sent."""
    for line in content.split(b"\n")[:-1]:
        head, _, record = line.partition(b"\t")
        try:
            event, given = from_json(head)
        except ValueError:
            continue
        yield AuditRecord(Event(*event), None if given is None else _decision(given, record))


def _decision(given: Sequence[str], record: bytes) -> Decision:
    name, customer, made_at, actor = given
    return Decision(name, customer, datetime.fromisoformat(made_at), actor, record.decode())


def writer_is_alive(path: Path) -> bool:
    """Return whether the process that writes a file is alive."""
    process = int(path.stem.removeprefix(PREFIX).split("-", maxsplit=1)[0])
    if process == os.getpid():
        return True
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
