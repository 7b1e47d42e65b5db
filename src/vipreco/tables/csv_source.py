"""CSV files as text: scanned for damage first, then parsed strictly, every column a string."""

from __future__ import annotations

import codecs
import csv
import hashlib
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.csv as pa_csv

from vipreco.errors import InputRejectedError
from vipreco.tables import csv_records
from vipreco.tables.csv_bytes import (
    decodes,
    delimiter_byte,
    known_encoding,
    looks_utf16,
    reencoded,
    utf8_copy,
)
from vipreco.tables.csv_records import Records
from vipreco.tables.mapping_file import SourceRule
from vipreco.tables.sources import (
    BadRows,
    RowLocations,
    TextChunk,
    is_unnamed,
    match_header,
    named,
    unread_warning,
)

CHUNK_BYTES = 48 << 20
MAX_CARRY_BYTES = 256 << 20
TEXT_TYPE = pa.dictionary(pa.int32(), pa.string())
SEPARATOR_LINE = re.compile(rb'^"?[sS][eE][pP]=([^\r\n"])"?$')
# In these encodings no byte of a longer character can be taken for a quote, a line end, or , ; tab
ASCII_SAFE = ("utf-8", "ascii", "latin", "iso8859", "cp125", "gb18030", "gbk", "gb2312", "koi8", "mac-")
FOREIGN_MARKS = {
    b"PK\x03\x04": "is a ZIP archive or an XLSX workbook, not a CSV",
    b"\xd0\xcf\x11\xe0": "is an old or an encrypted Excel file, not a CSV",
    b"PAR1": "is a Parquet file, not a CSV",
    b"\x1f\x8b": "is compressed (gzip), not a CSV",
}


@dataclass(frozen=True)
class _Buffer:
    content: bytes
    offset: int
    line: int
    final: bool


