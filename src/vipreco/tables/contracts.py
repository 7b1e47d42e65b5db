"""Contracts of the five tables: columns and their kinds, keys, clocks, and order checks."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

import pyarrow as pa

from vipreco import columns as c


class Kind(StrEnum):
    """Kind of value that the text of a column stands for."""

    ID = "id"
    TEXT = "text"
    CATEGORY = "category"
    DATE = "date"
    MOMENT = "moment"
    AMOUNT = "amount"
    NUMBER = "number"
    FLAG = "flag"
    LIST = "list"


OPEN_ENDED: Final = ("9999-12-31", "2999-12-31")
WIDE_FLAGS: Final = "flags"
WIDE_OPENINGS: Final = "wide_openings"

ARROW_TYPES: Final = {
    Kind.ID: pa.string(),
    Kind.TEXT: pa.string(),
    Kind.CATEGORY: pa.string(),
    Kind.DATE: pa.date32(),
    Kind.MOMENT: pa.timestamp("us"),
    Kind.AMOUNT: pa.decimal128(18, 2),
    Kind.NUMBER: pa.float64(),
    Kind.FLAG: pa.bool_(),
    Kind.LIST: pa.list_(pa.string()),
}


_SQL_TYPES: Final = {
    pa.string(): "VARCHAR",
    pa.date32(): "DATE",
    pa.timestamp("us"): "TIMESTAMP",
    pa.float64(): "DOUBLE",
    pa.bool_(): "BOOLEAN",
    pa.int32(): "INTEGER",
    pa.int64(): "BIGINT",
    pa.list_(pa.string()): "VARCHAR[]",
    pa.decimal128(18, 2): "DECIMAL(18,2)",
}


@dataclass(frozen=True)
class Column:
    """One column of a table.

    Attributes:
        required: A row without a value is quarantined, a mapping without the column is refused.
        blank: What a blank or an unknown value of a flag means, where the law decides it.
        negative: Whether an amount may be below zero.
        placeholders: Dates that old systems write for "unknown" or "without end"; stored as missing.
        allowed: The only values that are taken.
        stored: False for a column that only takes part in the computation of another one.
        absent: What is stored when the mapping does not have the column.
    """

    name: str
    kind: Kind
    required: bool = False
    blank: bool | None = None
    negative: bool = False
    placeholders: tuple[str, ...] = ()
    allowed: tuple[str, ...] = ()
    stored: bool = True
    absent: object = None


@dataclass(frozen=True)
class Order:
    """Within a row `earlier` must not be later than `later`, where both are known; `blamed` is named."""

    earlier: str
    later: str
    code: str
    blamed: str


@dataclass(frozen=True)
class Contract:
    """A table: its columns, its key, its order checks, and the keys of other tables that it names.

    Attributes:
        key: Columns that name a fact; two stored rows with the same key are versions of one fact.
        clock: Column with the date or moment at which the fact happened; blank for products.
        attributes: True if a bank may add columns of its own.
        attribute_prefix: Put before the names of such columns.
    """

    table: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    orders: tuple[Order, ...] = ()
    references: tuple[str, ...] = ()
    clock: str = ""
    attributes: bool = False
    attribute_prefix: str = ""
    by_name: dict[str, Column] = field(init=False, repr=False, compare=False)

    @property
    def panel(self) -> bool:
        """True if rows become intervals instead of being stored as they are."""
        return self.table not in CONTRACTS

    def __post_init__(self) -> None:
        object.__setattr__(self, "by_name", {column.name: column for column in self.columns})


def _consent(name: str) -> Column:
    return Column(name, Kind.FLAG, blank=False)


CUSTOMERS: Final = Contract(
    table=c.CUSTOMERS,
    columns=(
        Column(c.CUSTOMER_ID, Kind.ID, required=True),
        Column(c.SNAPSHOT_DATE, Kind.DATE, required=True),
        Column(c.RECORDED_DATE, Kind.DATE),
        Column(c.TIER, Kind.CATEGORY),
        Column(c.AUM_AMOUNT, Kind.AMOUNT),
        Column(c.RISK_LEVEL, Kind.CATEGORY),
        Column(c.RISK_ASSESSED_DATE, Kind.DATE),
        Column(c.BIRTH_DATE, Kind.DATE, placeholders=("1900-01-01", "0001-01-01")),
        Column(c.JOINED_DATE, Kind.DATE),
        Column(c.MANAGER_ID, Kind.CATEGORY),
        Column(c.BRANCH_ID, Kind.CATEGORY),
        _consent(c.CONSENT_CALL),
        _consent(c.CONSENT_SMS),
        _consent(c.CONSENT_APP),
        Column(c.PROFILING_OPT_OUT, Kind.FLAG, blank=True),
    ),
    key=(c.CUSTOMER_ID, c.SNAPSHOT_DATE),
    orders=(
        Order(c.BIRTH_DATE, c.SNAPSHOT_DATE, "born-after-snapshot", c.BIRTH_DATE),
        Order(c.SNAPSHOT_DATE, c.RECORDED_DATE, "recorded-before-it-happened", c.RECORDED_DATE),
    ),
    clock=c.SNAPSHOT_DATE,
    attributes=True,
    attribute_prefix=c.ATTRIBUTE_PREFIX,
)

ISSUER_RISK_LEVEL: Final = "issuer_risk_level"
MAX_AMOUNT: Final = "max_amount"

PRODUCTS: Final = Contract(
    table=c.PRODUCTS,
    columns=(
        Column(c.PRODUCT_ID, Kind.ID, required=True),
        Column(c.NAME, Kind.TEXT, required=True),
        Column(c.FAMILY, Kind.CATEGORY, required=True),
        Column(c.RISK_LEVEL, Kind.CATEGORY),
        Column(ISSUER_RISK_LEVEL, Kind.CATEGORY, stored=False),
        Column(c.UNIT_VALUE_AMOUNT, Kind.AMOUNT),
        Column(c.MIN_AMOUNT, Kind.AMOUNT),
        Column(MAX_AMOUNT, Kind.AMOUNT, stored=False),
        Column(c.OFFERED_FROM, Kind.DATE),
        Column(c.OFFERED_UNTIL, Kind.DATE, placeholders=OPEN_ENDED),
        Column(c.CHANNELS, Kind.LIST, absent=()),
        Column(c.PLACEMENT, Kind.CATEGORY),
        Column(c.REPEATABLE, Kind.FLAG, blank=False, absent=False),
        Column(c.PREREQUISITES, Kind.LIST, absent=()),
        Column(c.EXCLUSIONS, Kind.LIST, absent=()),
        Column(c.RECORDED_DATE, Kind.DATE),
    ),
    key=(c.PRODUCT_ID,),
)

# Tells accounts of one product apart that a customer opened on one day; they are stored as one holding
ACCOUNT_ID: Final = "account_id"

HOLDINGS: Final = Contract(
    table=c.HOLDINGS,
    columns=(
        Column(c.CUSTOMER_ID, Kind.ID, required=True),
        Column(c.PRODUCT_ID, Kind.ID, required=True),
        Column(c.OPENED_DATE, Kind.DATE, required=True),
        Column(c.CLOSED_DATE, Kind.DATE, placeholders=OPEN_ENDED),
        Column(c.BALANCE_AMOUNT, Kind.AMOUNT, negative=True),
        Column(ACCOUNT_ID, Kind.CATEGORY, stored=False),
        Column(c.RECORDED_DATE, Kind.DATE),
    ),
    key=(c.CUSTOMER_ID, c.PRODUCT_ID, c.OPENED_DATE),
    orders=(
        Order(c.OPENED_DATE, c.CLOSED_DATE, "ends-before-start", c.CLOSED_DATE),
        Order(c.OPENED_DATE, c.RECORDED_DATE, "recorded-before-it-happened", c.RECORDED_DATE),
    ),
    references=(c.CUSTOMER_ID, c.PRODUCT_ID),
    clock=c.OPENED_DATE,
)

FLAGS: Final = Contract(
    table=WIDE_FLAGS,
    columns=(
        Column(c.CUSTOMER_ID, Kind.ID, required=True),
        Column(c.SNAPSHOT_DATE, Kind.DATE, required=True),
    ),
    key=(c.CUSTOMER_ID, c.SNAPSHOT_DATE),
    references=(c.CUSTOMER_ID,),
    clock=c.SNAPSHOT_DATE,
)

OPENINGS: Final = Contract(
    table="openings",
    columns=(
        Column(c.CUSTOMER_ID, Kind.ID, required=True),
        Column(c.PRODUCT_ID, Kind.ID, required=True),
        Column(c.OPENED_DATE, Kind.DATE, required=True),
    ),
    key=(c.CUSTOMER_ID, c.PRODUCT_ID, c.OPENED_DATE),
    references=(c.CUSTOMER_ID, c.PRODUCT_ID),
    clock=c.OPENED_DATE,
)

OPENINGS_WIDE: Final = Contract(
    table=WIDE_OPENINGS,
    columns=(Column(c.CUSTOMER_ID, Kind.ID, required=True), Column(c.OPENED_DATE, Kind.DATE, required=True)),
    key=(c.CUSTOMER_ID, c.OPENED_DATE),
    references=(c.CUSTOMER_ID,),
    clock=c.OPENED_DATE,
)

ACTIVITY: Final = Contract(
    table=c.ACTIVITY,
    columns=(
        Column(c.CUSTOMER_ID, Kind.ID, required=True),
        Column(c.MONTH_DATE, Kind.DATE, required=True),
        Column(c.RECORDED_DATE, Kind.DATE),
    ),
    key=(c.CUSTOMER_ID, c.MONTH_DATE),
    orders=(Order(c.MONTH_DATE, c.RECORDED_DATE, "recorded-before-it-happened", c.RECORDED_DATE),),
    references=(c.CUSTOMER_ID,),
    clock=c.MONTH_DATE,
    attributes=True,
)

OUTCOMES: Final = (
    "accepted", "declined", "postponed", "unreachable", "complaint", "do_not_contact", "unknown"
)  # fmt: skip

CONTACTS: Final = Contract(
    table=c.CONTACTS,
    columns=(
        Column(c.CONTACT_ID, Kind.ID, required=True),
        Column(c.CUSTOMER_ID, Kind.ID, required=True),
        Column(c.PRODUCT_ID, Kind.ID),
        Column(c.CHANNEL, Kind.CATEGORY, required=True),
        Column(c.CONTACTED_AT, Kind.MOMENT, required=True),
        Column(c.OUTCOME, Kind.CATEGORY, required=True, allowed=OUTCOMES),
        Column(c.NEXT_DATE, Kind.DATE),
        Column(c.CAMPAIGN_ID, Kind.CATEGORY),
        Column(c.RECORDED_DATE, Kind.DATE),
    ),
    key=(c.CONTACT_ID,),
    orders=(
        Order(c.CONTACTED_AT, c.RECORDED_DATE, "recorded-before-it-happened", c.RECORDED_DATE),
        Order(c.CONTACTED_AT, c.NEXT_DATE, "ends-before-start", c.NEXT_DATE),
    ),
    references=(c.CUSTOMER_ID, c.PRODUCT_ID),
    clock=c.CONTACTED_AT,
)

CONTRACTS: Final = {
    contract.table: contract for contract in (CUSTOMERS, PRODUCTS, HOLDINGS, ACTIVITY, CONTACTS)
}
OBSERVED: Final = Contract(
    table=c.OBSERVATIONS,
    columns=(
        Column(c.CUSTOMER_ID, Kind.ID, required=True),
        Column(c.SNAPSHOT_DATE, Kind.DATE, required=True),
        Column(c.RECORDED_DATE, Kind.DATE),
    ),
    key=(c.CUSTOMER_ID, c.SNAPSHOT_DATE),
    clock=c.SNAPSHOT_DATE,
)
STORED_CONTRACTS: Final = {**CONTRACTS, c.OBSERVATIONS: OBSERVED}
"""Contract of every stored table: the ones a bank brings, and the observations that an import derives."""
TABLE_NAMES: Final = tuple(STORED_CONTRACTS)


def sql_type(kind: pa.DataType) -> str:
    """Return the DuckDB type of a stored column."""
    return _SQL_TYPES[kind]


def schema_of(contract: Contract, attributes: dict[str, Kind] | None = None) -> pa.Schema:
    """Return the Arrow schema of a stored table: contract's columns, then attributes, then the batch."""
    fields = [(column.name, ARROW_TYPES[column.kind]) for column in contract.columns if column.stored]
    fields += [
        (contract.attribute_prefix + name, ARROW_TYPES[kind]) for name, kind in (attributes or {}).items()
    ]
    return pa.schema([*fields, (c.BATCH_SEQUENCE, pa.int32())])
