"""Lists as files that other programs open without damage: CSV, XLSX, JSON, Parquet."""

from __future__ import annotations

import datetime
import io
import os
import re
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, TypeAlias, cast

import polars as pl
import polars.selectors as cs
import pyarrow as pa

from vipreco.durable import replacing
from vipreco.errors import UsageError

if TYPE_CHECKING:
    from xlsxwriter import Workbook

Frame: TypeAlias = pl.DataFrame | pa.Table
FORMATS = ("csv", "xlsx", "json", "parquet")
MAX_SHEET_ROWS = 1_048_575  # a sheet's limit less the header
MAX_COLUMN_WIDTH = 60
GROUP_ROWS = 1 << 17  # of a Parquet file that is written some rows at a time
BYTE_ORDER_MARK = "\ufeff".encode()
LIST_SEPARATOR = "; "
# A spreadsheet takes a cell that begins so for a formula, even when it is quoted; the wide forms in Chinese.
FORMULA_START = r"^[=+\-@\t\r\n＝＋－＠]"
# They would turn the order of the letters that a reader sees.
DIRECTION_SIGNS = "[\u202a-\u202e\u2066-\u2069\u200e\u200f\u061c]"
REPLACEMENT = "\ufffd"
LITERAL = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
RATE_NAME = re.compile(r"propensity|probability|^chance|_rate(_low|_high)?$|share$")
FIXED_MOMENT = datetime.datetime(2000, 1, 1)  # noqa: DTZ001  a document property that must not vary


def write_table(frame: Frame, target: Path | BinaryIO, kind: str) -> None:
    """Write the rows of `frame` to `target` in the format `kind`, all of them or none.

    Args:
        frame: Rows in the order in which they shall appear.
        target: A file to replace, or an open binary stream.
        kind: One of `FORMATS`. A CSV *file* begins with a byte order mark, by which
            spreadsheets know UTF-8.

    Raises:
        UsageError: Unknown format, or more rows than a sheet can hold.
        ResourcesError: The disk is full; an older file at `target` is unchanged.
    """
    writer = _writer(kind)
    rows = frame if isinstance(frame, pl.DataFrame) else _from_arrow(frame)
    if not isinstance(target, Path):
        whole = io.BytesIO()  # so that a closed pipe is seen here, as itself
        writer(rows, whole)
        target.write(whole.getbuffer())
        return
    with replacing(target) as temporary, temporary.open("wb") as stream:
        stream.write(BYTE_ORDER_MARK if kind == "csv" else b"")
        writer(rows, stream)


def write_frames(frames: Iterable[pl.DataFrame], total: int, target: Path | BinaryIO, kind: str) -> None:
    """Write rows that come in frames of the same columns, one at least, as `write_table` writes all of them.

    One frame is in memory at a time; a sheet is put together as a whole.

    Args:
        frames: Rows in the order in which they shall appear.
        total: Number of all rows.
        target: As of `write_table`.
        kind: As of `write_table`.

    Raises:
        UsageError: As of `write_table`.
        ResourcesError: As of `write_table`.
    """
    writer = FRAME_WRITERS.get(kind)
    if writer is None:
        if kind == "xlsx":
            _check_sheet(total)
        write_table(pl.concat(frames), target, kind)
    elif isinstance(target, Path):
        with replacing(target) as temporary, temporary.open("wb") as stream:
            stream.write(BYTE_ORDER_MARK if kind == "csv" else b"")
            writer(frames, stream)
    else:
        writer(frames, target)


def with_currency(rows: pl.DataFrame, currency: str) -> pl.DataFrame:
    """Return rows with the currency of their amounts in a column; without a currency, without the amounts.

    >>> with_currency(pl.DataFrame({"aum_amount": [1.0]}), "CNY").columns
    ['aum_amount', 'currency']
    """
    amounts = [name for name in rows.columns if name.endswith("_amount")]
    if not amounts:
        return rows
    return rows.with_columns(pl.lit(currency).alias("currency")) if currency else rows.drop(amounts)


def format_of(path: Path, known: Collection[str] = FORMATS) -> str:
    """Return the format that the ending of `path` stands for.

    Raises:
        UsageError: The ending is none of `known`.
    """
    kind = path.suffix.lower().removeprefix(".")
    if kind not in known:
        raise UsageError(
            f"the ending {path.suffix or '(none)'} is not a known format",
            where=str(path),
            remedy=f"end the name with one of {', '.join('.' + name for name in known)}, or give --format",
            code="unknown-format",
        )
    return kind


def check_target(path: Path) -> None:
    """Make sure that `path` can be written, before any work is done.

    Raises:
        UsageError: Its folder is missing or not writable, or `path` is a folder.
    """
    folder = path.parent
    if path.is_dir():
        raise UsageError("is a folder, a file is needed", where=str(path), code="out-is-folder")
    if not folder.is_dir():
        raise UsageError(
            "the folder does not exist", where=str(folder), remedy=f"mkdir -p '{folder}'", code="no-folder"
        )
    if not os.access(folder, os.W_OK | os.X_OK):
        raise UsageError("the folder cannot be written to", where=str(folder), code="read-only-folder")


def _from_arrow(table: pa.Table) -> pl.DataFrame:
    rows = pl.from_arrow(table)
    assert isinstance(rows, pl.DataFrame)  # noqa: S101  a table never becomes a series
    return rows


