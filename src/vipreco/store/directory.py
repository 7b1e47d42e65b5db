"""Directory of customers: name, salutation, phone and preferred hours, kept in the store alone."""

from __future__ import annotations

import csv
import io
from collections.abc import Collection, Iterator, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from sqlalchemy import delete, func, insert, select

from vipreco.errors import InputRejectedError, UsageError
from vipreco.store.connection import Database
from vipreco.store.failures import retry_if_taken
from vipreco.store.schema import books, directory
from vipreco.store.scope import Scope

BATCH = 500  # ids of one statement: SQLite binds at most 999 values in its older versions


@dataclass(frozen=True)
class DirectoryEntry:
    """Name, salutation, phone and preferred hours of a customer; only the name is needed."""

    customer_id: str
    name: str
    salutation: str = ""
    phone: str = ""
    preferred_hours: str = ""


DIRECTORY_COLUMNS = tuple(field.name for field in fields(DirectoryEntry))
NEEDED = ("customer_id", "name")


class Directory:
    """Names and phones of customers."""

    def __init__(self, database: Database) -> None:
        self.database = database

    @retry_if_taken
    def add(self, entries: Sequence[DirectoryEntry]) -> None:
        """Add entries; those of the same customers are replaced."""
        with self.database.writing() as connection:
            for start in range(0, len(entries), BATCH):
                part = entries[start : start + BATCH]
                ids = [entry.customer_id for entry in part]
                connection.execute(delete(directory).where(directory.c.customer_id.in_(ids)))
                connection.execute(insert(directory), [asdict(entry) for entry in part])

    def of(self, scope: Scope, customer_ids: Collection[str] | None = None) -> dict[str, DirectoryEntry]:
        """Return the entries of the customers whom somebody may see, by id.

        Args:
            scope: Who asks.
            customer_ids: Only these, a few; None for everybody in the scope.
        """
        query = (
            select(directory).join(books, books.c.customer_id == directory.c.customer_id).where(scope.sees())
        )
        if customer_ids is not None:
            query = query.where(directory.c.customer_id.in_(customer_ids))
        with self.database.reading() as connection:
            return {row.customer_id: _entry(row) for row in connection.execute(query)}

    def all(self) -> list[DirectoryEntry]:
        """Return all entries by id."""
        with self.database.reading() as connection:
            rows = connection.execute(select(directory).order_by(directory.c.customer_id))
            return [_entry(row) for row in rows]

    def about(self, customer_ids: Sequence[str]) -> dict[str, DirectoryEntry]:
        """Return the entries of some customers by id, for whoever may read the whole directory."""
        parts = [customer_ids[start : start + BATCH] for start in range(0, len(customer_ids), BATCH)]
        with self.database.reading() as connection:
            rows = [
                row
                for part in parts
                for row in connection.execute(select(directory).where(directory.c.customer_id.in_(part)))
            ]
        return {row.customer_id: _entry(row) for row in rows}

    def count(self) -> int:
        """Return the number of entries."""
        with self.database.reading() as connection:
            return connection.execute(select(func.count()).select_from(directory)).scalar() or 0

    @retry_if_taken
    def delete(self, customer_id: str | None = None) -> int:
        """Delete the entry of one customer, or all entries, beyond recovery; return their number."""
        query = delete(directory)
        if customer_id is not None:
            query = query.where(directory.c.customer_id == customer_id)
        with self.database.writing() as connection:
            if self.database.is_file:  # the pages of removed rows are overwritten
                connection.exec_driver_sql("PRAGMA secure_delete=ON")
            return connection.execute(query).rowcount


def _entry(row: Any) -> DirectoryEntry:
    return DirectoryEntry(*(getattr(row, name) for name in DIRECTORY_COLUMNS))


def read_directory(path: Path, encoding: str = "utf-8-sig") -> list[DirectoryEntry]:
    """Read a directory from a CSV file with a header; every cell is text.

    Columns are customer_id, name, and optionally salutation, phone, preferred_hours. No message repeats a
    cell: it could be a name.

    Raises:
        UsageError: The file cannot be read, or is not in this encoding.
        InputRejectedError: A column is missing or unknown, or a row is wrong; it is named by its number.
    """
    try:
        text = path.read_text(encoding=encoding)
    except (OSError, UnicodeError, LookupError) as error:
        raise UsageError(
            "the directory cannot be read",
            where=str(path),
            remedy=f"give a CSV file in {encoding}, or its encoding by --encoding",
            code="unreadable",
        ) from error
    try:
        found = list(_read_rows(text, str(path)))
    except csv.Error as error:
        raise _wrong("the file is no CSV", str(path)) from error
    return found


def _read_rows(text: str, where: str) -> Iterator[DirectoryEntry]:
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    header = next(reader, [])
    unknown = [name for name in header if name not in DIRECTORY_COLUMNS]
    missing = [name for name in NEEDED if name not in header]
    if unknown or missing or len(set(header)) != len(header):
        raise _wrong(f"the header is not made of {', '.join(DIRECTORY_COLUMNS)}", where)
    seen: set[str] = set()
    for cells in reader:
        row = f"{where}, line {reader.line_num}"
        if len(cells) != len(header):
            raise _wrong(f"the row has {len(cells)} cells, the header {len(header)}", row)
        values = {name: _plain(cell) for name, cell in zip(header, cells, strict=True)}
        _check_row(values, row)
        if values["customer_id"] in seen:
            raise _wrong("this customer_id stood in an earlier row", f"{row}, column customer_id")
        seen.add(values["customer_id"])
        yield DirectoryEntry(**values)


def _plain(cell: str) -> str:
    """Return a cell without the quote that `vipreco directory export` puts before a sign such as +."""
    text = cell.strip()
    return text[1:] if text[:1] == "'" and text[1:2] in {"=", "+", "-", "@"} else text


def _check_row(values: dict[str, str], row: str) -> None:
    for name, value in values.items():
        length = directory.c[name].type.length  # type: ignore[attr-defined]
        where = f"{row}, column {name}"
        if name in NEEDED and not value:
            raise _wrong("the cell is empty", where)
        if len(value) > length:
            raise _wrong(f"the cell has more than {length} characters", where)
        if not value.isprintable():
            raise _wrong("the cell holds control characters", where)


def _wrong(what: str, where: str) -> InputRejectedError:
    remedy = "correct the file and import it again; nothing was imported"
    return InputRejectedError(what, where=where, remedy=remedy, code="directory")
