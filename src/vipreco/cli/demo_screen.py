"""Last screen of the demo: call list, customer sheet and numbers for a branch manager."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from vipreco.cli.document_output import part_text
from vipreco.cli.table_output import table_text

if TYPE_CHECKING:
    from vipreco.documents import Document, Part
    from vipreco.history import View

LIST_FILES = ("call_list.xlsx", "call_list.pdf")
LIST_COLUMNS = (
    "place",
    "kind",
    "customer_id",
    "tier",
    "reason_to_call",
    "offers",
    "minutes",
    "expected_value",
)
SHOWN_CALLS = 6
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


def largest_book(view: View, vip: tuple[str, ...]) -> str:
    """Return the manager with the most VIP customers."""
    rows = view.query(
        "SELECT manager_id FROM customers_now WHERE manager_id IS NOT NULL AND list_contains($1, tier) "
        "GROUP BY manager_id ORDER BY count(*) DESC, manager_id LIMIT 1",
        [list(vip)],
    )
    return str(rows["manager_id"][0].as_py())


@dataclass(frozen=True)
class Screen:
    """Content of the last screen.

    Args:
        manager: Manager of the call list.
        customer: First customer on it.
        call_list: The list of the day.
        sheet: Sheet of that customer.
        metrics: Backtest of the model, baselines beside it.
    """

    manager: str
    customer: str
    call_list: Document
    sheet: Document
    metrics: Mapping[str, float]

    @property
    def summary(self) -> str:
        """One line about the list."""
        return f"{self.manager}: {self.call_list.about[0]}"

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
        today = self.call_list.part("today")
        return _section(
            self.call_list.title,
            *self.call_list.about,
            part_text(_short(today, LIST_COLUMNS, SHOWN_CALLS), WIDTH).strip("\n"),
            "Beside it: " + "; ".join(_sizes(self.call_list)),
        )

    def _customer(self) -> str:
        return _section(
            f"Sheet of {self.customer}, the first customer to call",
            part_text(self.sheet.part("profile"), WIDTH).strip("\n"),
            "Offers:",
            part_text(self.sheet.part("offers"), WIDTH).strip("\n"),
            "Not offered:",
            part_text(_short(self.sheet.part("not_offered"), (), SHOWN_REASONS), WIDTH).strip("\n"),
        )

    def _numbers(self) -> str:
        rows = {"list": list(RIVALS)}
        columns = {
            title: [self.metrics.get(prefix + name) for prefix in RIVALS.values()]
            for name, title in QUESTIONS.items()
        }
        return _section(
            "Quality: tested on all customers who acquired something in a month that the model had not seen",
            "Share with an acquired product in the list, and its place; the other rows are simple baselines.",
            _table(pl.DataFrame({**rows, **columns})),
        )

    def _files(self, folder: Path) -> str:
        return _section(
            "Where things are",
            *(f"  {folder / name}   this call list, to print" for name in LIST_FILES),
            f"  {folder / 'practice' / 'raw'}   the bank's raw files, with mapping.toml beside them",
            f"  {folder / 'features'}, {folder / 'training'}   features and training, to be changed",
            f"  {folder / 'data'}   imported tables, models, tracking database",
        )

    def _next(self, folder: Path) -> str:
        return _section(
            "Try next",
            f"  cd {folder}",
            f"  vipreco calllist --manager {self.manager} --minutes 120 --language zh",
            f"  vipreco sheet --customer {self.customer}",
            "  vipreco levers --vip                      # effect of each factor on the order",
            "  vipreco leakcheck --as-of 2025-10-31     # proof that no list uses the future",
            "  vipreco models show",
        )


def _short(part: Part, names: tuple[str, ...], most: int) -> Part:
    """Return some columns (none named: all) and the first rows of a part."""
    columns = tuple(column for column in part.columns if not names or column.name in names)
    return replace(part, columns=columns, rows=part.rows.head(most))


def _sizes(document: Document) -> Iterator[str]:
    """Give the other parts of a document with their numbers of customers."""
    for part in document.parts[1:]:
        counted = "customers" in part.rows.columns
        yield f"{part.title.lower()}: {part.rows['customers'].sum() if counted else part.note}"


def _section(title: str, *parts: str) -> str:
    return "\n".join(["", title, "─" * len(title), *(part for part in parts if part)])


def _table(rows: pl.DataFrame) -> str:
    text = table_text(rows, WIDTH)
    return text[: text.rstrip("\n").rfind("\n")].strip("\n")
