"""The truth that lies apart is what the draws were made with."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from vipreco.simulator.report import SimulationReport

MONTHS = (
    ("202510", date(2025, 9, 30), date(2025, 10, 31)),
    ("202511", date(2025, 10, 31), date(2025, 11, 30)),
)


def truth(bank: SimulationReport, name: str) -> pl.DataFrame:
    return pl.read_parquet(bank.folder / "truth" / f"{name}.parquet")


def holdings(bank: SimulationReport) -> pl.DataFrame:
    """Newest version of each interval."""
    versions = pl.read_parquet(bank.folder / "raw" / "holdings.parquet")
    keys = ["CUST_NO", "PROD_CD", "OPEN_DT"]
    return versions.sort(*keys, "LOAD_DT").unique(keys, keep="last", maintain_order=True)


def acquired(bank: SimulationReport, after: date, until: date) -> pl.DataFrame:
    window = pl.col("OPEN_DT").is_between(after, until, closed="right")
    return holdings(bank).filter(window).select(customer_id="CUST_NO", product="PROD_CD").unique()


def chances(bank: SimulationReport, name: str, label: str) -> pl.DataFrame:
    wide = truth(bank, f"{name}_{label}")
    return wide.unpivot(index="customer_id", variable_name="product", value_name="chance")


@pytest.mark.parametrize(("label", "after", "until"), MONTHS)
def test_acquisitions_happen_as_often_as_the_truth_says(
    bank: SimulationReport, label: str, after: date, until: date
) -> None:
    both = chances(bank, "acquisitions", label).join(
        acquired(bank, after, until).with_columns(hit=1), on=["customer_id", "product"], how="left"
    )
    chance, hit = both["chance"].cast(pl.Float64).to_numpy(), both["hit"].fill_null(0).to_numpy()
    for low, high in ((0, 0.01), (0.01, 0.03), (0.03, 0.1), (0.1, 1)):
        part = (chance >= low) & (chance < high)
        spread = np.sqrt((chance[part] * (1 - chance[part])).sum())
        # a part of the openings is recorded after the last snapshot, hence the small allowance
        assert abs(hit[part].sum() - chance[part].sum()) < 4 * spread + 0.04 * chance[part].sum()


def test_nobody_has_a_chance_to_acquire_what_is_held(bank: SimulationReport) -> None:
    label, after, _until = MONTHS[0]
    held = holdings(bank).filter(
        pl.col("OPEN_DT") <= after, pl.col("CLOSE_DT").is_null() | (pl.col("CLOSE_DT") > after)
    )
    of_held = chances(bank, "uncontacted", label).join(
        held.select(customer_id="CUST_NO", product="PROD_CD"), on=["customer_id", "product"], how="semi"
    )
    assert of_held.height > 10_000
    assert of_held["chance"].max() == 0


def test_contacts_come_as_often_as_the_logging_policy_says(bank: SimulationReport) -> None:
    chance = truth(bank, "customers_202511")["contact_probability"].cast(pl.Float64).to_numpy()
    contacts = pl.read_csv(bank.folder / "raw" / "contacts.csv", infer_schema=False)
    number = contacts["TOUCH_TIME"].str.starts_with("2025-11").sum()
    spread = np.sqrt((chance * (1 - chance)).sum())
    assert abs(number - chance.sum()) < 4 * spread + 0.05 * chance.sum()


def test_contacts_lead_to_acquisitions_as_often_as_their_probability(bank: SimulationReport) -> None:
    contacts = truth(bank, "contacts")
    chance = contacts["probability"].cast(pl.Float64).to_numpy()
    spread = np.sqrt((chance * (1 - chance)).sum())
    assert abs(contacts["acquired"].sum() - chance.sum()) < 4 * spread


def test_an_unanswered_contact_changes_nothing(bank: SimulationReport) -> None:
    silent = truth(bank, "contacts").filter(~pl.col("answered"))
    assert silent.height > 10
    assert silent["effect"].abs().max() == 0
    assert silent["gain"].abs().max() == pytest.approx(0, abs=1e-7)


def test_some_contacts_put_customers_off_and_most_help(bank: SimulationReport) -> None:
    effect = truth(bank, "contacts").filter(pl.col("answered"))["effect"]
    assert 0.05 < (effect < 0).mean() < 0.45
    assert effect.median() > 0


def test_propensities_are_probabilities_above_their_random_part(bank: SimulationReport) -> None:
    contacts = truth(bank, "contacts")
    assert contacts["propensity"].is_between(0, 1).all()
    assert (contacts["propensity"] > 0).all()
    assert contacts["random_propensity"].is_between(0.3 / 36, 0.3).all()


def test_no_raw_file_holds_a_column_of_the_truth(bank: SimulationReport) -> None:
    for path in bank.sources:
        columns = header(path)
        assert not [
            name for name in columns if any(word in name.lower() for word in ("prob", "effect", "need"))
        ]


def header(path: Path) -> list[str]:
    if path.suffix == ".parquet":
        return pl.read_parquet_schema(path).names()
    encoding = "utf-8" if path.name == "contacts.csv" else "gb18030"
    return path.read_bytes().split(b"\n", 1)[0].decode(encoding).split(",")
