"""Facts that come with a request: checked as the import checks rows, and put over those of the tables."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any, Final

import pyarrow as pa

from vipreco.columns import (
    ATTRIBUTE_PREFIX,
    BATCH_SEQUENCE,
    BIRTH_DATE,
    CLOSED_DATE,
    CUSTOMER_ID,
    CUSTOMERS,
    HOLDINGS,
    OBSERVATIONS,
    OPENED_DATE,
    PRODUCT_ID,
    RECORDED_DATE,
    SNAPSHOT_DATE,
)
from vipreco.errors import InputRejectedError
from vipreco.history import appended, known_at
from vipreco.online.release_reader import ReleaseReader
from vipreco.online.store_overlay import Rows, newest_row, versioned
from vipreco.tables import CONTRACTS, Column, Kind

NOBODY: Final = ""  # id of who is not a customer yet: no customer of a table has it
DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
MAX_AMOUNT: Final = 10**15
COLUMN_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,59}")
LAST_BATCH: Final = 2**31 - 1
CLOCKS: Final = frozenset({CUSTOMER_ID, SNAPSHOT_DATE, RECORDED_DATE, BATCH_SEQUENCE})
Given = Mapping[str, Any]


@dataclass(frozen=True)
class RequestOverrides:
    """Facts of one customer, from the caller.

    Args:
        attributes: Columns of `customers`.
        holdings: All products held, as rows of `holdings`; None: those of the tables.
        unrecorded: Flags of `customers` that a stranger has unless the caller says otherwise; those that the
            bank does not have are left out.
    """

    attributes: Given
    holdings: Sequence[Given] | None = None
    unrecorded: Given = field(default_factory=dict)


def overridden_rows(
    release: ReleaseReader, customer_id: str, facts: RequestOverrides, day: date, more: Rows
) -> Rows:
    """Return further rows of the tables that make a customer what the caller says.

    Args:
        release: With the rows of the tables.
        customer_id: Of the snapshot, or `NOBODY`.
        facts: From the caller.
        day: Nothing has happened after it.
        more: Rows that stand over the tables already.

    Raises:
        InputRejectedError: A column that is not there, a value of another kind, a product that is unknown.
    """
    known = release.records.of([customer_id])
    known |= {table: appended(known.get(table), rows) for table, rows in more.items()}
    found = dict(more)
    values = _checked(facts.attributes, _columns_of(known[CUSTOMERS], CUSTOMERS), "attributes")
    if values.get(BIRTH_DATE) is not None and values[BIRTH_DATE] > release.snapshot_date:
        raise _refused(BIRTH_DATE, "born-after-snapshot")
    flags = {field.name for field in known[CUSTOMERS].schema if pa.types.is_boolean(field.type)}
    unrecorded = {name: value for name, value in facts.unrecorded.items() if name in flags}
    rows = _customer(release, customer_id, {**unrecorded, **values}, known)
    if customer_id == NOBODY:
        found[OBSERVATIONS] = rows.select([CUSTOMER_ID, SNAPSHOT_DATE])
    if len(rows):
        found[CUSTOMERS] = appended(found.get(CUSTOMERS), rows)
    if facts.holdings is not None:
        held = _Holdings(release, customer_id, day, known.get(HOLDINGS))
        found[HOLDINGS] = appended(found.get(HOLDINGS), held.rows(facts.holdings))
    return found


def _customer(release: ReleaseReader, customer_id: str, values: Given, known: Rows) -> pa.Table:
    """Return the row of a customer with other values; no row where they are what was known."""
    if customer_id != NOBODY:
        row = newest_row(known[CUSTOMERS], customer_id)
        same = all(row[name].to_pylist() == [value] for name, value in values.items())
        return row.slice(1) if same else versioned(row, values)
    row = {**values, CUSTOMER_ID: NOBODY, SNAPSHOT_DATE: release.snapshot_date}
    schema = known[CUSTOMERS].schema
    return pa.table({name: pa.array([row.get(name)], schema.field(name).type) for name in schema.names})


class _Holdings:
    """The holdings of one customer: the known ones, and those of the caller."""

    def __init__(self, release: ReleaseReader, customer_id: str, day: date, known: pa.Table | None) -> None:
        self.customer_id, self.day, self.as_of = customer_id, day, release.as_of
        self.products = frozenset(release.products)
        self.newest = {RECORDED_DATE: release.as_of, BATCH_SEQUENCE: LAST_BATCH}  # wins over every known row
        self.known = [] if known is None else _known_holdings(known, self.as_of)

    def rows(self, given: Sequence[Given]) -> pa.Table:
        """Return the rows of the caller, and those held before that the caller leaves out, as ended."""
        said = [self._said(row) for row in given]
        named = {row[PRODUCT_ID] for row in said}
        ended = [
            {**row, CLOSED_DATE: self.as_of, **self.newest}
            for row in self.known
            if row[CLOSED_DATE] is None and row[PRODUCT_ID] not in named
        ]
        return pa.Table.from_pylist([*said, *ended], schema=_HOLDING_SCHEMA)

    def _said(self, given: Given) -> dict[str, Any]:
        columns = {name: CONTRACTS[HOLDINGS].by_name[name] for name in _HOLDING_COLUMNS}
        row = _checked(
            {name: value for name, value in given.items() if name != CUSTOMER_ID}, columns, HOLDINGS
        )
        if given.get(CUSTOMER_ID, self.customer_id) != self.customer_id:
            raise _refused(CUSTOMER_ID, "other-customer")
        if row.get(PRODUCT_ID) not in self.products:
            raise _refused(PRODUCT_ID, "unknown-product")
        return self._dated(row)

    def _dated(self, row: dict[str, Any]) -> dict[str, Any]:
        """Return a row as the next version of the one that it repeats, or as a new one with its own dates."""
        same = [one for one in self.known if one[PRODUCT_ID] == row[PRODUCT_ID]]
        if row.get(OPENED_DATE) is None:
            open_ = [one for one in same if one[CLOSED_DATE] is None]
            before: dict[str, Any] = open_[-1] if open_ else {OPENED_DATE: self.as_of}
        else:
            repeated = [one for one in same if one[OPENED_DATE] == row[OPENED_DATE]]
            before = repeated[-1] if repeated else {}
        dated = {**before, **{name: value for name, value in row.items() if value is not None}}
        self._check_dates(dated)
        return {
            **dated,
            CUSTOMER_ID: self.customer_id,
            OPENED_DATE: min(dated[OPENED_DATE], self.as_of),
            **self.newest,
        }

    def _check_dates(self, row: Given) -> None:
        closed = row.get(CLOSED_DATE)
        if row[OPENED_DATE] > self.day:
            raise _refused(OPENED_DATE, "in-the-future")
        if closed is not None and closed < row[OPENED_DATE]:
            raise _refused(CLOSED_DATE, "ends-before-start")


_HOLDING_COLUMNS: Final = (PRODUCT_ID, OPENED_DATE, CLOSED_DATE, "balance_amount")
_HOLDING_SCHEMA: Final = pa.schema(
    [
        (CUSTOMER_ID, pa.string()),
        (PRODUCT_ID, pa.string()),
        (OPENED_DATE, pa.date32()),
        (CLOSED_DATE, pa.date32()),
        ("balance_amount", pa.decimal128(18, 2)),
        (RECORDED_DATE, pa.date32()),
        (BATCH_SEQUENCE, pa.int32()),
    ]
)


def _known_holdings(rows: pa.Table, as_of: date) -> list[dict[str, Any]]:
    """Return the holdings that were known at a date, the oldest first."""
    order = [(OPENED_DATE, "ascending"), (PRODUCT_ID, "ascending")]
    known = known_at(HOLDINGS, rows, as_of).sort_by(order).select(_HOLDING_SCHEMA.names)
    return list(known.to_pylist())


def _columns_of(table: pa.Table, name: str) -> dict[str, Column]:
    """Return the columns that a caller may fill: those of the contract, and the bank's own attributes."""
    columns = CONTRACTS[name].by_name
    own = {
        field.name: Column(field.name, _kind_of(field.type))
        for field in table.schema
        if field.name.startswith(ATTRIBUTE_PREFIX)
    }
    there = {field: columns[field] for field in table.column_names if field in columns}
    return {key: column for key, column in {**there, **own}.items() if key not in CLOCKS}


