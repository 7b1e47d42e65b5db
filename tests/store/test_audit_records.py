"""Audit records as lines of a file: whole or not at all, letter by letter."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.store.audit_samples import NOW, audit_record
from vipreco.store import AuditRecord, Decision, Event, append_lines, decode_records, encode_record


def test_a_line_for_which_the_disk_has_half_the_room_is_not_there_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, line = tmp_path / "spool", encode_record(audit_record(1))
    file = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_APPEND)
    append_lines(file, line)
    whole = os.write
    with monkeypatch.context() as full:
        full.setattr(os, "write", lambda target, content: whole(target, content[: len(content) // 2]))
        with pytest.raises(OSError, match="No space left"):
            append_lines(file, encode_record(audit_record(2)))
    append_lines(file, encode_record(audit_record(3)))
    os.close(file)
    assert list(decode_records(path.read_bytes())) == [audit_record(1), audit_record(3)]


@pytest.mark.parametrize("record", ['{"a":"tab\\tline\\nend"}', '{"名":"张 \U00020000"}', "{}"])
def test_a_record_is_kept_letter_by_letter(record: str) -> None:
    decision = Decision("d1", "0001", NOW, "token:1", record)
    for event in (Event("a\tb\nc", "offers.read"), Event('"', "x", "1", "2", "3", "4", "5")):
        assert list(decode_records(encode_record(AuditRecord(event, decision)))) == [
            AuditRecord(event, decision)
        ]
        assert list(decode_records(encode_record(AuditRecord(event)))) == [AuditRecord(event)]
