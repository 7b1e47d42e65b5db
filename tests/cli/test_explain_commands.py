"""`explain --check`, receipts and `replay`: a decision can be checked, written down, and made once more."""

from __future__ import annotations

import json
import shutil
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from tests.mapping_text import source
from vipreco.artifact import verify
from vipreco.assurance.receipts import ReceiptQuestion, first_difference, receipt as make_receipt
from vipreco.cli.entry import main
from vipreco.durable import canonical_json
from vipreco.explanations import facts
from vipreco.history import History
from vipreco.recommender import Recommender
from vipreco.tables import Tables

MAPPING = source("late.csv", "holdings", "customer_id", "product_id", "opened_date")


def customer() -> str:
    rows = pl.read_parquet("data/tables/batches/*/customers*.parquet", missing_columns="insert")
    newest = rows.filter(
        pl.col("snapshot_date") == pl.col("snapshot_date").max(), ~pl.col("profiling_opt_out")
    )
    return str(newest["customer_id"].sort()[0])


def written(asked: str) -> bytes:
    assert (
        main(["explain", asked, "--receipt", "receipt.json", "--format", "json", "--out", "sheet.json"]) == 0
    )
    return Path("receipt.json").read_bytes()


def import_late_holding(asked: str, product: str) -> None:
    """Import a holding that began before the decision, as if it had always been known."""
    Path("mapping.toml").write_text(MAPPING, encoding="utf-8")
    rows = f"customer_id,product_id,opened_date\n{asked},{product},2025-11-03\n"
    Path("late.csv").write_text(rows, encoding="utf-8")
    assert main(["import", "--mapping", "mapping.toml", "late.csv"]) == 0


