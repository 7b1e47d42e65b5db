"""Typed rows of one source on disk, and the refused rows with their reasons."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from vipreco import columns as c
from vipreco.tables import contracts, parquet_files, typed_columns
from vipreco.tables.contracts import ARROW_TYPES, Column, Contract, Kind
from vipreco.tables.id_columns import Suspicion
from vipreco.tables.mapping_file import ColumnRule, SourceRule, TableRule
from vipreco.tables.row_warnings import higher_risk, row_warnings
from vipreco.tables.sources import BadRows, RowLocations, TextChunk
from vipreco.tables.typed_columns import Converted

WORD_BITS = 62
FIRST_DATE = "1900-01-01"
Mask = npt.NDArray[np.bool_]
Reason = tuple[str, str]  # source column, code

FLAG_COLUMN = Column("flag", Kind.FLAG)


def word_name(index: int) -> str:
    """Return the name of the column that packs flags `index * WORD_BITS` and following."""
    return f"word_{index}"


@dataclass
class StagedTable:
    """Rows of one source for one table, typed, in a Parquet file of the batch folder.

    Row `i` of the file is row `index[i]` of the source's accepted rows (`index` None: the same).
    """

    rule: TableRule
    path: Path
    schema: pa.Schema
    sequence: int
    index: npt.NDArray[np.int64] | None = None
    rows: int = 0
    counts: dict[str, int] = field(default_factory=dict)
    defaulted: dict[str, int] = field(default_factory=dict)

    @property
    def contract(self) -> Contract:
        """Contract that its rows fulfil."""
        return self.rule.contract

    @property
    def snapshots(self) -> tuple[str, str, int] | None:
        """Oldest and newest snapshot (ISO dates) and the rows of the newest; None without any."""
        if not self.rows or c.SNAPSHOT_DATE not in self.schema.names:
            return None
        dates = pq.read_table(self.path, columns=[c.SNAPSHOT_DATE]).column(0)
        newest = pc.max(dates)
        rows = pc.sum(pc.equal(dates, newest)).as_py()
        return pc.min(dates).as_py().isoformat(), newest.as_py().isoformat(), int(rows)

    @property
    def snapshot_days(self) -> list[str]:
        """The snapshots of its rows (ISO dates), ascending."""
        if not self.rows or c.SNAPSHOT_DATE not in self.schema.names:
            return []
        dates = pq.read_table(self.path, columns=[c.SNAPSHOT_DATE]).column(0)
        return sorted(day.isoformat() for day in dates.unique().to_pylist())

    def source_positions(self, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Return which accepted rows of the source these rows of the file are."""
        return rows if self.index is None else self.index[rows]

    def count_warnings(self, arrays: dict[str, pa.Array]) -> None:
        """Count the warnings about converted rows."""
        for text, count in row_warnings(self.contract.table, arrays).items():
            self.counts[text] = self.counts.get(text, 0) + count

    def count_defaulted(self, found: dict[str, int]) -> None:
        """Count the values that are not understood and count as the safe one, by column."""
        for name, count in found.items():
            self.defaulted[name] = self.defaulted.get(name, 0) + count

    def drop_positions(self, positions: npt.NDArray[np.int64]) -> None:
        """Take rows out of the file, named by the source's accepted rows."""
        self.drop(positions if self.index is None else np.flatnonzero(np.isin(self.index, positions)))

    def drop(self, rows: npt.NDArray[np.int64]) -> None:
        """Take rows out of the file."""
        if not rows.size:
            return
        keep = np.ones(self.rows, bool)
        keep[rows] = False
        parquet_files.keep_rows(self.path, keep)
        self.index = np.flatnonzero(keep) if self.index is None else self.index[keep]
        self.rows = int(keep.sum())


