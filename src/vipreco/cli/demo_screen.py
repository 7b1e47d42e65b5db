"""The last screen of the demo: what a branch manager reads, with no word left unexplained."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from vipreco.cli.listing import table_text

if TYPE_CHECKING:
    from vipreco.history import AsOf

LIST_FILE = "call_list.xlsx"
SHOWN_CUSTOMERS = 8
SHOWN_REASONS = 6
WIDTH = 118
RIVALS = {
    "vipreco": "",
    "what most customers acquire": "acquisition-popularity/",
    "what most customers hold": "popularity/",
    "what they held before, first": "held-before/",
}
QUESTIONS = {
    "hit_at_3": "among the first 3 offers",
    "map_at_3": "how far up (MAP@3; 1 = always first)",
}


def largest_book(view: AsOf, vip: tuple[str, ...]) -> str:
    """Return the manager with the most VIP customers."""
    rows = view.query(
        "SELECT manager_id FROM customers_now WHERE manager_id IS NOT NULL AND list_contains($1, tier) "
        "GROUP BY manager_id ORDER BY count(*) DESC, manager_id LIMIT 1",
        [list(vip)],
    )
    return str(rows["manager_id"][0].as_py())


def with_facts(offers: pl.DataFrame, view: AsOf) -> pl.DataFrame:
    """Return a row a customer: tier, assets, the first offer with chance and reason, the next offers."""
    facts = pl.DataFrame(view.query("SELECT customer_id, tier, aum_amount AS assets FROM customers_now"))
    listed = offers.group_by("customer_id", maintain_order=True).agg(
        pl.col("product_name").first().alias("offer first"),
        (pl.col("propensity").first() * 100).round(1).alias("chance %"),
        pl.col("reason").first().alias("because"),
        pl.col("product_name").slice(1).alias("then"),
    )
    joined = facts.join(listed, on="customer_id", how="right", maintain_order="right")
    return joined.select("customer_id", "tier", "assets", pl.exclude("customer_id", "tier", "assets"))


@dataclass(frozen=True)
class Screen:
    """What the demo ends with.

    Args:
        manager: Whose call list.
        day: As of when.
        offers: A row a customer, best call first.
        sheet: Sheet of the first customer.
        metrics: Backtest of the model, baselines beside it.
    """

    manager: str
    day: datetime.date
    offers: pl.DataFrame
    sheet: pl.DataFrame
    metrics: Mapping[str, float]

    @property
    def summary(self) -> str:
        """One line about the list."""
        return f"{self.offers.height} VIP customers in the book of {self.manager}"

    def text(self, folder: Path) -> str:
        """Return the whole screen."""
        parts = [
            self._call_list(),
            self._customer(),
            self._numbers(),
            self._files(folder),
            self._next(folder),
        ]
        return "\n".join(parts)

    def _call_list(self) -> str:
        return _section(
            f"Whom {self.manager} calls first, as of {self.day}",
            "Chance: how many of 100 such customers acquire the product within a month.",
            _table(self.offers.head(SHOWN_CUSTOMERS)),
        )

    def _customer(self) -> str:
        customer = self.offers["customer_id"][0]
        offered = self.sheet.filter(pl.col("rank").is_not_null())
        others = self.sheet.filter(pl.col("rank").is_null()).head(SHOWN_REASONS)
        return _section(
            f"Why these offers for customer {customer}",
            "",
            _table(offered.select("rank", offer="product_name", because="reason", facts="supported_by")),
            "And why not:",
            _table(others.select(product="product_name", reason="reason", possible_after="unlocked_by")),
        )

    def _numbers(self) -> str:
        rows = {"list": list(RIVALS)}
        columns = {
            title: [self.metrics.get(prefix + name) for prefix in RIVALS.values()]
            for name, title in QUESTIONS.items()
        }
        return _section(
            "How good is it? Tried on all who acquired something in a month that the model had not seen",
            "Share with a chosen product in the list, and how far up; the other rows are simple rivals.",
            _table(pl.DataFrame({**rows, **columns})),
        )

    def _files(self, folder: Path) -> str:
        return _section(
            "Where things are",
            f"  {folder / LIST_FILE}   this call list, for a spreadsheet",
            f"  {folder / 'practice' / 'raw'}   what the bank handed over, with mapping.toml beside it",
            f"  {folder / 'features'}, {folder / 'training'}   features and training: yours to change",
            f"  {folder / 'data'}   imported tables, models, tracking database",
        )

    def _next(self, folder: Path) -> str:
        return _section(
            "Try next",
            f"  cd {folder}",
            f"  vipreco offers --manager {self.manager} --top 5",
            f"  vipreco explain {self.offers['customer_id'][0]}",
            "  vipreco leakcheck --as-of 2025-10-31     # proof that no list knows the future",
            "  vipreco models show",
        )


def _section(title: str, *parts: str) -> str:
    return "\n".join(["", title, "─" * len(title), *(part for part in parts if part)])


def _table(rows: pl.DataFrame) -> str:
    text = table_text(rows, WIDTH)
    return text[: text.rstrip("\n").rfind("\n")].strip("\n")
