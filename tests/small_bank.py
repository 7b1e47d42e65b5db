"""The small bank that most tests share: tables of some hundred customers whose acquisitions follow a rule.

All hold an account from the start, every second one a card. Each month a part of the customers acquires: who
holds a card a fund, the others a card. A test that needs more adds columns and rows to its copy.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa

from tests.shared import BuiltOnce
from vipreco.features import FeatureSet
from vipreco.history import History
from vipreco.propensity import BoosterSettings, Machine, PropensitySettings
from vipreco.recommender import Panel, Recommender, RecommenderSettings, TrainingData

FEATURES = Path(__file__).parents[1] / "features"
MACHINE = Machine(seed=5, threads=1)
LEARNT_MONTHS = 3
SINCE = date(2020, 1, 1)
CATALOGUE: Mapping[str, tuple[str, float]] = {
    "account": ("daily", 10.0),
    "card": ("daily", 20.0),
    "deposit": ("saving", 40.0),
    "fund": ("wealth", 200.0),
    "gold": ("wealth", 5.0),
    "loan": ("credit", 100.0),
}
"""Family and value of each product; the loan asks for a card."""
Frames = dict[str, pa.Table]
Row = tuple[str, str, date]


def month_ends(year: int, first: int, count: int) -> list[date]:
    """Return the last days of months that follow one another within a year."""
    firsts = [date(year + month // 12, month % 12 + 1, 1) for month in range(first, first + count)]
    return [day - timedelta(days=1) for day in firsts]


def customer_ids(count: int) -> list[str]:
    return [f"{number:05d}" for number in range(count)]


def customers_table(ids: Sequence[str], months: Sequence[date], /, **columns: Sequence[Any]) -> pa.Table:
    """Return a row a customer and month; a column has a value a customer, or a value a row."""
    rows = len(ids) * len(months)
    return pa.table(
        {
            "customer_id": list(ids) * len(months),
            "snapshot_date": [month for month in months for _ in ids],
            **{
                name: list(values) * (1 if len(values) == rows else len(months))
                for name, values in columns.items()
            },
        }
    )


def products_table(ids: Sequence[str], channels: Sequence[str], /, **columns: Sequence[Any]) -> pa.Table:
    """Return products of the catalogue; a column that is given takes the place of ours."""
    ours: dict[str, Any] = {
        "product_id": list(ids),
        "name": [product.title() for product in ids],
        "family": [CATALOGUE[product][0] for product in ids],
        "offered_from": _days([SINCE] * len(ids)),
        "offered_until": _days([date(2024, 2, 1) if product == "gold" else None for product in ids]),
        "channels": [list(channels)] * len(ids),
        "repeatable": [product == "deposit" for product in ids],
        "unit_value_amount": pa.array([CATALOGUE[product][1] for product in ids]),
        "prerequisites": [["card"] if product == "loan" else [] for product in ids],
        "recorded_date": _days([SINCE] * len(ids)),
    }
    return pa.table({**ours, **columns})


def holdings(
    ids: Sequence[str],
    months: Sequence[date],
    part: int = 6,
    beside: Callable[[str, date], list[Row]] | None = None,
) -> list[Row]:
    """Return customer, product and opening day of all holdings.

    Args:
        ids: Customers.
        months: Months; from the second on a part of the customers acquires on the last day.
        part: How many parts there are.
        beside: What else a customer who acquires on a day opens.
    """
    rows = [(customer, "account", date(2023, 6, 1)) for customer in ids]
    rows += [(customer, "card", date(2023, 7, 1)) for customer in ids[1::2]]
    for place, month in enumerate(months[1:]):
        for number in range(place, len(ids), part):
            rows.append((ids[number], "fund" if number % 2 else "card", month))
            rows += beside(ids[number], month) if beside else []
    return rows


def holdings_table(rows: Sequence[Row], **columns: Sequence[Any]) -> pa.Table:
    customer, product, opened = zip(*rows, strict=True)
    ours = {"customer_id": customer, "product_id": product, "opened_date": _days(opened)}
    return pa.table({**ours, **columns})


def settings(rounds: int, **others: Any) -> RecommenderSettings:
    """Return settings of a fit that takes a second."""
    small = BoosterSettings(rounds=rounds, min_data_in_leaf=5, feature_fraction=1.0, bagging_fraction=1.0)
    propensity = PropensitySettings(product=small, any=small, thin_evidence_positives=3)
    return RecommenderSettings(propensity=propensity, **others)


def fitted(
    frames: Frames, months: Sequence[date], settings: RecommenderSettings, features: FeatureSet | None = None
) -> Recommender:
    """Return a recommender that learnt from the first three months."""
    training_data = TrainingData(Panel(History.from_frames(frames), tuple(months[:LEARNT_MONTHS])))
    return Recommender.fit(training_data, features or FeatureSet.read(FEATURES), settings, MACHINE)


def saved(built_once: BuiltOnce, name: str, fit: Callable[[], tuple[Recommender, History, date]]) -> Path:
    """Return the artifact of a recommender, fitted once a run."""

    def build(folder: Path) -> None:
        recommender, history, day = fit()
        recommender.save(folder / "artifact", {}, history.as_of(day))

    return built_once(f"model-{name}", build) / "artifact"


def _days(days: Sequence[date | None]) -> pa.Array:
    return pa.array(list(days), pa.date32())
