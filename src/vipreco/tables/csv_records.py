"""Records of a CSV, found in its bytes: boundaries, physical lines, field counts, damage.

A CSV is scanned before it is parsed, because every popular parser repairs or merges damaged lines
silently. The scan is vectorised and aware of quotes (RFC 4180): a quote opens only at the start of a
field and closes only at its end. docs/decisions/0007-csv-reader.md says why DuckDB does not do it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from vipreco.errors import InputRejectedError

LF, CR, QUOTE = 10, 13, 34
MAX_RECORD_BYTES: Final = 1 << 20

Bytes = npt.NDArray[np.uint8]
Positions = npt.NDArray[np.int64]

FIELD_COUNT: Final = "field-count"
NUL_BYTE: Final = "nul-byte"
TOO_LONG: Final = "row-too-long"
STRAY_QUOTE: Final = "quote-inside-field"
INVALID_BYTES: Final = "invalid-bytes"


@dataclass(frozen=True)
class Records:
    """Records found in a buffer.

    Attributes:
        starts: Offset of each record's first byte.
        stops: Offset behind its last byte, without the line ending.
        lines: Physical line of its first byte, counted as an editor does.
        fields: Number of its fields.
        blank: True for a record of delimiters and quotes alone: a row that a spreadsheet was emptied of.
        problems: Stable code of what is wrong with it, by the record's index.
        multiline: Whether any record spans several physical lines.
        consumed: Bytes of the buffer that these records take, line endings included.
        next_line: Physical line that the first unconsumed byte is on.
        terminated: Whether the last record ends with a line ending.
    """

    starts: Positions
    stops: Positions
    lines: Positions
    fields: Positions
    blank: npt.NDArray[np.bool_]
    problems: dict[int, str]
    multiline: bool
    consumed: int
    next_line: int
    terminated: bool


def scan(buffer: Bytes, delimiter: int, line: int = 1, *, final: bool) -> Records:
    """Find the complete records of `buffer`; with `final` the rest is a record too.

    Args:
        buffer: Bytes that begin at a record's start.
        delimiter: Byte between fields.
        line: Physical line of the first byte.
        final: Nothing follows this buffer.

    Raises:
        InputRejectedError: A quote is not closed; the message names the line where it opened.
    """
    breaks = _line_breaks(buffer, final=final)
    quotes = np.flatnonzero(buffer == QUOTE)
    ends = breaks[np.searchsorted(quotes, breaks) % 2 == 0] if quotes.size else breaks
    if final and quotes.size % 2:
        raise _unclosed(buffer, quotes, breaks, delimiter, line)
    terminated = bool(ends.size) and int(ends[-1]) == buffer.size - 1
    if final and not terminated and buffer.size:
        ends = np.append(ends, buffer.size)
    return _records(buffer, delimiter, line, _Marks(breaks, quotes, ends, terminated))


@dataclass(frozen=True)
class _Marks:
    breaks: Positions
    quotes: Positions
    ends: Positions
    terminated: bool


def _line_breaks(buffer: Bytes, *, final: bool) -> Positions:
    breaks = np.flatnonzero(buffer == LF)
    returns = np.flatnonzero(buffer == CR)
    if not returns.size:
        return breaks
    following = np.append(buffer, LF if not final else 0)[returns + 1]
    return np.sort(np.concatenate([breaks, returns[following != LF]]))


def _records(buffer: Bytes, delimiter: int, line: int, marks: _Marks) -> Records:
    starts = np.concatenate([[0], marks.ends[:-1] + 1]) if marks.ends.size else np.empty(0, np.int64)
    stops = marks.ends.copy()
    has_return = (stops > starts) & (stops < buffer.size) & (buffer[np.maximum(stops, 1) - 1] == CR)
    stops[has_return] -= 1
    lines = line + np.searchsorted(marks.breaks, starts)
    consumed = int(min(marks.ends[-1] + 1, buffer.size)) if marks.ends.size else 0
    next_line = line + int(np.searchsorted(marks.breaks, consumed))
    filled = stops > starts
    starts, stops, lines = starts[filled], stops[filled], lines[filled]
    multiline = bool(marks.quotes.size) and int((marks.ends < buffer.size).sum()) < marks.breaks.size
    fields = 1 + _delimiters(buffer[:consumed], delimiter, starts, stops, marks.quotes)
    blank = _blank(buffer, delimiter, starts, stops, fields, marks.quotes)
    problems = _problems(buffer, delimiter, starts, stops, marks, line)
    return Records(
        starts, stops, lines, fields, blank, problems, multiline, consumed, next_line, marks.terminated
    )


def _blank(
    buffer: Bytes, delimiter: int, starts: Positions, stops: Positions, fields: Positions, quotes: Positions
) -> npt.NDArray[np.bool_]:
    """Return which records are blank: each field is empty, or a pair of quotes."""
    inside = np.searchsorted(quotes, stops) - np.searchsorted(quotes, starts)
    blank: npt.NDArray[np.bool_] = stops - starts == fields - 1 + inside
    for index in np.flatnonzero(blank & (inside > 0)).tolist():  # a field may also be quotes alone
        cells = buffer[starts[index] : stops[index]].tobytes().split(bytes([delimiter]))
        blank[index] = set(cells) <= {b"", b'""'}
    return blank


def _delimiters(
    buffer: Bytes, delimiter: int, starts: Positions, stops: Positions, quotes: Positions
) -> Positions:
    """Count the delimiters outside quotes of each record."""
    if not starts.size:
        return np.empty(0, np.int64)
    found = np.flatnonzero(buffer == delimiter)
    counts = np.searchsorted(found, stops) - np.searchsorted(found, starts)
    opens, closes = quotes[quotes < buffer.size][0::2], quotes[quotes < buffer.size][1::2]
    if closes.size:
        quoted = np.searchsorted(found, closes) - np.searchsorted(found, opens)
        records = np.searchsorted(starts, opens, side="right") - 1
        counts -= np.bincount(records, weights=quoted, minlength=starts.size).astype(np.int64)
    return counts


def _problems(
    buffer: Bytes, delimiter: int, starts: Positions, stops: Positions, marks: _Marks, line: int
) -> dict[int, str]:
    problems: dict[int, str] = {}
    if not starts.size:
        return problems
    stray = _stray_quotes(buffer, marks.quotes, delimiter)
    _refuse_swallowed_lines(stray[stray < stops[-1]], starts, stops, marks, line)
    for positions, code in ((stray, STRAY_QUOTE), (np.flatnonzero(buffer == 0), NUL_BYTE)):
        inside = positions[positions < stops[-1]]
        problems |= dict.fromkeys((np.searchsorted(starts, inside, side="right") - 1).tolist(), code)
    problems |= dict.fromkeys(np.flatnonzero(stops - starts > MAX_RECORD_BYTES).tolist(), TOO_LONG)
    return problems


def _stray_quotes(buffer: Bytes, quotes: Positions, delimiter: int) -> Positions:
    """Return the quotes that open inside a field or close before its end."""
    if not quotes.size:
        return quotes
    edges = np.zeros(256, bool)
    edges[[delimiter, LF, CR, QUOTE]] = True
    opens, closes = quotes[0::2], quotes[1::2]
    before = edges[buffer[np.maximum(opens, 1) - 1]] | (opens == 0)
    after = edges[buffer[np.minimum(closes + 1, buffer.size - 1)]] | (closes == buffer.size - 1)
    return np.sort(np.concatenate([opens[~before], closes[~after]]))


def _refuse_swallowed_lines(
    stray: Positions, starts: Positions, stops: Positions, marks: _Marks, line: int
) -> None:
    """Refuse a file in which an unclosed quote swallowed whole lines up to the next quote."""
    for position in stray[:1]:
        record = int(np.searchsorted(starts, position, side="right")) - 1
        inside = marks.breaks[(marks.breaks > starts[record]) & (marks.breaks < stops[record])]
        if inside.size:
            index = int(np.searchsorted(marks.quotes, position))
            opened = marks.quotes[index - index % 2]
            raise unclosed_quote(line + int(np.searchsorted(marks.breaks, opened)))


def _unclosed(
    buffer: Bytes, quotes: Positions, breaks: Positions, delimiter: int, line: int
) -> InputRejectedError:
    """Name the quote that was never closed: the one before the first quote in a wrong place."""
    stray = _stray_quotes(buffer, quotes, delimiter)
    index = int(np.searchsorted(quotes, stray[0])) if stray.size else quotes.size - 1
    opened = quotes[index - index % 2]
    row = line + int(np.searchsorted(breaks, opened))
    return unclosed_quote(row)


def unclosed_quote(row: int) -> InputRejectedError:
    """Return the error for a quote that opened on physical line `row` and never closes."""
    return InputRejectedError(
        "a quote is opened and not closed",
        where=f"row {row}",
        remedy="close the quote, or double a quote that is meant as text",
        code="unclosed-quote",
    )
