"""The rows behind the figures of a bank: who counts in each, in which month, with what amount."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any, Final, Self

import polars as pl

from vipreco.errors import UsageError
from vipreco.history import View
from vipreco.kpi.definitions import FIGURES, Each, Figure
from vipreco.kpi.model_rows import ModelFigures
from vipreco.kpi.shared_tables import derive_tables, has_maturities
from vipreco.lists import NO_HAND_OVERS, Moved, holders
from vipreco.settings import CallListSettings, KpiSettings, TierLadder

ROW_SCHEMA: Final = pl.Schema(
    {
        "figure": pl.String(),
        "month_date": pl.Date(),
        "customer_id": pl.String(),
        "amount": pl.Float64(),
        "value": pl.Float64(),
        "part": pl.String(),
    }
)
OWNER_SCHEMA: Final = pl.Schema({"manager_id": pl.String(), "branch_id": pl.String(), "tier": pl.String()})
MODEL, ATTRITION = "model", "attrition"
ORDER: Final = ("figure", "month_date", "customer_id", "amount", "value", "part")


@dataclass(frozen=True)
class FigureInputs:
    """Settings, and expectations of a model, that the figures need beside the tables.

    Args:
        tiers: The bank's tiers.
        calls: Rules of contacts.
        kpi: Of the figures.
        model: What a model expects; without one its figures are missing.
    """

    tiers: TierLadder
    calls: CallListSettings
    kpi: KpiSettings
    model: ModelFigures | None = None

    def record(self) -> dict[str, Any]:
        """Return the settings as JSON values."""
        named = {"tiers": self.tiers, "calls": self.calls, "kpi": self.kpi}
        return {name: json.loads(one.model_dump_json(by_alias=True)) for name, one in named.items()}

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Self:
        """Return the settings of a `record`, without a model."""
        tiers, calls, kpi = (json.dumps(record[name]) for name in ("tiers", "calls", "kpi"))
        return cls(
            TierLadder.model_validate_json(tiers),
            CallListSettings.model_validate_json(calls),
            KpiSettings.model_validate_json(kpi),
        )


@dataclass(frozen=True)
class FigureRows:
    """The rows behind all figures of a bank, a branch or a book.

    Args:
        rows: Columns of `ROW_SCHEMA` and `OWNER_SCHEMA`: manager, branch and tier as the customer was last
            observed; after `handed_over`, the manager who has the customer now.
        as_of: Date whose knowledge is used.
        months: Dates of the months, newest first; one more than the figures look back on changes.
        flow_months: Months of a window of the asset flow.
        horizon_months: Months that the expected drain looks ahead.
        missing: Why a figure is not told, by its key: a code of `texts.toml`.
        rule_names: What each reason code of a rule is about, by language.
        product_names: Name of each product by id.
    """

    rows: pl.DataFrame
    as_of: date
    months: tuple[date, ...]
    flow_months: int
    horizon_months: int
    missing: Mapping[str, str]
    rule_names: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    product_names: Mapping[str, str] = field(default_factory=dict)

    def handed_over(self, moved: Moved) -> FigureRows:
        """Return the rows under the managers who have the customers since hand-overs of the store."""
        return replace(self, rows=self.rows.with_columns(holders(moved))) if moved else self

    def of(self, branch: str | None = None, manager: str | None = None) -> FigureRows:
        """Return the rows of the customers of a branch, of a manager's book, or of both."""
        rows = self.rows
        for name, value in (("branch_id", branch), ("manager_id", manager)):
            rows = rows if value is None else rows.filter(pl.col(name) == value)
        return replace(self, rows=rows)

    def without(self, customer_ids: Collection[str]) -> FigureRows:
        """Return the rows of all other customers."""
        if not customer_ids:
            return self
        return replace(self, rows=self.rows.filter(~pl.col("customer_id").is_in(list(customer_ids))))

    def of_figure(self, key: str) -> pl.DataFrame:
        """Return the rows of one figure."""
        return self.rows.filter(pl.col("figure") == key)

    def dates_of(self, figure: Figure) -> tuple[date, ...]:
        """Return the months for which a figure is told, newest first."""
        told = {
            Each.MONTH_END: self.months,
            Each.MONTH: self.months[:-1],
            Each.WINDOW: self.months[: -self.flow_months : self.flow_months],
        }
        return () if figure.key in self.missing else told.get(figure.each, self.months[:1])


@dataclass(frozen=True)
class PartFigures:
    """The figures of some customers of a bank.

    Args:
        found: Their rows of all figures asked for; which of these are told is a matter of the bank.
        unmet: Needs of figures that these customers do not meet.
        model_missing: Cause for which the model tells nothing; None where none of them is a VIP customer.
    """

    found: FigureRows
    unmet: frozenset[str]
    model_missing: str | None

    def of(
        self, branch: str | None = None, manager: str | None = None, moved: Moved = NO_HAND_OVERS
    ) -> PartFigures:
        """Return the rows of a branch, of a manager's book, or of both; what is told stays as it is."""
        return replace(self, found=self.found.handed_over(moved).of(branch, manager))


def figure_rows(view: View, inputs: FigureInputs, keys: Collection[str] = FIGURES) -> FigureRows:
    """Return the rows behind figures of all customers of a view.

    Args:
        view: What was known at the date.
        inputs: Settings, and what the model expects.
        keys: The figures.
    """
    return figures_together([part_figures(view, inputs, keys)], keys)