def stage_schema(rule: TableRule) -> pa.Schema:
    """Return the schema of the staged file of a table entry."""
    contract = rule.contract
    if rule.wide:
        words = range(-(-len(rule.products) // WORD_BITS))
        keys = [(name, ARROW_TYPES[contract.by_name[name].kind]) for name in contract.key]
        return pa.schema([*keys, *((word_name(index), pa.int64()) for index in words)])
    schema = contracts.schema_of(contract, rule.attribute_kinds())
    return schema.append(pa.field(contracts.ACCOUNT_ID, pa.string())) if rule.accounts else schema


@dataclass
class ConvertedChunk:
    """A chunk as columns of one table.

    Attributes:
        arrays: Typed columns.
        refused: Refused rows by source column and code.
        suspects: Rows that the whole column must judge, by source column and suspicion.
        evidence: Signs found in each source column.
        defaulted: Number of values by column of ours that are not understood and count as the safe one.
    """

    arrays: dict[str, pa.Array] = field(default_factory=dict)
    refused: dict[Reason, Mask] = field(default_factory=dict)
    suspects: dict[tuple[str, Suspicion], Mask] = field(default_factory=dict)
    evidence: dict[str, frozenset[str]] = field(default_factory=dict)
    defaulted: dict[str, int] = field(default_factory=dict)

    def add(self, name: str, column: str, converted: Converted) -> None:
        """Add the column `name` of ours, which came from `column` of the source."""
        self.arrays[name] = converted.values
        for code, mask in converted.refused.items():
            self.refused[column, code] = self.refused.get((column, code), False) | mask
        for suspicion, mask in converted.suspects.items():
            self.suspects[column, suspicion] = mask
        self.evidence[column] = self.evidence.get(column, frozenset()) | converted.evidence
        if converted.defaulted:
            self.defaulted[name] = converted.defaulted


def convert_chunk(chunk: TextChunk, source: SourceRule, rule: TableRule) -> ConvertedChunk:
    """Convert a chunk to the columns of one table."""
    found = ConvertedChunk()
    for name, column, column_rule in _typed_columns(rule):
        if column_rule.column is None:
            converted = typed_columns.constant(column_rule, column, chunk.locations.rows.size)
        else:
            converted = typed_columns.convert(
                chunk.columns[column_rule.column], column_rule, column, source.missing
            )
        found.add(name, column_rule.column or name, converted)
    if rule.wide:
        found.arrays |= _words(chunk, source, rule, found.refused)
    found.refused |= _order_refusals(found.arrays, rule)
    return found


def _typed_columns(rule: TableRule) -> Iterator[tuple[str, Column, ColumnRule]]:
    """Yield the stored name, the contract's column and the mapping's rule of all columns but flags."""
    for name, column_rule in rule.rules().items():
        yield name, rule.contract.by_name[name], column_rule
    for name, attribute in sorted(rule.attributes.items()):
        yield rule.contract.attribute_prefix + name, Column(name, Kind(attribute.type)), attribute


def _words(
    chunk: TextChunk, source: SourceRule, rule: TableRule, refused: dict[Reason, Mask]
) -> dict[str, pa.Array]:
    """Pack the 0/1 columns into integers: bit `i` of word `w` is product `w * WORD_BITS + i`, in id order."""
    words = [
        np.zeros(chunk.locations.rows.size, np.int64) for _ in range(-(-len(rule.products) // WORD_BITS))
    ]
    for position, product in enumerate(sorted(rule.products)):
        held = _flag_bits(chunk, source, rule, rule.products[product], refused)
        words[position // WORD_BITS] |= held.astype(np.int64) << (position % WORD_BITS)
    return {word_name(index): pa.array(word) for index, word in enumerate(words)}


def _flag_bits(
    chunk: TextChunk, source: SourceRule, rule: TableRule, column: str, refused: dict[Reason, Mask]
) -> Mask:
    texts = chunk.columns[column]
    distinct = pa.DictionaryArray.from_arrays(
        pa.array(np.arange(len(texts.dictionary), dtype=np.int32)), texts.dictionary
    )
    converted = typed_columns.convert(distinct, _FLAG_RULE, FLAG_COLUMN, source.missing)
    blank = converted.values.is_null().to_numpy(zero_copy_only=False)
    for code, mask in converted.refused.items():
        blank &= ~mask
        _refuse(texts, mask, (column, code), refused)
    if rule.empty_flag == "reject":
        _refuse(texts, blank, (column, typed_columns.MISSING), refused)
    held = converted.values.fill_null(rule.empty_flag == "1").to_numpy(zero_copy_only=False)
    bits: Mask = held[texts.indices.to_numpy()]
    return bits


def _refuse(texts: pa.DictionaryArray, distinct: Mask, reason: Reason, refused: dict[Reason, Mask]) -> None:
    if distinct.any():
        refused[reason] = refused.get(reason, False) | distinct[texts.indices.to_numpy()]


def _order_refusals(arrays: dict[str, pa.Array], rule: TableRule) -> dict[Reason, Mask]:
    refused: dict[Reason, Mask] = {}
    for order in rule.contract.orders:
        if order.earlier in arrays and order.later in arrays:
            earlier, later = (
                pc.cast(arrays[name], pa.date32(), safe=False) for name in (order.earlier, order.later)
            )
            wrong = pc.fill_null(pc.greater(earlier, later), False).to_numpy(zero_copy_only=False)
            if wrong.any():
                refused[rule.source_name(order.blamed), order.code] = wrong
    return refused


def complete(arrays: dict[str, pa.Array], staged: StagedTable, rows: int) -> pa.Table:
    """Return the rows as the staged table stores them: defaults, clock and batch filled in."""
    arrays = _with_defaults(arrays, staged, rows)
    columns = [
        arrays[name] if name in arrays else pa.nulls(rows, staged.schema.field(name).type)
        for name in staged.schema.names
    ]
    return pa.table(columns, schema=staged.schema)


def _with_defaults(arrays: dict[str, pa.Array], staged: StagedTable, rows: int) -> dict[str, pa.Array]:
    filled = dict(arrays)
    for column in staged.contract.columns:
        if column.absent is not None and column.name not in filled:
            value = list(column.absent) if isinstance(column.absent, tuple) else column.absent
            filled[column.name] = pa.array([value] * rows, ARROW_TYPES[column.kind])
    if c.RECORDED_DATE in staged.schema.names:
        filled[c.RECORDED_DATE] = _recorded(filled, staged.contract, rows)
    if c.BATCH_SEQUENCE in staged.schema.names:
        filled[c.BATCH_SEQUENCE] = pa.array(np.full(rows, staged.sequence, np.int32))
    if contracts.ISSUER_RISK_LEVEL in filled:
        filled[c.RISK_LEVEL] = higher_risk(filled, rows)
    return filled


def _recorded(arrays: dict[str, pa.Array], contract: Contract, rows: int) -> pa.Array:
    """Return when the bank knew a row: as mapped, by default when the fact happened."""
    if contract.clock:
        happened = pc.cast(arrays[contract.clock], pa.date32(), safe=False)
    else:
        happened = pa.array([FIRST_DATE] * rows, pa.string()).cast(pa.date32())
    if c.CLOSED_DATE in arrays and c.RECORDED_DATE not in arrays:
        return pc.coalesce(arrays[c.CLOSED_DATE], happened)
    return pc.coalesce(arrays[c.RECORDED_DATE], happened) if c.RECORDED_DATE in arrays else happened


def first_reasons(refused: dict[Reason, Mask], rows: int) -> tuple[npt.NDArray[np.int16], list[Reason]]:
    """Return, for each row, 0 or one plus the index of the first reason that refuses it."""
    reasons = list(refused)
    first = np.zeros(rows, np.int16)
    for number, reason in enumerate(reasons, start=1):
        first[refused[reason] & (first == 0)] = number
    return first, reasons


def bad_rows(first: npt.NDArray[np.int16], reasons: list[Reason], locations: RowLocations) -> list[BadRows]:
    """Return the refused rows, grouped by reason."""
    return [
        BadRows(locations.take(first == number), *reason)
        for number, reason in enumerate(reasons, start=1)
        if (first == number).any()
    ]


_FLAG_RULE = ColumnRule(column="flag")
