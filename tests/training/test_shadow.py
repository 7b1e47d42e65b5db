"""Shadow: two models on the same customers, kept by pseudonym, judged by what came later."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import polars as pl
import pytest

from training import shadow
from training.shadow import CONTACTED, Night, _list_rows, _outcome_rows, _pairs

DAY, NEXT = date(2025, 10, 31), date(2025, 11, 30)


def night(folder: Path, day: date, champion: dict[str, list[str]], challenger: dict[str, list[str]]) -> Night:
    rows = [
        {"pseudonym": who, "model": model, "rank": place + 1, "product_id": product, "chance": 0.5}
        for model, lists in (("champion", champion), ("challenger", challenger))
        for who, products in lists.items()
        for place, product in enumerate(products)
    ]
    folder.mkdir()
    pl.DataFrame(rows).write_parquet(folder / shadow.OFFERS)
    return Night(folder, day, {}, {"champion": "a", "challenger": "b"}, 2, 1, 0)


def figures(rows: list[dict[str, object]]) -> dict[object, tuple[object, ...]]:
    return {row["figure"]: (row["champion"], row["challenger"], row["difference"]) for row in rows}


@pytest.fixture
def two_nights(tmp_path: Path) -> pl.DataFrame:
    first = night(tmp_path / "one", DAY, {"x": ["p", "q"], "y": ["q"]}, {"x": ["q", "p"], "y": ["q"]})
    second = night(tmp_path / "two", NEXT, {"x": ["p"]}, {"x": ["p"], "y": ["r"]})
    return pl.concat([_pairs(first), _pairs(second)])


def test_lists_are_compared_customer_by_customer(two_nights: pl.DataFrame) -> None:
    """Worked by hand: x changes in the first night, y gets a first list in the second."""
    found = figures(list(_list_rows(two_nights, seed=1)))
    assert found["customers with a list"] == (3.0, 4.0, None)
    assert found["first offer is another one"] == (None, None, 0.5)
    assert found["products that both lists share"] == (None, None, 0.75)
    assert found["chance of the first offer"] == (0.375, 0.5, 0.125)


def test_outcomes_count_where_the_window_has_ended(two_nights: pl.DataFrame) -> None:
    outcomes = pl.DataFrame(
        {"as_of": [DAY, DAY], "pseudonym": ["x", "y"], "acquired": [["q"], []]}, schema=shadow.OUTCOMES
    )
    found = figures(list(_outcome_rows(two_nights, outcomes, seed=1)))
    assert found["acquired from the list, a customer"] == (0.5, 0.5, 0.0)
    assert found["acquired the first offer"] == (0.0, 0.5, 0.5)
    assert found["chances of the list, by acquisitions"] == (1.5, 1.5, None)
    assert list(_outcome_rows(two_nights, pl.DataFrame(schema=shadow.OUTCOMES), seed=1)) == []
    assert "the champion's offers alone" in CONTACTED
