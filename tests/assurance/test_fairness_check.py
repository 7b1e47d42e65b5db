"""Offers are compared between groups that nothing else sees; one that stands for wealth is found."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from tests.shared import BuiltOnce
from tests.simulated_bank import trained_project
from vipreco.assurance import read_groups
from vipreco.cli.entry import main
from vipreco.errors import UsageError
from vipreco.features import read_prohibited
from vipreco.history import History
from vipreco.project import Project

ROOT = Path(__file__).parents[2]
PROHIBITED = read_prohibited(ROOT / "features")


@pytest.fixture
def bank_folder(built_once: BuiltOnce, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    home = tmp_path / "bank"
    shutil.copytree(trained_project(built_once), home)
    monkeypatch.chdir(home)
    return home


def test_a_group_that_stands_for_wealth_is_found_and_a_random_one_is_not(
    bank_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    history = History.open(Project.find(bank_folder).tables)
    people = history.as_of(history.snapshot_dates[-2]).population()
    ids, tiers = people["customer_id"].to_pylist(), people["tier"].to_pylist()
    random = np.random.default_rng(1).choice(["a", "b"], len(ids))
    gender = ["m" if tier in ("BASIC", None) else "f" for tier in tiers]
    file = tmp_path / "groups.csv"
    pl.DataFrame({"customer_id": ids, "gender": gender, "religion": random}).write_csv(file)
    capsys.readouterr()
    assert main(["fairness", "--groups", str(file), "--format", "json"]) == 9
    told = capsys.readouterr()
    rows = json.loads(told.out)
    assert {row["attribute"] for row in rows if row["verdict"] == "differs"} == {"gender"}
    assert "differs: gender" in told.err
    assert "hindsight: the model learnt" in told.err
    assert {row["measure"] for row in rows} == {
        "offer rate",
        "acquisition rate",
        "found",
        "offered in vain",
        "calibration",
    }


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("customer_id,colour\n1,red\n", "none of its columns is an attribute"),
        ("id,gender\n1,f\n", "there is no column customer_id"),
        ("customer_id,gender\n1,f\n1,m\n", "a customer stands in it twice"),
    ],
)
def test_a_wrong_file_is_told(text: str, words: str, tmp_path: Path) -> None:
    (tmp_path / "groups.csv").write_text(text)
    with pytest.raises(UsageError, match=words):
        read_groups(tmp_path / "groups.csv", PROHIBITED)


def test_groups_of_unknown_customers_are_unknown(tmp_path: Path) -> None:
    (tmp_path / "groups.csv").write_text("customer_id,gender,colour\n007,f,red\n003,,blue\n")
    groups = read_groups(tmp_path / "groups.csv", PROHIBITED)
    found = groups.of(np.array(["001", "003", "007", "009"]))
    assert {name: values.tolist() for name, values in found.items()} == {"gender": ["", "", "f", ""]}
