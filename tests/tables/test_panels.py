# ruff: noqa: E501 - mappings and rows read better in one line
"""Flags and openings become intervals: compared with a plain month-by-month replay, in any cut into batches."""

from __future__ import annotations

import datetime as dt
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

import polars as pl
import pytest
from hypothesis import HealthCheck, Phase, assume, given, settings, strategies as st

from vipreco.settings import Settings
from vipreco.tables import Tables, import_

MONTHS = [dt.date(2025, month, 28) for month in range(1, 7)]
PRODUCTS = ("p0", "p1", "p2")
SETTINGS = Settings.model_validate_json('{"project": {"name": "t"}, "import": {"max_drop_rate": 1.0}}')
MAPPING = """
[[source]]
file = "products.csv"
[[source.table]]
table = "products"
columns = { product_id = "product_id", name = "product_id", family = "product_id" }
[[source]]
file = "flags*.csv"
[[source.table]]
table = "customers"
columns = { customer_id = "id", snapshot_date = "month" }
[[source.table]]
table = "holdings"
form = "flags"
columns = { customer_id = "id", snapshot_date = "month" }
products = { p0 = "p0", p1 = "p1", p2 = "p2" }
[[source]]
file = "openings*.csv"
[[source.table]]
table = "customers"
columns = { customer_id = "id", snapshot_date = "month" }
[[source.table]]
table = "holdings"
form = "openings"
columns = { customer_id = "id", opened_date = "month" }
products = { p0 = "p0", p1 = "p1", p2 = "p2" }
"""
Row = tuple[str, dt.date, tuple[int, int, int]]


def text(rows: Iterable[Row]) -> str:
    lines = [f"{who},{month},{held[0]},{held[1]},{held[2]}" for who, month, held in rows]
    return "\n".join(["id,month,p0,p1,p2", *lines]) + "\n"


def load(folder: Path, batches: Sequence[dict[str, list[Row]]]) -> Path:
    (folder / "mapping.toml").write_text(MAPPING)
    (folder / "products.csv").write_text("product_id\np0\np1\np2\n")
    for number, batch in enumerate(batches):
        sources = [folder / "products.csv"] * (number == 0)
        for name, rows in batch.items():
            path = folder / f"{name}{number}.csv"
            path.write_text(text(rows))
            sources.append(path)
        import_(folder / "tables", folder / "mapping.toml", sources, SETTINGS, backfill=True)
    return folder / "tables"


def intervals(tables: Path) -> set[tuple[str, str, dt.date, dt.date | None]]:
    """Newest version of each interval; one that never began is closed on the day it opened."""
    frame = pl.concat([pl.read_parquet(file) for file in Tables.open(tables).files("holdings")])
    newest = (
        frame.sort("recorded_date", "batch_sequence")
        .group_by("customer_id", "product_id", "opened_date")
        .last()
    )
    real = newest.filter(pl.col("closed_date").is_null() | (pl.col("closed_date") > pl.col("opened_date")))
    return set(real.select("customer_id", "product_id", "opened_date", "closed_date").iter_rows())


def replay(
    rows: Iterable[Row], openings: Iterable[Row] = ()
) -> set[tuple[str, str, dt.date, dt.date | None]]:
    """The oracle: walk through each customer's months one by one."""
    complete = {(who, month): held for who, month, held in rows}
    opened = {(who, month): held for who, month, held in openings}
    found = set()
    for who in sorted({who for who, _ in complete | opened}):
        months = sorted(month for one, month in complete | opened if one == who)
        for at, product in enumerate(PRODUCTS):
            start = None
            for month in months:
                held = bool(opened.get((who, month), (0, 0, 0))[at])
                if (who, month) in complete:
                    held = held or bool(complete[who, month][at])
                else:
                    held = held or start is not None
                if held and start is None:
                    start = month
                if not held and start is not None:
                    found.add((who, product, start, month))
                    start = None
            if start is not None:
                found.add((who, product, start, None))
    return found