class CsvSource:
    """A CSV file, read as text.

    Args:
        path: The file.
        rule: Its entry in the mapping.
        chunk_bytes: Bytes that are read at a time.
        spool: Folder for a temporary copy of a file whose encoding cannot be scanned as it is.

    Raises:
        InputRejectedError: Not a CSV, or its header does not fit the mapping.
    """

    def __init__(
        self, path: Path, rule: SourceRule, *, chunk_bytes: int = CHUNK_BYTES, spool: Path | None = None
    ) -> None:
        self.path = path
        self.rule = rule
        self.chunk_bytes = chunk_bytes
        self.warnings: list[str] = []
        self.sha256 = ""
        self.encoding = known_encoding(rule.encoding, path)
        self.delimiter = rule.delimiter
        self._delimiter = delimiter_byte(rule.delimiter, path)
        self._refuse_foreign()
        self._readable = self._spooled(spool)
        self._header_bytes, self._body_offset, self._body_line = self._read_header()
        self.header = self._split_header()
        self.needed = rule.source_columns()
        self._positions = match_header(self.header, self.needed, str(path))
        self.warnings += unread_warning(self.header, self.needed)

    def chunks(self) -> Iterator[TextChunk]:
        """Yield the rows, in the file's order.

        Raises:
            InputRejectedError: A quote never closes.
        """
        digest = hashlib.sha256()
        for buffer in self._buffers(digest):
            records = self._scan(buffer)
            yield self._chunk(buffer, records)
            if buffer.final and records.starts.size and not records.terminated:
                self.warnings.append("no line ending after the last row: the file may have been cut")
        self.sha256 = digest.hexdigest() if self._readable == self.path else ""

    def originals(self, locations: RowLocations) -> Iterator[bytes]:
        """Yield the header line, then each row's original line, in the declared encoding."""
        encoding = self.rule.encoding if self._readable != self.path else ""
        yield reencoded(self._header_bytes, encoding, first=True)
        with self._readable.open("rb") as handle:
            for offset, size in zip(locations.offsets.tolist(), locations.sizes.tolist(), strict=True):
                handle.seek(offset)
                yield reencoded(handle.read(size), encoding, first=False)

    def _refuse_foreign(self) -> None:
        with self.path.open("rb") as handle:
            start = handle.read(4096)
        for mark, what in FOREIGN_MARKS.items():
            if start.startswith(mark):
                raise InputRejectedError(what, where=str(self.path), code="not-csv")
        if looks_utf16(start) and self.encoding.startswith("utf-8"):
            raise InputRejectedError(
                "is UTF-16 text (Excel calls it Unicode text)",
                where=str(self.path),
                remedy='declare encoding = "utf-16" in the mapping, or save it as UTF-8',
                code="utf-16",
            )

    def _spooled(self, spool: Path | None) -> Path:
        """Return a file that can be scanned: the source, or its UTF-8 copy."""
        if self.encoding.startswith(ASCII_SAFE) and (
            self.rule.delimiter in ",;\t" or "gb" not in self.encoding
        ):
            return self.path
        return utf8_copy(self.path, self.encoding, spool)

    @property
    def _scanned_encoding(self) -> str:
        return self.encoding if self._readable == self.path else "utf-8"

    def _read_header(self) -> tuple[bytes, int, int]:
        """Return the header's bytes, and the offset and the physical line behind it."""
        with self._readable.open("rb") as handle:
            start = handle.read(min(self.chunk_bytes, 4 << 20))
            final = not handle.read(1)
        bom = len(codecs.BOM_UTF8) if start.startswith(codecs.BOM_UTF8) else 0
        content = np.frombuffer(start[bom:], np.uint8)
        records = csv_records.scan(content, self._delimiter, final=final)
        at = self._header_index(start[bom:], records)
        if at >= records.starts.size:
            raise InputRejectedError("has no header line", where=str(self.path), code="empty-file")
        begin, stop = int(records.starts[at]), int(records.stops[at])
        more = records.starts.size > at + 1
        following = int(records.starts[at + 1]) if more else records.consumed
        line = int(records.lines[at + 1]) if more else records.next_line
        return bytes(content[begin:stop]), bom + following, line

    def _header_index(self, content: bytes, records: Records) -> int:
        """Return which record is the header; a line `sep=;` before it, as Excel writes it, is obeyed."""
        first = content[records.starts[0] : records.stops[0]] if records.starts.size else b""
        if (said := SEPARATOR_LINE.match(first)) is not None:
            self.delimiter = said.group(1).decode()
            self._delimiter = delimiter_byte(self.delimiter, self.path)
        below = records.lines >= self.rule.header_row
        skipped = int(said is not None and self.rule.header_row == 1)
        candidates = np.flatnonzero(below & ~records.blank)
        return int(candidates[skipped]) if candidates.size > skipped else records.starts.size

    def _split_header(self) -> list[str]:
        try:
            text = self._header_bytes.decode(self._scanned_encoding)
        except UnicodeDecodeError as error:
            raise self.encoding_error(1, error.start) from error
        names = next(csv.reader(io.StringIO(text, newline=""), delimiter=self.delimiter, strict=True))
        if len(names) == 1 and len(self.rule.source_columns()) > 1:
            self._refuse_delimiter(text)
        return named(names)

    def _refuse_delimiter(self, text: str) -> None:
        likely = max(";\t|,", key=text.count)
        if text.count(likely):
            shown = {"\t": "a tab"}.get(likely, repr(likely))
            raise InputRejectedError(
                f"1 column found, the delimiter looks like {shown}",
                where=str(self.path),
                remedy=f"declare delimiter = {likely!r} in the mapping".replace("'", '"'),
                code="delimiter",
            )

    def encoding_error(self, row: int, offset: int) -> InputRejectedError:
        """Return the error for a file that is not in the declared encoding."""
        likely = self._likely_encoding()
        return InputRejectedError(
            f"is not {self.encoding}: first bad byte at offset {offset}, row {row}",
            where=str(self.path),
            remedy=f'declare encoding = "{likely}" in the mapping' if likely else "ask for the file as UTF-8",
            code="encoding",
        )

    def _likely_encoding(self) -> str:
        with self.path.open("rb") as handle:
            sample = handle.read(1 << 20)
        for encoding in ("utf-8", "gb18030"):
            if encoding != self.encoding and decodes(sample, encoding):
                return encoding
        return ""

    def _buffers(self, digest: hashlib._Hash) -> Iterator[_Buffer]:
        """Yield buffers that begin at a record's start; what a buffer leaves over leads the next one."""
        with self._readable.open("rb") as handle:
            digest.update(handle.read(self._body_offset))
            self._carry, self._offset, self._line = b"", self._body_offset, self._body_line
            following = handle.read(self.chunk_bytes)
            while following or self._carry:
                piece, following = following, handle.read(self.chunk_bytes)
                digest.update(piece)
                yield _Buffer(self._carry + piece, self._offset, self._line, final=not following)
                if not following:
                    break

    def _scan(self, buffer: _Buffer) -> Records:
        content = np.frombuffer(buffer.content, np.uint8)
        records = csv_records.scan(content, self._delimiter, buffer.line, final=buffer.final)
        self._carry = buffer.content[records.consumed :]
        self._offset = buffer.offset + records.consumed
        self._line = records.next_line
        if len(self._carry) > MAX_CARRY_BYTES:
            raise csv_records.unclosed_quote(self._line)
        return records

    def _chunk(self, buffer: _Buffer, records: Records) -> TextChunk:
        problems = self._problems(buffer.content, records)
        locations = RowLocations(
            records.lines, buffer.offset + records.starts, records.stops - records.starts
        )
        good = ~self._blank(records)
        good[list(problems)] = False
        text = self._joined(buffer.content, records, good)
        columns = self._parse(text, int(good.sum()), multiline=records.multiline)
        return TextChunk(columns, locations.take(good), _grouped(problems, locations))

    def _problems(self, content: bytes, records: Records) -> dict[int, str]:
        fits = (records.fields == len(self.header)) | self._blank(records)
        wrong = np.flatnonzero(~fits & ~self._padding(content, records).astype(bool))
        problems = dict.fromkeys(wrong.tolist(), csv_records.FIELD_COUNT) | records.problems
        if not decodes(content[: records.consumed], self._scanned_encoding):
            problems |= dict.fromkeys(
                _invalid_records(content, records, self._scanned_encoding), csv_records.INVALID_BYTES
            )
        return problems

    def _blank(self, records: Records) -> npt.NDArray[np.bool_]:
        return records.blank & (records.fields <= len(self.header))

    def _padding(self, content: bytes, records: Records) -> npt.NDArray[np.int64]:
        """Return how many delimiters at the end of each record are missing (positive) or surplus (negative).

        Spreadsheets write delimiters for columns that were emptied, or leave them out. A named column is
        only filled up where the mapping allows `short_rows`: a row that is cut looks the same.
        """
        missing = len(self.header) - records.fields
        unnamed = len(self.header) if self.rule.short_rows else _trailing_unnamed(self.header)
        padding = np.where((missing > 0) & (missing <= unnamed), missing, 0)
        mark = self.delimiter.encode()
        for index in np.flatnonzero((missing < 0) & ~records.blank).tolist():
            surplus = -int(missing[index])
            stop = int(records.stops[index])
            if content[max(stop - surplus, 0) : stop] == mark * surplus:
                padding[index] = -surplus
        return padding

    def _joined(self, content: bytes, records: Records, good: npt.NDArray[np.bool_]) -> bytes:
        """Return the bytes of the good records with their line endings, each with all its fields."""
        padding = self._padding(content, records)
        if not padding[good].any():
            return _joined(content, records, good)
        mark = self.delimiter.encode()
        lines = []
        for index in np.flatnonzero(good).tolist():
            line = content[records.starts[index] : records.stops[index]]
            added = int(padding[index])
            lines.append(line + mark * added if added >= 0 else line[:added])
        return b"\n".join([*lines, b""])

    def _parse(self, text: bytes, rows: int, *, multiline: bool) -> dict[str, pa.DictionaryArray]:
        if not rows:
            return {name: pa.array([], TEXT_TYPE) for name in self._positions}
        if not self._scanned_encoding.startswith(("utf-8", "ascii")):
            text = text.decode(self._scanned_encoding).encode()
        table = pa_csv.read_csv(
            pa.BufferReader(text),
            read_options=pa_csv.ReadOptions(
                column_names=[f"f{index}" for index in range(len(self.header))], block_size=8 << 20
            ),
            parse_options=pa_csv.ParseOptions(
                delimiter=self.delimiter, newlines_in_values=multiline, ignore_empty_lines=True
            ),
            convert_options=_text_options([f"f{index}" for index in self._positions.values()]),
        )
        if table.num_rows != rows:
            raise AssertionError(f"scanned {rows} rows but parsed {table.num_rows}")
        return {name: _one_dictionary(table.column(f"f{at}")) for name, at in self._positions.items()}


