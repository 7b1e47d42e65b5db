"""The byte scan finds the same records as an independent CSV reader, in chunks of any size."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from vipreco.errors import InputRejectedError
from vipreco.tables.csv_records import scan
from vipreco.tables.csv_source import CsvSource
from vipreco.tables.mapping_file import SourceRule

CELL = st.text(st.sampled_from('ab,"\n\r 客'), max_size=4)
RULE = SourceRule.model_validate(
    {
        "file": "*",
        "table": (
            {"table": "customers", "columns": {"customer_id": "a", "snapshot_date": "b", "tier": "c"}},
        ),
    }
)


def read(path: Path, chunk_bytes: int) -> tuple[list[list[str]], list[int], list[tuple[int, str]]]:
    source = CsvSource(path, RULE, chunk_bytes=chunk_bytes)
    rows, lines, bad = [], [], []
    for chunk in source.chunks():
        rows += [list(row) for row in zip(*(chunk.columns[name].to_pylist() for name in "abc"), strict=True)]
        lines += chunk.locations.rows.tolist()
        bad += [(row, group.code) for group in chunk.bad for row in group.locations.rows.tolist()]
    return rows, lines, sorted(bad)


@settings(max_examples=100, deadline=None, derandomize=True)
@given(
    rows=st.lists(st.tuples(CELL, CELL, CELL), max_size=12),
    ending=st.sampled_from(["\n", "\r\n", "\r"]),
    chunk_bytes=st.integers(24, 200),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
)
def test_every_row_of_a_well_formed_file_is_read_in_chunks_of_any_size(
    rows: list[tuple[str, str, str]],
    ending: str,
    chunk_bytes: int,
    quoting: int,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    if quoting == csv.QUOTE_MINIMAL:  # the csv module leaves line ends of another kind unquoted
        plain = str.maketrans("", "", "\r\n")
        rows = [
            (one.translate(plain), two.translate(plain), three.translate(plain)) for one, two, three in rows
        ]
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator=ending, quoting=quoting).writerows([("a", "b", "c"), *rows])
    path = tmp_path_factory.mktemp("scan") / "file.csv"
    path.write_bytes(text.getvalue().encode())
    found, lines, bad = read(path, chunk_bytes)
    filled = [any(row) for row in rows]  # a row of delimiters alone is no row
    assert found == [list(row) for row in rows if any(row)]
    assert bad == []
    assert lines == [line for line, keep in zip(physical_lines(rows, ending), filled, strict=True) if keep]


def physical_lines(rows: list[tuple[str, str, str]], ending: str) -> list[int]:
    """Count line ends as an editor does: CR LF, LF and CR are one each."""
    line, lines = 2, []
    for row in rows:
        lines.append(line)
        whole = io.StringIO(newline="")
        csv.writer(whole, lineterminator=ending, quoting=csv.QUOTE_ALL).writerow(row)
        line += len(whole.getvalue().replace("\r\n", "\n").replace("\r", "\n").split("\n")) - 1
    return lines


def scanned(text: bytes) -> list[bytes]:
    records = scan(np.frombuffer(text, np.uint8), ord(","), final=True)
    return [
        text[start:stop] for start, stop in zip(records.starts.tolist(), records.stops.tolist(), strict=True)
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b"a\nb\n", [b"a", b"b"]),
        (b"a\r\nb\rc", [b"a", b"b", b"c"]),
        (b"\n\na\n\n", [b"a"]),
        (b'"x\ny",1\nz\n', [b'"x\ny",1', b"z"]),
        (b'"a""\n""b"\nc', [b'"a""\n""b"', b"c"]),
        (b"", []),
    ],
)
def test_records_are_cut_at_line_ends_outside_quotes(text: bytes, expected: list[bytes]) -> None:
    assert scanned(text) == expected


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("1,2", "field-count"),
        ("1,2,3,4", "field-count"),
        ('1,a"b",3', "quote-inside-field"),
        ('1,"a"b,3', "quote-inside-field"),
        ("1,\0,3", "nul-byte"),
    ],
)
def test_a_damaged_line_is_named_and_its_neighbours_are_read(line: str, code: str, tmp_path: Path) -> None:
    path = tmp_path / "file.csv"
    path.write_text(f"a,b,c\n1,2,3\n{line}\n4,5,6\n")
    rows, lines, bad = read(path, 1 << 20)
    assert (rows, lines, bad) == ([["1", "2", "3"], ["4", "5", "6"]], [2, 4], [(3, code)])


@pytest.mark.parametrize(
    ("text", "row"),
    [
        ('a,b,c\n1,2,3\n1,"2,3\n4,5,6\n', 3),
        ('a,b,c\n1,"2,3\n4,5,6\n7,"8",9\n', 2),
        ('a,b,c\n1,"x\ny",3\n4,"5,6\n7,"8",9\n', 4),
    ],
)
def test_an_unclosed_quote_is_named_where_it_opened(text: str, row: int, tmp_path: Path) -> None:
    path = tmp_path / "file.csv"
    path.write_text(text)
    with pytest.raises(InputRejectedError) as caught:
        read(path, 1 << 20)
    assert (caught.value.code, caught.value.where) == ("unclosed-quote", f"row {row}")


def test_original_lines_can_be_fetched_from_chunks_of_any_size(tmp_path: Path) -> None:
    path = tmp_path / "file.csv"
    lines = [f'{number},"x{number}\ny",z' for number in range(50)]
    path.write_text("\n".join(["a,b,c", *lines]) + "\n")
    source = CsvSource(path, RULE, chunk_bytes=64)
    chunks = [chunk.locations for chunk in source.chunks()]
    picked = chunks[0].join(chunks).take(np.array([3, 40]))
    assert list(source.originals(picked)) == [
        b"a,b,c\n",
        lines[3].encode() + b"\n",
        lines[40].encode() + b"\n",
    ]