def _kind_of(kind: pa.DataType) -> Kind:
    if pa.types.is_boolean(kind):
        return Kind.FLAG
    if pa.types.is_date(kind):
        return Kind.DATE
    if pa.types.is_decimal(kind):
        return Kind.AMOUNT
    return Kind.NUMBER if pa.types.is_floating(kind) or pa.types.is_integer(kind) else Kind.TEXT


def _checked(given: Given, columns: Mapping[str, Column], where: str) -> dict[str, Any]:
    unknown = sorted(set(given) - set(columns))
    if unknown:
        raise _refused(f"{where}.{_shown(unknown[0])}", "unknown-column")
    return {name: _value(columns[name], value) for name, value in given.items()}


def _shown(name: str) -> str:
    """Return the name of a column that a caller made up, if it is one and no text of another kind."""
    return name if COLUMN_NAME.fullmatch(name) else "(not a name)"


def _value(column: Column, value: Any) -> Any:
    """Return a value in the type of the tables.

    Raises:
        InputRejectedError: It is of another kind.
    """
    if value is None or value == "":
        return column.blank
    found: Any
    try:
        found = _READ[column.kind](value)
    except (ValueError, TypeError, ArithmeticError) as error:
        raise _refused(column.name, column.kind.value) from error
    if column.kind is Kind.AMOUNT and found < 0 and not column.negative:
        raise _refused(column.name, "negative")
    if str(found) in column.placeholders:
        return None
    return found


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _day(value: Any) -> date:
    text = _text(value)
    if DAY.fullmatch(text) is None:  # other forms of ISO 8601 are not those of our tables
        raise ValueError
    return date.fromisoformat(text)


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise TypeError
    return float(value)


def _amount(value: Any) -> Decimal:
    if abs(_number(value)) >= MAX_AMOUNT:
        raise ValueError
    return Decimal(str(value)).quantize(Decimal("0.01"))


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise TypeError
    return value


_READ: Final = {
    Kind.ID: _text,
    Kind.TEXT: _text,
    Kind.CATEGORY: _text,
    Kind.DATE: _day,
    Kind.AMOUNT: _amount,
    Kind.NUMBER: _number,
    Kind.FLAG: _flag,
}


def _refused(where: str, code: str) -> InputRejectedError:
    return InputRejectedError("a fact cannot stand in the tables", where=where, code=code)
