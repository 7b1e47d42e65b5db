"""Sheets of a workbook as text; a cell that a spreadsheet may have damaged is refused with its address."""

from __future__ import annotations

import datetime as dt
import re
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from vipreco.errors import InputRejectedError
from vipreco.tables.csv_source import TEXT_TYPE
from vipreco.tables.date_forms import TYPED
from vipreco.tables.mapping_file import SourceRule
from vipreco.tables.parquet_source import csv_line
from vipreco.tables.sources import BadRows, RowLocations, TextChunk, match_header, named, unread_warning

CHUNK_ROWS = 20_000
MAX_UNPACKED_BYTES = 512 << 20
MAX_RATIO = 100
RATIO_MATTERS_BYTES = 16 << 20
MERGED_CELL = re.compile(rb'<mergeCell\b[^>]*\bref="([A-Z0-9:]{2,40})"')
ROW = re.compile(rb"<(?:\w+:)?row\b")
FILLED_CELL = re.compile(rb"<(?:\w+:)?(?:v|t)\b[^>/]*>[^<]|<(?:\w+:)?f\b")
FORMULA, NUMERIC_ID, ERROR_CELL = "formula", "numeric-id-cell", "error-cell"


class XlsxSource:
    """One sheet of an XLSX workbook, read as text.

    Raises:
        InputRejectedError: Encrypted, not a workbook, a ZIP bomb, an unclear or hidden sheet, merged cells.
    """

    def __init__(self, path: Path, rule: SourceRule, *, chunk_rows: int = CHUNK_ROWS) -> None:
        self.path = path
        self.rule = rule
        self.chunk_rows = chunk_rows
        self.warnings: list[str] = []
        _refuse_packaging(path)
        self.sheet = self._choose_sheet()
        self.header_row, self.header = self._read_header()
        needed = rule.source_columns()
        self._positions = match_header(self.header, needed, f"{path}, sheet {self.sheet}")
        self.warnings += unread_warning([name for name in self.header if name], needed)
        self._ids = rule.id_columns()

    def _open(self) -> Any:
        import openpyxl  # noqa: PLC0415 - for workbooks alone

        try:
            return openpyxl.load_workbook(self.path, read_only=True, data_only=False, keep_links=False)
        except Exception as error:  # openpyxl lets errors of all kinds through on damaged files
            raise _damaged(self.path) from error

    def _choose_sheet(self) -> str:
        book = self._open()
        try:
            visible = [sheet.title for sheet in book.worksheets if sheet.sheet_state == "visible"]
            hidden = [sheet.title for sheet in book.worksheets if sheet.sheet_state != "visible"]
            chosen = self.rule.sheet or (visible[0] if len(visible) == 1 else None)
            if chosen is None or chosen not in visible:
                raise _unclear_sheet(self.path, self.rule.sheet, visible, hidden)
            if hidden:
                self.warnings.append(f"{len(hidden)} hidden sheet(s) not read")
            self._look_at_sheet(book[chosen]._worksheet_path)
            return str(chosen)
        finally:
            book.close()

    def _look_at_sheet(self, part: str) -> None:
        """Count the rows in the sheet's XML, and refuse merged cells: openpyxl tells neither row by row."""
        try:
            with zipfile.ZipFile(self.path) as archive:
                content = archive.read(part.lstrip("/"))
        except (zipfile.BadZipFile, KeyError, OSError, EOFError, zlib.error) as error:
            raise _damaged(self.path) from error
        self._filled_rows = sum(FILLED_CELL.search(row) is not None for row in ROW.split(content)[1:])
        merged = [place.decode() for place in MERGED_CELL.findall(content)]
        if merged:
            raise InputRejectedError(
                f"{len(merged)} merged cell range(s)",
                where=str(self.path),
                remedy="unmerge them: which row a merged value belongs to cannot be told",
                code="merged-cells",
                examples=merged,
            )

    def _read_header(self) -> tuple[int, list[str]]:
        for number, row in self._rows():
            names = ["" if cell.value is None else str(cell.value) for cell in row]
            while names and not names[-1].strip():
                names.pop()
            return number, named(names)
        raise InputRejectedError("has no header row", where=str(self.path), code="empty-file")

    def _rows(self) -> Iterator[tuple[int, Any]]:
        """Yield the rows that are not blank, with their number in the sheet.

        The sheet's own statement of its size is not asked: programs leave it as it was.
        """
        book = self._open()
        filled = 0
        try:
            sheet = book[self.sheet]
            sheet.reset_dimensions()
            for number, row in enumerate(sheet.iter_rows(), start=1):
                filled += any(cell.value is not None for cell in row)
                if number >= self.rule.header_row and any(cell.value not in (None, "") for cell in row):
                    yield number, row
        except Exception as error:  # openpyxl lets errors of all kinds through on damaged files
            raise _damaged(self.path) from error
        finally:
            book.close()
        if filled != self._filled_rows:
            raise _miscounted(self.path, self._filled_rows, filled)

    def chunks(self) -> Iterator[TextChunk]:
        """Yield the rows, in the sheet's order."""
        rows: list[tuple[int, Any]] = []
        for number, row in self._rows():
            if number > self.header_row:
                rows.append((number, row))
            if len(rows) == self.chunk_rows:
                yield self._chunk(rows)
                rows = []
        if rows:
            yield self._chunk(rows)

    def _chunk(self, rows: list[tuple[int, Any]]) -> TextChunk:
        from openpyxl.utils import get_column_letter  # noqa: PLC0415 - as above

        columns = {name: [_cell(row, at) for _, row in rows] for name, at in self._positions.items()}
        numbers = np.array([number for number, _ in rows], np.int64)
        good = np.ones(numbers.size, bool)
        bad: list[BadRows] = []
        for name, cells in columns.items():
            for index, cell in enumerate(cells):
                if good[index] and (code := self._damage(name, cell)):
                    good[index] = False
                    address = f"{name} ({get_column_letter(self._positions[name] + 1)}{numbers[index]})"
                    bad.append(BadRows(RowLocations.numbered(numbers[index : index + 1]), address, code))
        texts = {
            name: pa.array(
                [_marked(cell) for cell, keep in zip(cells, good, strict=True) if keep], pa.string()
            )
            for name, cells in columns.items()
        }
        encoded = {name: column.dictionary_encode().cast(TEXT_TYPE) for name, column in texts.items()}
        return TextChunk(encoded, RowLocations.numbered(numbers[good]), bad)

    def _damage(self, name: str, cell: Any) -> str:
        if cell is None or cell.value is None:
            return ""
        if cell.data_type == "f":
            return FORMULA
        if cell.data_type == "e":
            return ERROR_CELL
        return NUMERIC_ID if name in self._ids and cell.data_type != "s" else ""

    def originals(self, locations: RowLocations) -> Iterator[bytes]:
        """Yield a header line and the rows' needed columns, as CSV."""
        yield csv_line([self.header[at] for at in self._positions.values()])
        wanted = set(locations.rows.tolist())
        for number, row in self._rows():
            if number in wanted:
                yield csv_line([_text(_cell(row, at)) for at in self._positions.values()])