def _writer(kind: str) -> Callable[[pl.DataFrame, BinaryIO], None]:
    writers = {"csv": _write_csv, "xlsx": _write_xlsx, "json": _write_json, "parquet": _write_parquet}
    if kind not in writers:
        raise UsageError(
            f"unknown format {kind}", remedy=f"choose one of {', '.join(FORMATS)}", code="format"
        )
    return writers[kind]


def _write_csv(rows: pl.DataFrame, stream: BinaryIO, *, header: bool = True) -> None:
    text = cs.string().str.replace_all(DIRECTION_SIGNS, REPLACEMENT)
    guarded = pl.when(text.str.contains(FORMULA_START)).then("'" + text).otherwise(text)
    _flattened(rows).with_columns(guarded.name.keep()).write_csv(stream, include_header=header)


def _write_xlsx(rows: pl.DataFrame, stream: BinaryIO) -> None:
    _check_sheet(rows.height)
    with open_workbook(stream) as workbook:
        flat = _flattened(rows)
        flat.write_excel(
            workbook,
            "list",
            freeze_panes=(1, 0),
            column_widths=_widths(flat),
            column_formats=_number_formats(flat),
            autofilter=True,
        )


def _check_sheet(rows: int) -> None:
    if rows > MAX_SHEET_ROWS:
        raise UsageError(
            f"{rows:,} rows do not fit into a sheet, which holds {MAX_SHEET_ROWS:,}",
            remedy="choose --format csv or parquet",
            code="too-many-rows",
        )


@contextmanager
def open_workbook(stream: BinaryIO, title: str = "") -> Iterator[Workbook]:
    """Give a workbook in which no text is a formula or link, and write it in one piece at the end.

    It is made in memory: an archive that could not be written complains a second time when it is thrown away.
    """
    import xlsxwriter  # noqa: PLC0415 - for a workbook alone

    whole = io.BytesIO()
    with xlsxwriter.Workbook(whole, {**LITERAL, "in_memory": True}) as workbook:
        workbook.set_properties({"created": FIXED_MOMENT} | ({"title": title} if title else {}))
        yield workbook
    stream.write(whole.getbuffer())


def _number_formats(rows: pl.DataFrame) -> dict[str | cs.Selector | tuple[str | cs.Selector, ...], str]:
    """Return the formats of numbers: chances and shares in percent, amounts with two decimals."""
    floats = [name for name, kind in rows.schema.items() if kind.is_float() or kind.is_decimal()]
    return {
        name: "0.0%" if RATE_NAME.search(name) else "#,##0.00" if name.endswith("_amount") else "#,##0.00##"
        for name in floats
    }


def _widths(rows: pl.DataFrame) -> dict[str | cs.Selector, int]:
    """Return column widths in pixels, wide enough for the longest cell up to a limit."""
    longest = rows.select(pl.all().cast(pl.String).str.len_chars().max()).row(0) if rows.width else ()
    cells = zip(rows.columns, longest, strict=True)
    return {name: 7 * min(max(length or 0, len(name) + 3), MAX_COLUMN_WIDTH) + 5 for name, length in cells}


def _write_json(rows: pl.DataFrame, stream: BinaryIO) -> None:
    rows.write_json(cast(io.IOBase, stream))
    stream.write(b"\n")


def _write_parquet(rows: pl.DataFrame, stream: BinaryIO) -> None:
    rows.write_parquet(stream, compression="zstd")


def _write_csv_frames(frames: Iterable[pl.DataFrame], stream: BinaryIO) -> None:
    for place, rows in enumerate(frames):
        part = io.BytesIO()  # as in `write_table`
        _write_csv(rows, part, header=place == 0)
        stream.write(part.getbuffer())


def _write_json_frames(frames: Iterable[pl.DataFrame], stream: BinaryIO) -> None:
    written = False
    stream.write(b"[")
    for rows in frames:
        if rows.height:
            stream.write(b"," * written + rows.write_json().encode()[1:-1])
            written = True
    stream.write(b"]\n")


def _write_parquet_frames(frames: Iterable[pl.DataFrame], stream: BinaryIO) -> None:
    """Write groups of rows that do not depend on the frames: equal rows give equal bytes."""
    from pyarrow.parquet import ParquetWriter  # noqa: PLC0415 - for a file alone

    writer, waiting = None, None
    for rows in frames:
        table = rows.to_arrow(compat_level=pl.CompatLevel.oldest())
        writer = writer or ParquetWriter(stream, table.schema, compression="zstd")
        waiting = table if waiting is None else pa.concat_tables([waiting, table])
        while len(waiting) >= GROUP_ROWS:
            writer.write_table(waiting.slice(0, GROUP_ROWS).combine_chunks(), GROUP_ROWS)
            waiting = waiting.slice(GROUP_ROWS)
    if writer is not None and waiting is not None:
        writer.write_table(waiting.combine_chunks(), GROUP_ROWS)
        writer.close()


FRAME_WRITERS: dict[str, Callable[[Iterable[pl.DataFrame], BinaryIO], None]] = {
    "csv": _write_csv_frames,
    "json": _write_json_frames,
    "parquet": _write_parquet_frames,
}


def _flattened(rows: pl.DataFrame) -> pl.DataFrame:
    """Return `rows` with lists joined into text and structures as JSON text, as a sheet needs them."""
    lists = [name for name, kind in rows.schema.items() if isinstance(kind, pl.List)]
    structs = [name for name, kind in rows.schema.items() if isinstance(kind, pl.Struct)]
    return rows.with_columns(
        pl.col(lists).cast(pl.List(pl.String)).list.join(LIST_SEPARATOR, ignore_nulls=True),
        *(pl.col(name).struct.json_encode() for name in structs),
    )
