"""`vipreco retrain` on a real, tiny bank: what a scheduler sees."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest

from tests.faults.commands import customers
from vipreco.cli.entry import main


@pytest.mark.long
@pytest.mark.usefixtures("bank_folder")
def test_the_same_tables_and_recipe_give_the_champion_again(capsys: pytest.CaptureFixture[str]) -> None:
    """F03: a clean rerun gives the same artifact, although it was judged beside a champion this time."""
    assert main(["retrain", "--recipe", "tiny"]) == 0
    assert "unchanged; see" in capsys.readouterr().out
    told = json.loads(Path("data", "retrain", "last.json").read_bytes())
    assert (told["outcome"], told["version"], told["champion"]) == ("unchanged", "1", True)
    folder = Path(told["folder"])
    verdict = json.loads((folder / "verdict.json").read_bytes())
    assert verdict["compared_with"]["version"] == "1"
    assert verdict["own_gates"]
    assert "| MAP, everybody | 0 | 0 | 0 |" in (folder / "model_card.md").read_text("utf-8")
    assert main(["models", "show"]) == 0
    assert "model.promote by os:" in capsys.readouterr().out


@pytest.mark.long
def test_a_challenger_is_scored_in_shadow_under_pseudonyms_and_judged_by_what_came(
    bank: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = Path("training/recipes/tiny.toml").read_text("utf-8").replace("rounds = 3", "rounds = 5")
    Path("training/recipes/other.toml").write_text(other.replace('"tiny"', '"other"'), "utf-8")
    assert main(["shadow", "score"]) == 2  # no challenger yet
    assert main(["train", "--recipe", "other"]) == 0
    assert main(["shadow", "score", "--as-of", "2025-11-30"]) == 2  # it learnt what came after
    assert main(["shadow", "score"]) == 0
    capsys.readouterr()
    assert main(["shadow", "score", "--as-of", "2025-12-31"]) == 0
    assert "was scored before" in capsys.readouterr().out
    assert main(["shadow", "report", "--format", "json"]) == 0
    told = capsys.readouterr()
    rows = {row["figure"]: row for row in json.loads(told.out)}
    assert {"first offer is another one", "chance of the first offer"} <= set(rows)
    assert "1 night(s), 0 with outcomes" in told.err
    offers = pl.concat([pl.read_parquet(path) for path in bank.glob("data/shadow/*/offers.parquet")])
    assert set(offers.columns) == {"pseudonym", "model", "rank", "product_id", "chance"}
    assert not set(offers["pseudonym"]) & set(customers(bank))
