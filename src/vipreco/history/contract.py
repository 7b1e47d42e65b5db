"""Names and DuckDB types of the tables behind the views, with the columns of their two clocks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from vipreco.columns import BATCH_SEQUENCE, RECORDED_DATE
from vipreco.tables import STORED_CONTRACTS, Contract, Kind, schema_of, sql_type


@dataclass(frozen=True)
class TableContract:
    """Contract of one table, as the views need it.

    Attributes:
        name: Name of the table and of its cut view.
        key: Columns that name a fact; two rows with the same key are versions of one fact.
        happened: Expression of the date when the fact happened.
        types: DuckDB type of each column of the contract; a bank's own columns come along as they are.
        recorded_default: Expression that stands for a `recorded_date` that is not there.
    """

    name: str
    key: tuple[str, ...]
    happened: str
    types: dict[str, str]
    recorded_default: str


_CLOCKS: Final = (RECORDED_DATE, BATCH_SEQUENCE)


def _cut_contract(contract: Contract) -> TableContract:
    """Return the contract of a stored table as the views need it: keys and clocks are those of the table."""
    types = {field.name: sql_type(field.type) for field in schema_of(contract)}
    facts = {name: kind for name, kind in types.items() if name not in _CLOCKS}
    happened, default = _happened(contract)
    return TableContract(
        contract.table, contract.key, happened, facts | {name: types[name] for name in _CLOCKS}, default
    )


def _happened(contract: Contract) -> tuple[str, str]:
    if not contract.clock:  # a product has no date of its own: it is known from when it was recorded
        return RECORDED_DATE, "DATE '0001-01-01'"
    moment = contract.by_name[contract.clock].kind is Kind.MOMENT
    date = f"CAST({contract.clock} AS DATE)" if moment else contract.clock
    return date, date


CONTRACTS: Final = {table: _cut_contract(contract) for table, contract in STORED_CONTRACTS.items()}
"""Contract of each table by its name."""

VIEWS: Final = frozenset({*CONTRACTS, "customers_now", "population", "clock", "snapshots"})
"""Names of the views; a feature may read these and nothing else."""