FLAG = st.integers(0, 1)
PANEL = st.dictionaries(
    st.tuples(st.sampled_from(["a", "b"]), st.sampled_from(MONTHS)), st.tuples(FLAG, FLAG, FLAG), min_size=1
)


def rows_of(panel: dict[tuple[str, dt.date], tuple[int, int, int]]) -> list[Row]:
    return [(who, month, held) for (who, month), held in sorted(panel.items())]


SLOW = {
    "deadline": None,
    "suppress_health_check": [HealthCheck.too_slow],
    "derandomize": True,
    "phases": (Phase.explicit, Phase.generate),  # an import takes a quarter of a second: no shrinking
}


@settings(max_examples=6, **SLOW)
@given(panel=PANEL)
def test_one_batch_of_flags_gives_the_intervals_of_a_month_by_month_replay(panel) -> None:  # type: ignore[no-untyped-def]
    rows = rows_of(panel)
    with tempfile.TemporaryDirectory() as folder:
        tables = load(Path(folder), [{"flags": rows}])
        assert stored_or_nothing(tables) == replay(rows)


@settings(max_examples=6, **SLOW)
@given(panel=PANEL, data=st.data())
def test_any_cut_into_batches_in_any_order_gives_the_same_intervals(panel, data) -> None:  # type: ignore[no-untyped-def]
    rows = rows_of(panel)
    owners = data.draw(st.lists(st.integers(0, 1), min_size=len(rows), max_size=len(rows)))
    parts = [[row for row, owner in zip(rows, owners, strict=True) if owner == number] for number in range(2)]
    with tempfile.TemporaryDirectory() as folder:
        tables = load(Path(folder), [{"flags": part} for part in parts if part])
        assert stored_or_nothing(tables) == replay(rows)


@settings(max_examples=6, **SLOW)
@given(panel=PANEL, openings=PANEL, together=st.booleans())
def test_openings_open_and_close_nothing(panel, openings, together) -> None:  # type: ignore[no-untyped-def]
    rows = rows_of(panel)
    opened = [row for row in rows_of(openings) if row[:2] not in {one[:2] for one in rows}]
    assume(opened)
    batches = [{"flags": rows, "openings": opened}] if together else [{"flags": rows}, {"openings": opened}]
    with tempfile.TemporaryDirectory() as folder:
        tables = load(Path(folder), batches)
        assert stored_or_nothing(tables) == replay(rows, opened)


def stored_or_nothing(tables: Path) -> set[tuple[str, str, dt.date, dt.date | None]]:
    return intervals(tables) if Tables.open(tables).files("holdings") else set()


def test_a_month_without_a_row_does_not_close_what_was_held(tmp_path: Path) -> None:
    rows: list[Row] = [("a", MONTHS[0], (1, 1, 0)), ("a", MONTHS[3], (1, 0, 0))]
    assert intervals(load(tmp_path, [{"flags": rows}])) == {
        ("a", "p0", MONTHS[0], None),
        ("a", "p1", MONTHS[0], MONTHS[3]),
    }


def test_a_closing_is_a_version_of_its_own_known_at_the_month_that_showed_it(tmp_path: Path) -> None:
    batches: list[dict[str, list[Row]]] = [
        {"flags": [("a", MONTHS[0], (1, 0, 0))]},
        {"flags": [("a", MONTHS[1], (0, 0, 0))]},
    ]
    tables = Tables.open(load(tmp_path, batches))
    rows = [row for file in tables.files("holdings") for row in pl.read_parquet(file).iter_rows()]
    assert rows == [
        ("a", "p0", MONTHS[0], None, None, MONTHS[0], 1),
        ("a", "p0", MONTHS[0], MONTHS[1], None, MONTHS[1], 2),
    ]


