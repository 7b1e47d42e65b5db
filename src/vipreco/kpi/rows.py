"""The rows behind the figures of a bank: who counts in each, in which month, with what amount."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Final

import polars as pl

from vipreco.errors import UsageError
from vipreco.history import View
from vipreco.kpi.definitions import FIGURES, Each, Figure
from vipreco.kpi.model_rows import ModelFigures
from vipreco.kpi.shared_tables import derive_tables, has_maturities
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
MODEL_NEEDS: Final = frozenset({"model", "attrition"})
NO_MODEL = ModelFigures(missing="model")


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


@dataclass(frozen=True)
class FigureRows:
    """The rows behind all figures of a bank, a branch or a book.

    Args:
        rows: Columns of `ROW_SCHEMA` and `OWNER_SCHEMA`: manager, branch and tier as the customer was last
            observed.
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


def figure_rows(view: View, inputs: FigureInputs, keys: Collection[str] = FIGURES) -> FigureRows:
    """Return the rows behind figures of all customers of a view.

    Args:
        view: What was known at the date.
        inputs: Settings, and what the model expects.
        keys: The figures.
    """
    derive_tables(view, inputs.tiers, inputs.calls, inputs.kpi)
    months = view.query("SELECT month_date FROM kpi_months ORDER BY place", where="kpi")
    dates = tuple(months["month_date"].to_pylist())
    model = inputs.model or NO_MODEL
    lacks = _Lacks(view, inputs, model, len(dates))
    missing = {key: code for key in keys if (code := lacks.first(FIGURES[key]))}
    told = [FIGURES[key] for key in keys if key not in missing]
    parts = [pl.DataFrame(schema=ROW_SCHEMA), *(_queried(view, figure) for figure in told if figure.sql)]
    modelled = model.rows.filter(pl.col("figure").is_in([figure.key for figure in told]))
    parts.append(modelled.with_columns(pl.lit(dates[0]).alias("month_date")).select(list(ROW_SCHEMA)))
    owners = pl.DataFrame(view.query("SELECT * FROM kpi_owners", where="kpi")).cast(OWNER_SCHEMA)
    rows = pl.concat(parts).join(owners, on="customer_id", how="left", maintain_order="left")
    products = view.query("SELECT product_id, name FROM products ORDER BY product_id", where="kpi")
    return FigureRows(
        rows,
        view.date,
        dates,
        inputs.kpi.flow_months,
        model.horizon_months,
        missing,
        model.rule_names,
        dict(zip(products["product_id"].to_pylist(), products["name"].to_pylist(), strict=True)),
    )


def check_scope(view: View, branch: str | None, manager: str | None) -> None:
    """Make sure that there is a branch, and a manager.

    Raises:
        UsageError: No customer was ever theirs.
    """
    for column, option, value in (("branch_id", "--branch", branch), ("manager_id", "--manager", manager)):
        if value is None:
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


class _Lacks:
    """Needs of the figures that a bank does not meet."""

    def __init__(self, view: View, inputs: FigureInputs, model: ModelFigures, months: int) -> None:
        self.view, self.inputs, self.model, self.months = view, inputs, model, months
        self._found: dict[str, bool] = {}

    def first(self, figure: Figure) -> str:
        """Return the first need of a figure that is not met, or nothing."""
        need = next((need for need in figure.needs if self._is_missing(need)), "")
        return self.model.missing if need in MODEL_NEEDS and self.model.missing else need

    def _is_missing(self, need: str) -> bool:
        if need not in self._found:
            self._found[need] = not _NEEDS[need](self)
        return self._found[need]

    def any(self, sql: str) -> bool:
        """Return whether a query gives a row."""
        return bool(self.view.query(f"SELECT 1 FROM ({sql}) LIMIT 1", where="kpi").num_rows)


_NEEDS: Final[Mapping[str, Callable[[_Lacks], bool]]] = {
    "vip": lambda lacks: lacks.any("SELECT 1 FROM kpi_people"),
    "two_months": lambda lacks: lacks.months > 1,
    "window": lambda lacks: lacks.months > lacks.inputs.kpi.flow_months,
    "assets": lambda lacks: lacks.any("SELECT 1 FROM kpi_panel WHERE amount IS NOT NULL"),
    "holdings": lambda lacks: lacks.any("SELECT 1 FROM holdings"),
    "balances": lambda lacks: lacks.any("SELECT 1 FROM holdings WHERE balance_amount IS NOT NULL"),
    "asset_products": lambda lacks: lacks.any(
        "SELECT 1 FROM products, kpi_settings WHERE list_contains(asset_families, family)"
    ),
    "maturing": lambda lacks: has_maturities(lacks.view, lacks.inputs.calls.maturing_column),
    "contacts": lambda lacks: lacks.any("SELECT 1 FROM kpi_talks"),
    "model": lambda lacks: not lacks.model.missing,
    "attrition": lambda lacks: not lacks.model.missing_attrition,
}
