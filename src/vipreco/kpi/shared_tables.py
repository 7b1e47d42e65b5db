"""Tables over a view that the figures share: months, VIP customers, moves, flows, contacts."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta

from vipreco.columns import ACTIVITY
from vipreco.history import View, quoted, text
from vipreco.kpi.definitions import SHARED_TABLES
from vipreco.lists import FOLLOWS_UP, SETTLED, TALKS, working_days
from vipreco.settings import CallListSettings, KpiSettings, TierLadder

MONTHS = 12  # months that a figure looks back
PERIOD_DAYS = 120  # days of which one is the date of a follow-up whose time ended in the period
NO_MATURITIES = (
    "SELECT NULL::VARCHAR AS customer_id, NULL::DATE AS month_date, NULL::DOUBLE AS amount WHERE false"
)


def derive_tables(view: View, tiers: TierLadder, calls: CallListSettings, kpi: KpiSettings) -> None:
    """Store the shared tables beside the views of a date.

    Args:
        view: What was known at the date.
        tiers: The bank's tiers.
        calls: Rules of contacts: when one is due, when a follow-up is done.
        kpi: Of the figures.
    """
    settings = (
        f"SELECT {_texts(tiers.vip)} AS vip, {MONTHS} AS months, {kpi.flow_months} AS flow_months, "
        f"{calls.coverage_days} AS coverage_days, {_texts(kpi.asset_families)} AS asset_families"
    )
    talks = TALKS.replace("$follow_up_days", str(calls.follow_up_days))
    for name, sql in {
        "kpi_settings": settings,
        "kpi_maturing": _maturing(view, calls.maturing_column),
        "kpi_limits": _limits(view.date, calls),
        "kpi_talks": f"WITH {talks} SELECT * FROM talks",
        **{name: sql.format(settled=SETTLED, follows_up=FOLLOWS_UP) for name, sql in SHARED_TABLES.items()},
    }.items():
        view.derive(name, sql, f"kpi/tables.toml: {name}")


def has_maturities(view: View, column: str) -> bool:
    """Return whether the bank brings amounts that mature."""
    return bool(column) and column in view.columns(ACTIVITY)


def _maturing(view: View, column: str) -> str:
    if not has_maturities(view, column):
        return NO_MATURITIES
    return f"SELECT customer_id, month_date, CAST({quoted(column)} AS DOUBLE) AS amount FROM {ACTIVITY}"


def _limits(today: date, calls: CallListSettings) -> str:
    """Return each day with the last day on which what falls due on it is in time."""
    days = [today - timedelta(days=number) for number in range(PERIOD_DAYS)]
    ends = [working_days(day, 1, calls.working_days)[0] for day in days]
    rows = ", ".join(f"(DATE '{day}', DATE '{end}')" for day, end in zip(days, ends, strict=True))
    return f"SELECT day, limit_date FROM (VALUES {rows}) AS t(day, limit_date)"


def _texts(values: Iterable[str]) -> str:
    return f"[{', '.join(map(text, values))}]::VARCHAR[]"