def test_flag_and_opening_rows_are_observations(tmp_path: Path) -> None:
    tables = load(
        tmp_path, [{"flags": [("a", MONTHS[0], (0, 0, 0))], "openings": [("b", MONTHS[1], (1, 0, 0))]}]
    )
    (path,) = Tables.open(tables).files("observations")
    assert pl.read_parquet(path).rows() == [("a", MONTHS[0], MONTHS[0], 1), ("b", MONTHS[1], MONTHS[1], 1)]


def test_more_flag_columns_than_fit_in_one_integer(tmp_path: Path) -> None:
    names = [f"q{number:03d}" for number in range(150)]
    held = {"a": {0, 61, 62, 124, 149}, "b": {63, 100}}
    head = ",".join(["id", "month", *names])
    lines = [
        ",".join([who, "2025-01-31", *("1" if at in bits else "0" for at in range(150))])
        for who, bits in held.items()
    ]
    (tmp_path / "flags.csv").write_text("\n".join([head, *lines]) + "\n")
    (tmp_path / "products.csv").write_text("\n".join(["product_id", *names]) + "\n")
    wide = ", ".join(f'{name} = "{name}"' for name in names)
    mapping = MAPPING.replace('products = { p0 = "p0", p1 = "p1", p2 = "p2" }', f"products = {{ {wide} }}", 1)
    (tmp_path / "mapping.toml").write_text(mapping.replace("openings*.csv", "none*.csv"))
    import_(
        tmp_path / "tables",
        tmp_path / "mapping.toml",
        [tmp_path / "products.csv", tmp_path / "flags.csv"],
        SETTINGS,
    )
    found = {(who, product) for who, product, _, _ in intervals(tmp_path / "tables")}
    assert found == {(who, names[at]) for who, bits in held.items() for at in bits}


@pytest.mark.parametrize(("policy", "expected"), [("0", set()), ("1", {("a", "p0", MONTHS[0], None)})])
def test_an_empty_flag_means_what_the_mapping_declares(
    policy: str, expected: set[object], tmp_path: Path
) -> None:
    (tmp_path / "products.csv").write_text("product_id\np0\np1\np2\n")
    (tmp_path / "flags.csv").write_text(f"id,month,p0,p1,p2\na,{MONTHS[0]},NA,0,0\n")
    text = MAPPING.replace('form = "flags"', f'form = "flags"\nempty_flag = "{policy}"')
    (tmp_path / "mapping.toml").write_text(
        text.replace('file = "flags*.csv"', 'file = "flags*.csv"\nmissing = ["NA"]')
    )
    import_(
        tmp_path / "tables",
        tmp_path / "mapping.toml",
        [tmp_path / "products.csv", tmp_path / "flags.csv"],
        SETTINGS,
    )
    assert stored_or_nothing(tmp_path / "tables") == expected


def test_flags_that_continue_an_interval_keep_its_own_opening_date(tmp_path: Path) -> None:
    """The bank told the true opening date first; a month flag says nothing new."""
    load(tmp_path, [])
    (tmp_path / "flags0.csv").write_text(text([("a", MONTHS[0], (0, 0, 0))]))
    (tmp_path / "holdings.csv").write_text("id,product,opened\na,p0,2025-01-10\n")
    extra = """
[[source]]
file = "holdings.csv"
[[source.table]]
table = "holdings"
columns = { customer_id = "id", product_id = "product", opened_date = "opened" }
"""
    (tmp_path / "mapping.toml").write_text(MAPPING + extra)
    for names in (["products.csv", "flags0.csv"], ["holdings.csv"], ["flags1.csv"], ["flags2.csv"]):
        (tmp_path / "flags1.csv").write_text(text([("a", MONTHS[1], (1, 0, 0))]))
        (tmp_path / "flags2.csv").write_text(text([("a", MONTHS[2], (0, 0, 0))]))
        import_(tmp_path / "tables", tmp_path / "mapping.toml", [tmp_path / name for name in names], SETTINGS)
    assert intervals(tmp_path / "tables") == {("a", "p0", dt.date(2025, 1, 10), MONTHS[2])}
