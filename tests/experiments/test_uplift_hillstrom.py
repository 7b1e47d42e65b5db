"""Experiment 006 on a file of the same form: which half is read when, and what is written."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import numpy as np
import polars as pl
import pytest

from tests.experiments.scripts import script

CUSTOMERS, MANY = 1_200, 6_000


@pytest.fixture(scope="module")
def run() -> ModuleType:
    return script("006-uplift-hillstrom/run.py", "uplift_hillstrom")


@pytest.fixture
def small(run: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> ModuleType:
    for name, value in {"FOLDS": 2, "RESAMPLES": 10, "PLACEBOS": 1, "HERE": tmp_path}.items():
        monkeypatch.setattr(run, name, value)
    return run


def make(customers: int) -> pl.DataFrame:
    """Return customers of whom an e-mail moves those with women's goods alone."""
    random = np.random.default_rng(0)
    womens = random.integers(0, 2, customers)
    arms = random.choice(["Mens E-Mail", "Womens E-Mail", "No E-Mail"], customers)
    moved = 0.5 * (arms != "No E-Mail") * womens
    return pl.DataFrame(
        {
            "recency": random.integers(1, 13, customers),
            "history": random.exponential(200, customers),
            "mens": 1 - womens,
            "womens": womens,
            "newbie": random.integers(0, 2, customers),
            "zip_code": random.choice(["Rural", "Surburban", "Urban"], customers),
            "channel": random.choice(["Web", "Phone", "Multichannel"], customers),
            "segment": arms,
            "visit": (random.random(customers) < 0.15 + moved).astype(np.int64),
        }
    )


def test_the_halves_share_nobody_and_are_everybody(run: ModuleType, tmp_path: Path) -> None:
    make(CUSTOMERS).write_parquet(tmp_path / "file.parquet")
    halves = [set(run.read(tmp_path / "file.parquet", judged=judged).ids) for judged in (False, True)]
    assert [len(half) for half in halves] == [CUSTOMERS // 2] * 2
    assert halves[0].isdisjoint(halves[1])
    assert run.held_out(64_000).sum() == 32_000


def test_the_choice_never_looks_at_the_held_out_half(small: ModuleType, tmp_path: Path) -> None:
    path = tmp_path / "file.parquet"
    customers = make(CUSTOMERS)
    customers.write_parquet(path)
    found = small.select(path)
    turned = pl.when(pl.Series(small.held_out(CUSTOMERS))).then(1 - pl.col("visit")).otherwise("visit")
    customers.with_columns(turned.alias("visit")).write_parquet(path)
    assert small.select(path) == found


def test_a_planted_effect_is_found_on_the_held_out_half(small: ModuleType, tmp_path: Path) -> None:
    path = tmp_path / "file.parquet"
    make(MANY).write_parquet(path)
    found = small.judge(path, chosen="x")
    orders = found["contrasts"][small.PRIMARY]["orders"]
    assert found["rule"]["beats_random"]
    assert orders["x"]["qini"][0] > orders[small.RANDOM]["qini"][1]
    # a half of the customers is moved by 0.5: mailing the first half adds that of it
    assert orders["x"]["visits_at_0.5"] == pytest.approx(250, abs=60)
    assert (tmp_path / "qini.svg").read_bytes().startswith(b"<?xml")