def part_figures(view: View, inputs: FigureInputs, keys: Collection[str] = FIGURES) -> PartFigures:
    """Return the figures of the customers of a view, who may be some of a bank; arguments as above."""
    derive_tables(view, inputs.tiers, inputs.calls, inputs.kpi)
    months = view.query("SELECT month_date FROM kpi_months ORDER BY place", where="kpi")
    dates = tuple(months["month_date"].to_pylist())
    model = inputs.model or ModelFigures()
    chosen = [FIGURES[key] for key in keys]
    parts = [pl.DataFrame(schema=ROW_SCHEMA), *(_queried(view, figure) for figure in chosen if figure.sql)]
    modelled = model.rows.filter(pl.col("figure").is_in(list(keys)))
    parts.append(modelled.with_columns(pl.lit(dates[0]).alias("month_date")).select(list(ROW_SCHEMA)))
    owners = pl.DataFrame(view.query("SELECT * FROM kpi_owners", where="kpi")).cast(OWNER_SCHEMA)
    products = view.query("SELECT product_id, name FROM products ORDER BY product_id", where="kpi")
    found = FigureRows(
        pl.concat(parts).join(owners, on="customer_id", how="left", maintain_order="left"),
        view.date,
        dates,
        inputs.kpi.flow_months,
        model.horizon_months,
        {},
        model.rule_names,
        dict(zip(products["product_id"].to_pylist(), products["name"].to_pylist(), strict=True)),
    )
    needs = {need for figure in chosen for need in figure.needs} & set(_NEEDS)
    means = _Means(view, inputs, len(dates))
    unmet = frozenset(need for need in needs if not _NEEDS[need](means))
    return PartFigures(found, unmet, None if inputs.model is None else model.missing)


def figures_together(parts: Sequence[PartFigures], keys: Collection[str] = FIGURES) -> FigureRows:
    """Return the figures of all customers; a need is met where those of one part meet it."""
    missing, known = missing_figures(parts, keys)
    rows = pl.concat([part.found.rows for part in parts])
    return replace(known, rows=in_order(rows, missing), missing=missing)


def missing_figures(
    parts: Sequence[PartFigures], keys: Collection[str] = FIGURES
) -> tuple[dict[str, str], FigureRows]:
    """Return why figures are not told, by key, and the part that knows the model, if one does."""
    causes = [part.model_missing for part in parts if part.model_missing is not None]
    cause = "" if "" in causes else next(iter(causes), MODEL)
    known = next((part.found for part in parts if part.model_missing == cause), parts[0].found)
    unmet = frozenset[str].intersection(*(part.unmet for part in parts))
    of_model = {MODEL: cause, ATTRITION: cause or ("" if known.horizon_months else ATTRITION)}
    lacks = dict.fromkeys(unmet) | {need: code for need, code in of_model.items() if code}
    found: dict[str, str] = {}
    for key in keys:
        needs = [need for need in FIGURES[key].needs if need in lacks]
        found |= {key: lacks[needs[0]] or needs[0]} if needs else {}
    return found, known


def in_order(rows: pl.DataFrame, missing: Collection[str] = ()) -> pl.DataFrame:
    """Return the rows of the figures that are told, in an order that no part has an influence on."""
    place = pl.col("figure").replace_strict({key: n for n, key in enumerate(FIGURES)}, return_dtype=pl.Int32)
    told = rows.filter(~pl.col("figure").is_in(list(missing)))
    return told.sort(place, *ORDER[1:], nulls_last=True)


def check_scope(view: View, branch: str | None, manager: str | None, moved: Moved = NO_HAND_OVERS) -> None:
    """Make sure that there is a branch, and a manager.

    Raises:
        UsageError: No customer was ever theirs.
    """
    takers = {taker for _, taker in moved.values()}
    for column, option, value in (("branch_id", "--branch", branch), ("manager_id", "--manager", manager)):
        if value is None or (column == "manager_id" and value in takers):
            continue
        sql = f"SELECT 1 FROM customers WHERE {column} = $1 LIMIT 1"
        if view.query(sql, [value]).num_rows == 0:
            raise UsageError(
                f"no customer was ever of {option.removeprefix('--')} {value}",
                where=option,
                remedy=f"use an id of the column {column} of customers",
                code="nobody",
            )


def _queried(view: View, figure: Figure) -> pl.DataFrame:
    ordered = f"SELECT * FROM ({figure.sql}) ORDER BY ALL"
    found = pl.DataFrame(view.query(ordered, where=f"kpi/figures.toml: {figure.key}"))
    return found.with_columns(pl.lit(figure.key).alias("figure")).select(list(ROW_SCHEMA)).cast(ROW_SCHEMA)


class _Means:
    """Customers, settings and months by which the needs of figures are judged."""

    def __init__(self, view: View, inputs: FigureInputs, months: int) -> None:
        self.view, self.inputs, self.months = view, inputs, months

    def any(self, sql: str) -> bool:
        """Return whether a query gives a row."""
        return bool(self.view.query(f"SELECT 1 FROM ({sql}) LIMIT 1", where="kpi").num_rows)


_NEEDS: Final[Mapping[str, Callable[[_Means], bool]]] = {
    "vip": lambda means: means.any("SELECT 1 FROM kpi_people"),
    "two_months": lambda means: means.months > 1,
    "window": lambda means: means.months > means.inputs.kpi.flow_months,
    "assets": lambda means: means.any("SELECT 1 FROM kpi_panel WHERE amount IS NOT NULL"),
    "holdings": lambda means: means.any("SELECT 1 FROM holdings"),
    "balances": lambda means: means.any("SELECT 1 FROM holdings WHERE balance_amount IS NOT NULL"),
    "asset_products": lambda means: means.any(
        "SELECT 1 FROM products, kpi_settings WHERE list_contains(asset_families, family)"
    ),
    "maturing": lambda means: has_maturities(means.view, means.inputs.calls.maturing_column),
    "contacts": lambda means: means.any("SELECT 1 FROM kpi_talks"),
}