def _cell(row: Any, at: int) -> Any:
    return row[at] if at < len(row) else None


def _marked(cell: Any) -> str:
    """Return a cell's value as text; a date stands behind a mark, for it is read by no declared form."""
    typed = cell is not None and isinstance(cell.value, dt.date)
    return TYPED + _text(cell) if typed else _text(cell)


def _text(cell: Any) -> str:
    """Return a cell's value as exact text; a date as ISO, a whole number without a point."""
    value = None if cell is None else cell.value
    if value is None:
        return ""
    if isinstance(value, dt.datetime):
        return value.date().isoformat() if value.time() == dt.time() else value.isoformat(sep=" ")
    if isinstance(value, dt.time):  # Excel shows the moment 0 as a time; day 0 is no date
        return value.isoformat()
    if isinstance(value, bool):
        return "1" if value else "0"
    return repr(value) if isinstance(value, float) else str(value)


def _refuse_packaging(path: Path) -> None:
    """Look at the ZIP directory before anything is unpacked."""
    with path.open("rb") as handle:
        start = handle.read(8)
    if start.startswith(b"\xd0\xcf\x11\xe0"):
        raise InputRejectedError(
            "is encrypted, or an old .xls workbook",
            where=str(path),
            remedy="save it without a password as .xlsx, or as UTF-8 CSV",
            code="encrypted",
        )
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
    except (zipfile.BadZipFile, OSError) as error:
        raise _damaged(path) from error
    names = [one.filename for one in entries]
    if len(set(names)) < len(names):
        raise _damaged(path)  # two parts of one name: readers differ in which they take
    unpacked, packed = sum(one.file_size for one in entries), sum(one.compress_size for one in entries)
    bomb = unpacked > RATIO_MATTERS_BYTES and unpacked > MAX_RATIO * max(packed, 1)
    if bomb or unpacked > MAX_UNPACKED_BYTES:
        raise InputRejectedError(
            f"would unpack to {unpacked:,} bytes from {packed:,}",
            where=str(path),
            remedy="export the data as CSV or Parquet",
            code="zip-bomb",
        )


def _miscounted(path: Path, there: int, read: int) -> InputRejectedError:
    return InputRejectedError(
        f"has {there} filled rows on its sheet, but {read} could be read",
        where=str(path),
        remedy="save it anew in a spreadsheet program, or as UTF-8 CSV",
        code="row-count",
    )


def _damaged(path: Path) -> InputRejectedError:
    return InputRejectedError(
        "is not a readable XLSX workbook", where=str(path), remedy="transfer the file again", code="damaged"
    )


def _unclear_sheet(
    path: Path, wanted: str | None, visible: list[str], hidden: list[str]
) -> InputRejectedError:
    if wanted in hidden:
        what = f"sheet {wanted!r} is hidden"
    elif wanted is not None:
        what = f"has no sheet {wanted!r}"
    else:
        what = f"has {len(visible)} visible sheets, one is expected"
    return InputRejectedError(
        what,
        where=str(path),
        remedy=f"declare sheet = one of {', '.join(visible)}" if visible else "show the sheet",
        code="sheet",
    )