@pytest.fixture(scope="module")
def receipt(trained: Path, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A receipt about the first customer."""
    target = tmp_path_factory.mktemp("receipts") / "receipt.json"
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(trained)
        assert main(["explain", customer(), "--receipt", str(target)]) == 0
    return target.read_bytes()


def test_a_receipt_accounts_for_every_product_and_cites_the_facts_of_the_reasons(
    receipt: bytes, bank_folder: Path
):
    content = json.loads(receipt)
    day = date.fromisoformat(content["question"]["as_of"])
    products = History.open(bank_folder / "data" / "tables").as_of(day).catalog_table()
    candidates = content["decision"]["candidates"]
    assert [row["product_id"] for row in candidates] == products["product_id"].to_pylist()
    offered = [row for row in candidates if row["rank"]]
    assert sorted(row["rank"] for row in offered) == [1, 2, 3]
    assert [fact for row in offered for reason in row["reasons"] for fact in reason["facts"]]
    assert all(row["why_not"]["rule_id"] for row in candidates if row["suppressed"])
    assert all(row["why_not"] is None for row in offered)


def test_a_receipt_holds_what_collaborative_filtering_adds_with_the_counts_behind_it(
    receipt: bytes, bank_folder: Path
):
    content = json.loads(receipt)
    parts = {row["product_id"]: row["collaborative"] for row in content["decision"]["candidates"]}
    assert {part["source"] for part in parts.values()} == {"ease"}
    assert len({part["added"]["co_holding"] for part in parts.values()}) > 1
    named = {product: part for product, part in parts.items() if part["held"]}
    (day,) = {date.fromisoformat(part["counted_on"]) for part in named.values()}
    held = History.open(bank_folder / "data" / "tables").as_of(day)
    for product, part in named.items():
        counted = held.query(
            "SELECT count(*) FILTER (WHERE product_id = $held) AS holders FROM holdings "
            "WHERE closed_date IS NULL AND customer_id IN (SELECT customer_id FROM customers_now)",
            {"held": part["held"]},
        )
        assert 0 <= part["joined"] <= part["holders"] == counted["holders"][0].as_py(), product


@pytest.mark.usefixtures("bank_folder")
def test_a_receipt_of_before_collaborative_filtering_stood_in_it_is_replayed(receipt: bytes, tmp_path: Path):
    content, before = json.loads(receipt), tmp_path / "before.json"
    for row in content["decision"]["candidates"]:
        del row["collaborative"]
    before.write_bytes(canonical_json(content))
    assert main(["replay", str(before)]) == 0
    content["decision"]["candidates"][0]["collaborative"] = (
        None  # but not where some have it and some have not
    )
    before.write_bytes(canonical_json(content))
    assert main(["replay", str(before)]) == 6


@pytest.mark.usefixtures("bank")
def test_a_receipt_is_replayed_byte_for_byte_after_a_later_import(capsys: pytest.CaptureFixture[str]):
    asked = customer()
    before, snapshot = written(asked), Tables.open(Path("data/tables")).snapshot_id
    assert main(["replay", "receipt.json"]) == 0
    import_late_holding(asked, json.loads(before)["decision"]["slate"][0])
    assert Tables.open(Path("data/tables")).snapshot_id != snapshot
    assert Tables.open(Path("data/tables"), snapshot).snapshot_id == snapshot
    capsys.readouterr()
    assert main(["replay", "receipt.json"]) == 0
    assert capsys.readouterr().out.startswith("identical: ")
    shutil.copy("receipt.json", "earlier.json")
    after = written(asked)
    assert first_difference(json.loads(before)["decision"], json.loads(after)["decision"]) is not None
    assert main(["replay", "receipt.json"]) == 0
    assert main(["replay", "earlier.json"]) == 0


def test_a_receipt_of_before_effects_were_known_is_replayed_by_the_whole_chance(
    receipt: bytes, bank: Path, capsys: pytest.CaptureFixture[str]
):
    told = json.loads(receipt)
    folder = next(
        path
        for path in (bank / "data" / "artifacts").iterdir()
        if (path / "manifest.json").exists() and verify(path).artifact_hash == told["origin"]["artifact_hash"]
    )
    recommender = Recommender.load(folder, threads=1)
    by_chance = recommender.settings.arbitration.model_copy(update={"order": "chance"})
    question = ReceiptQuestion.model_validate(told["question"], strict=False)
    view = History.open(bank / "data" / "tables", 1).as_of(question.as_of)
    origin = told["origin"]["artifact_hash"], told["origin"]["snapshot_id"]
    former = json.loads(make_receipt(recommender.arbitrated(by_chance), view, question, *origin))
    del former["arbitration"]
    for row in former["decision"]["candidates"]:
        for name in ("chance_without_contact", "chance_with_contact", "effect_basis", "expected_gain"):
            del row[name]
    Path("receipt.json").write_bytes(canonical_json(former))
    assert main(["replay", "receipt.json"]) == 0
    assert capsys.readouterr().out.startswith("identical: ")


@pytest.mark.usefixtures("bank_folder")
@pytest.mark.parametrize(
    ("path", "value", "code", "words"),
    [
        (("decision", "candidates", 4, "propensity"), 0.99, 6, "$.decision.candidates[4].propensity"),
        (("decision", "slate"), [], 6, "$.decision.slate[0]"),
        (("question", "customer_id"), "nobody", 3, "not in the newest snapshot"),
        (("origin", "snapshot_id"), "0" * 16, 3, "never were snapshot"),
        (("origin", "artifact_hash"), "0" * 64, 2, "neither in this project nor in the registry"),
        (("rules", "settings.json"), "{}", 3, "its rules are not those of the version"),
        (("receipt",), 2, 3, "this is not a decision receipt"),
    ],
)
def test_a_receipt_that_was_changed_is_told_where(
    path: tuple[str | int, ...],
    value: object,
    code: int,
    words: str,
    receipt: bytes,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
):
    content = json.loads(receipt)
    part = content
    for name in path[:-1]:
        part = part[name]
    part[path[-1]] = value
    changed = tmp_path / "changed.json"
    changed.write_bytes(canonical_json(content))
    assert main(["replay", str(changed)]) == code
    told = capsys.readouterr().err
    assert words in told
    assert customer() not in told


@pytest.mark.usefixtures("bank")
def test_a_damaged_table_is_told_before_anything_is_decided(
    receipt: bytes, capsys: pytest.CaptureFixture[str]
):
    Path("receipt.json").write_bytes(receipt)
    table = sorted(Path("data/tables/batches").glob("*/holdings*.parquet"))[0]
    table.write_bytes(table.read_bytes()[:-1])
    assert main(["replay", "receipt.json"]) == 6
    assert "is missing or not what was imported" in capsys.readouterr().err


@pytest.mark.usefixtures("bank_folder")
def test_all_cited_facts_of_a_sample_are_what_is_stored(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    target = tmp_path / "check.parquet"
    assert main(["explain", "--check", "--sample", "100", "--out", str(target)]) == 0
    rows = pl.read_parquet(target)
    assert rows.filter(pl.col("what") == "fact")["checked"].sum() > 60
    assert rows["checked"].to_list() == rows["confirmed"].to_list()
    assert "100 customers" in capsys.readouterr().err


@pytest.mark.usefixtures("bank_folder")
def test_a_lookup_that_cites_other_values_ends_the_check(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    def rounded(column: str | pl.Expr) -> pl.Expr:
        if isinstance(column, str) and column.endswith("_date"):
            return pl.col(column).cast(pl.String)
        return (pl.col(column) if isinstance(column, str) else column).cast(pl.String) + "0"

    monkeypatch.setattr(facts, "canonical_text", rounded)
    assert main(["explain", "--check", "--sample", "20"]) == 6
    assert "cited facts differ from the stored rows" in capsys.readouterr().err


@pytest.mark.usefixtures("bank_folder")
@pytest.mark.parametrize("arguments", [[], ["0001", "--check"], ["--check", "--receipt", "receipt.json"]])
def test_explain_wants_one_customer_or_a_check(arguments: list[str]):
    assert main(["explain", *arguments]) == 2