def _text_options(names: list[str]) -> pa_csv.ConvertOptions:
    return pa_csv.ConvertOptions(
        include_columns=list(dict.fromkeys(names)),
        column_types=dict.fromkeys(names, TEXT_TYPE),
        strings_can_be_null=False,
        null_values=[],
    )


def _one_dictionary(column: pa.ChunkedArray) -> pa.DictionaryArray:
    unified = column.unify_dictionaries()
    if unified.num_chunks == 1:
        return unified.chunk(0)
    return unified.combine_chunks()


def _joined(content: bytes, records: Records, good: npt.NDArray[np.bool_]) -> bytes:
    """Return the bytes of the good records with their line endings."""
    if good.all():
        return content[: records.consumed]
    following = np.append(records.starts[1:], records.consumed)
    edges = np.flatnonzero(np.diff(np.concatenate([[0], good.view(np.int8), [0]])))
    view = memoryview(content)
    pieces = [
        bytes(view[records.starts[first] : following[last - 1]]) + b"\n"
        for first, last in zip(edges[0::2].tolist(), edges[1::2].tolist(), strict=True)
    ]
    return b"".join(pieces)


def _trailing_unnamed(header: list[str]) -> int:
    """Return how many columns at the end have no name."""
    named_at = [at for at, name in enumerate(header, start=1) if not is_unnamed(name)]
    return len(header) - max(named_at, default=0)


def _grouped(problems: dict[int, str], locations: RowLocations) -> list[BadRows]:
    by_code: dict[str, list[int]] = {}
    for index, code in sorted(problems.items()):
        by_code.setdefault(code, []).append(index)
    return [BadRows(locations.take(np.array(rows)), "", code) for code, rows in sorted(by_code.items())]


def _invalid_records(content: bytes, records: Records, encoding: str) -> list[int]:
    """Return the records that are not valid text; looks only at those with non-ASCII bytes."""
    non_ascii = np.flatnonzero(np.frombuffer(content, np.uint8)[: records.consumed] >= 128)
    suspects = np.unique(np.searchsorted(records.starts, non_ascii, side="right") - 1)
    return [
        index
        for index in suspects.tolist()
        if index >= 0 and not decodes(content[records.starts[index] : records.stops[index]], encoding)
    ]
