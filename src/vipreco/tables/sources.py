"""Common output of the readers: chunks of text columns, the place of each row, and unreadable rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from vipreco.errors import InputRejectedError
from vipreco.tables.mapping_file import nearest, normalised

MAX_COLUMNS = 4096
Positions = npt.NDArray[np.int64]


@dataclass(frozen=True)
class RowLocations:
    """Positions of rows in their file: physical row, byte offset and size (0 where bytes have no meaning)."""

    rows: Positions
    offsets: Positions
    sizes: Positions

    def take(self, keep: npt.NDArray[np.bool_] | Positions) -> RowLocations:
        """Return the locations that a mask or an index selects."""
        return RowLocations(self.rows[keep], self.offsets[keep], self.sizes[keep])

    @classmethod
    def numbered(cls, rows: Positions) -> RowLocations:
        """Return locations that are known by their row number only."""
        nothing = np.zeros(rows.size, np.int64)
        return cls(rows.astype(np.int64), nothing, nothing)

    @classmethod
    def join(cls, parts: Sequence[RowLocations]) -> RowLocations:
        """Return all locations of `parts`, in order."""
        if not parts:
            return cls.numbered(np.empty(0, np.int64))
        return cls(
            np.concatenate([part.rows for part in parts]),
            np.concatenate([part.offsets for part in parts]),
            np.concatenate([part.sizes for part in parts]),
        )


@dataclass(frozen=True)
class BadRows:
    """Rows that are not taken, all for the same reason: the column (may be blank) and the rule's code."""

    locations: RowLocations
    column: str
    code: str


@dataclass(frozen=True)
class TextChunk:
    """Rows of a source: each needed column as text, by the source's column name as mapped."""

    columns: dict[str, pa.DictionaryArray]
    locations: RowLocations
    bad: list[BadRows]

    @property
    def rows_read(self) -> int:
        """Number of rows in the chunk, the unreadable ones included."""
        return self.locations.rows.size + sum(bad.locations.rows.size for bad in self.bad)


class TextSource(Protocol):
    """A file that can be read as text, chunk by chunk, and asked for the original bytes of a row."""

    path: Path
    warnings: list[str]

    def chunks(self) -> Iterator[TextChunk]:
        """Yield the rows, in the file's order."""

    def originals(self, locations: RowLocations) -> Iterator[bytes]:
        """Yield a header line, then each row's original line, as a CSV that can be fixed and imported."""


def match_header(header: list[str], needed: list[str], where: str) -> dict[str, int]:
    """Return the position of each needed column, compared after NFKC, trimming and case folding.

    Raises:
        InputRejectedError: A name occurs twice, or needed columns are not there.
    """
    if len(header) > MAX_COLUMNS:
        raise InputRejectedError(
            f"has {len(header)} columns; at most {MAX_COLUMNS} are read", where=where, code="too-many-columns"
        )
    names = [normalised(name) for name in header]
    _refuse_duplicates(names, header, where)
    positions = {name: index for index, name in enumerate(names)}
    missing = [name for name in needed if normalised(name) not in positions]
    if missing:
        raise InputRejectedError(
            f"{len(missing)} column(s) that the mapping needs are not in the header",
            where=where,
            remedy="correct the mapping's column names, or ask for the complete file",
            code="missing-column",
            examples=[f"{name}{nearest(normalised(name), names)}" for name in missing],
        )
    return {name: positions[normalised(name)] for name in needed}


def named(header: list[str]) -> list[str]:
    """Return a header in which a column without a name is called by its number, `(column 5)`."""
    return [name if name.strip() else f"(column {at})" for at, name in enumerate(header, start=1)]


def is_unnamed(name: str) -> bool:
    """Return whether `named` made up this name."""
    return name.startswith("(column ")


def unread_warning(header: list[str], needed: list[str]) -> list[str]:
    """Return one warning that names the columns which the mapping does not read, or nothing."""
    wanted = {normalised(name) for name in needed}
    extra = [name.strip() for name in header if normalised(name) not in wanted and not is_unnamed(name)]
    return [
        f"{len(extra)} column(s) not read: {', '.join(extra[:10])}" + (", ..." * (len(extra) > 10))
    ] * bool(extra)


def _refuse_duplicates(names: list[str], header: list[str], where: str) -> None:
    first: dict[str, int] = {}
    for index, name in enumerate(names):
        if name in first:
            raise InputRejectedError(
                f"column name {header[index]!r} stands twice, at columns {first[name] + 1} and {index + 1}",
                where=where,
                remedy="rename one of them",
                code="duplicate-column",
            )
        first[name] = index
