"""Writing a document in a format, all of it or none."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from vipreco.documents.document import Document
from vipreco.durable import replacing
from vipreco.export import BYTE_ORDER_MARK, write_table


def write_document(document: Document, target: Path | BinaryIO, kind: str) -> None:
    """Write `document` to a file, which is replaced as a whole, or to an open binary stream.

    CSV has the rows of the first part alone; JSON and CSV have the names of the columns, not their titles.

    Raises:
        ResourcesError: The disk is full; an older file at `target` is unchanged.
    """
    whole = io.BytesIO()  # so that a closed pipe or a full disk meets no half-written document
    _WRITERS[kind](document, whole)
    if not isinstance(target, Path):
        target.write(whole.getbuffer())
        return
    with replacing(target) as temporary, temporary.open("wb") as stream:
        stream.write(BYTE_ORDER_MARK if kind == "csv" else b"")
        stream.write(whole.getbuffer())


def _write_xlsx(document: Document, stream: BinaryIO) -> None:
    from vipreco.documents.xlsx import write_xlsx  # noqa: PLC0415  half a second that only this format needs

    write_xlsx(document, stream)


def _write_pdf(document: Document, stream: BinaryIO) -> None:
    from vipreco.documents.pdf import write_pdf  # noqa: PLC0415  as above

    write_pdf(document, stream)


def _write_json(document: Document, stream: BinaryIO) -> None:
    parts = {
        part.key: json.loads(part.rows.select(column.name for column in part.columns).write_json())
        for part in document.parts
    }
    currency = {"currency": document.currency} if document.currency else {}
    content = {"title": document.title, "about": list(document.about), **currency, **parts}
    stream.write(json.dumps(content, ensure_ascii=False, indent=2).encode() + b"\n")


def _write_csv(document: Document, stream: BinaryIO) -> None:
    first = document.parts[0]
    write_table(first.rows.select(column.name for column in first.columns), stream, "csv")


_WRITERS: dict[str, Callable[[Document, BinaryIO], None]] = {
    "xlsx": _write_xlsx,
    "pdf": _write_pdf,
    "json": _write_json,
    "csv": _write_csv,
}
