"""Names and DuckDB types of the tables behind the time door, with the columns that carry its two clocks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from vipreco.columns import (
    ACTIVITY,
    BATCH_SEQUENCE,
    CONTACT_ID,
    CONTACTED_AT,
    CONTACTS,
    CUSTOMER_ID,
    CUSTOMERS,
    HOLDINGS,
    MONTH_DATE,
    OBSERVATIONS,
    OPENED_DATE,
    PRODUCT_ID,
    PRODUCTS,
    RECORDED_DATE,
    SNAPSHOT_DATE,
)


@dataclass(frozen=True)
class TableContract:
    """What the door has to know of one table.

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


_CLOCK: Final = {RECORDED_DATE: "DATE", BATCH_SEQUENCE: "INTEGER"}
_MONEY: Final = "DECIMAL(18,2)"

CONTRACTS: Final = {
    table.name: table
    for table in (
        TableContract(
            CUSTOMERS,
            (CUSTOMER_ID, SNAPSHOT_DATE),
            SNAPSHOT_DATE,
            {
                CUSTOMER_ID: "VARCHAR",
                SNAPSHOT_DATE: "DATE",
                "tier": "VARCHAR",
                "aum_amount": _MONEY,
                "risk_level": "VARCHAR",
                "risk_assessed_date": "DATE",
                "birth_date": "DATE",
                "joined_date": "DATE",
                "manager_id": "VARCHAR",
                "branch_id": "VARCHAR",
                "consent_call": "BOOLEAN",
                "consent_sms": "BOOLEAN",
                "consent_app": "BOOLEAN",
                "profiling_opt_out": "BOOLEAN",
                **_CLOCK,
            },
            SNAPSHOT_DATE,
        ),
        TableContract(
            OBSERVATIONS,
            (CUSTOMER_ID, SNAPSHOT_DATE),
            SNAPSHOT_DATE,
            {CUSTOMER_ID: "VARCHAR", SNAPSHOT_DATE: "DATE", **_CLOCK},
            SNAPSHOT_DATE,
        ),
        TableContract(
            PRODUCTS,
            (PRODUCT_ID,),
            RECORDED_DATE,
            {
                PRODUCT_ID: "VARCHAR",
                "name": "VARCHAR",
                "family": "VARCHAR",
                "risk_level": "VARCHAR",
                "unit_value_amount": _MONEY,
                "min_amount": _MONEY,
                "offered_from": "DATE",
                "offered_until": "DATE",
                "channels": "VARCHAR[]",
                "placement": "VARCHAR",
                "repeatable": "BOOLEAN",
                "prerequisites": "VARCHAR[]",
                "exclusions": "VARCHAR[]",
                **_CLOCK,
            },
            "DATE '0001-01-01'",
        ),
        TableContract(
            HOLDINGS,
            (CUSTOMER_ID, PRODUCT_ID, OPENED_DATE),
            OPENED_DATE,
            {
                CUSTOMER_ID: "VARCHAR",
                PRODUCT_ID: "VARCHAR",
                OPENED_DATE: "DATE",
                "closed_date": "DATE",
                "balance_amount": _MONEY,
                **_CLOCK,
            },
            OPENED_DATE,
        ),
        TableContract(
            ACTIVITY,
            (CUSTOMER_ID, MONTH_DATE),
            MONTH_DATE,
            {CUSTOMER_ID: "VARCHAR", MONTH_DATE: "DATE", **_CLOCK},
            MONTH_DATE,
        ),
        TableContract(
            CONTACTS,
            (CONTACT_ID,),
            f"CAST({CONTACTED_AT} AS DATE)",
            {
                CONTACT_ID: "VARCHAR",
                CUSTOMER_ID: "VARCHAR",
                PRODUCT_ID: "VARCHAR",
                "channel": "VARCHAR",
                CONTACTED_AT: "TIMESTAMP",
                "outcome": "VARCHAR",
                "next_date": "DATE",
                "campaign_id": "VARCHAR",
                **_CLOCK,
            },
            f"CAST({CONTACTED_AT} AS DATE)",
        ),
    )
}
"""Contract of each table by its name."""

VIEWS: Final = frozenset({*CONTRACTS, "customers_now", "population", "clock", "snapshots"})
"""Names that exist behind the door; a feature may read these and nothing else."""
