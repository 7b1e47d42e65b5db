"""`vipreco policy`: check, audit, price, columns; and rules that change without a new training."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest

from vipreco.cli.entry import main

pytestmark = pytest.mark.usefixtures("bank_folder")
TINY = ["--recipe", "tiny"]
OWN = """
name = "own"
[[rule]]
id = "no-cards"
stage = "suitability"
reason_code = "NO_CARDS"
requires = "product_family <> 'card'"
text = { en = "No cards at present.", zh = "暂不发卡。" }
owner = "me"
"""


def listed(tmp_path: Path, *arguments: str) -> pl.DataFrame:
    target = tmp_path / "list.parquet"
    assert main(["policy", *arguments, "--out", str(target)]) == 0
    return pl.read_parquet(target)


@pytest.fixture
def own_rules(bank_folder: Path) -> None:
    """The project under rules of its own, beside those of the house; as before afterwards."""
    settings = bank_folder / "vipreco.toml"
    before = settings.read_text(encoding="utf-8")
    (bank_folder / "own.toml").write_text(OWN, encoding="utf-8")
    settings.write_text(before + '\n[policy]\npacks = ["house"]\nfiles = ["own.toml"]\n', encoding="utf-8")
    yield
    settings.write_text(before, encoding="utf-8")


def test_check_tells_what_each_rule_does_with_the_tables(tmp_path: Path) -> None:
    rows = listed(tmp_path, "check", *TINY)
    assert set(rows["state"]) == {"in force"}
    assert rows["rule"].to_list()[:2] == ["offer-window", "known-to-the-model"]


def test_check_warns_of_a_law_that_would_stop_everything(
    bank_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recipe = bank_folder / "training" / "recipes" / "european.toml"
    recipe.write_text('name = "european"\n[recommender.policy]\npacks = ["eu"]\n')
    rows = listed(tmp_path, "check", "--recipe", "european")
    missing = dict(rows.select("rule", "missing").iter_rows())
    assert missing["eu-marketing-objection"] == ["customer_marketing_objection"]
    assert missing["eu-consent"] == []
    assert "warning: eu-marketing-objection: stops all that it concerns" in capsys.readouterr().err


def test_check_names_a_wrong_rule_and_does_nothing(
    bank_folder: Path, own_rules: None, capsys: pytest.CaptureFixture[str]
) -> None:
    wrong = OWN.replace("product_family", "product_familly")
    (bank_folder / "own.toml").write_text(wrong, encoding="utf-8")
    assert main(["policy", "check"]) == 2
    assert "product_familly, did you mean product_family" in capsys.readouterr().err


def test_audit_passes_and_notices_each_law_that_is_switched_off(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = listed(tmp_path, "audit", "--draws", "4000", "--mutate", "--recipe", "default")
    assert rows["noticed_when_off"].all()
    assert set(rows["wrong"]) == {""}
    assert "12 of 12 switched-off laws were noticed" in capsys.readouterr().err


def test_audit_fails_where_a_law_was_loosened(bank_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    recipe = bank_folder / "training" / "recipes" / "loose.toml"
    loose = 'packs = ["china"]\nparameters = { assessment_months = 24 }'
    recipe.write_text(f'name = "loose"\n[recommender.policy]\n{loose}\n')
    assert main(["policy", "audit", "--draws", "4000", "--recipe", "loose"]) == 6
    assert "pairs are wrong" in capsys.readouterr().err


def test_price_adds_up_and_never_offers_a_law_for_sale(tmp_path: Path, bank_folder: Path) -> None:
    settings = bank_folder / "vipreco.toml"
    before = settings.read_text(encoding="utf-8")
    settings.write_text(before + '\n[policy]\npacks = ["house", "china"]\n', encoding="utf-8")
    try:
        rows, both = listed(tmp_path, "price"), listed(tmp_path, "price", "--overlap")
    finally:
        settings.write_text(before, encoding="utf-8")
    assert rows.filter("law")["relaxing_opens_value"].null_count() == rows["law"].sum() > 0
    assert rows.filter(~pl.col("law"))["relaxing_opens_value"].null_count() == 0
    for what in ("customers", "pairs"):
        assert (rows[f"alone_{what}"] <= rows[f"first_{what}"]).all()
        assert (rows[f"first_{what}"] <= rows[f"all_{what}"]).all()
    pairs = dict(rows.select("rule", "all_pairs").iter_rows())
    assert all(count <= min(pairs[one], pairs[other]) for one, other, count in both.iter_rows())


def test_columns_lists_the_facts_with_their_source(tmp_path: Path) -> None:
    rows = listed(tmp_path, "columns")
    told = dict(rows.select("column", "source").iter_rows())
    assert told["customer_qualified_investor"] == "customers, attribute policy_qualified_investor"
    assert told["customer_special_procedure_days"] == "customers, attribute policy_special_procedure_date"
    assert told["pair_contacts_<N>d"] == "contacts"


def offered(tmp_path: Path, *arguments: str) -> pl.DataFrame:
    target = tmp_path / "offers.parquet"
    assert main(["offers", "--all", "--top", "9", *arguments, "--out", str(target)]) == 0
    return pl.read_parquet(target)


def test_rules_of_the_project_take_the_place_of_those_of_the_model(
    bank_folder: Path, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    before = offered(tmp_path)
    assert before["product_id"].str.starts_with("C").any()
    request.getfixturevalue("own_rules")
    after = offered(tmp_path)
    assert not after["product_id"].str.starts_with("C").any()
    assert before["policy_version"].unique().to_list() != after["policy_version"].unique().to_list()


def test_a_channel_has_its_own_list(tmp_path: Path) -> None:
    tables = pl.read_parquet("data/tables/batches/*/customers*.parquet", missing_columns="insert")
    newest = tables.filter(pl.col("snapshot_date") == pl.col("snapshot_date").max())
    agreed = set(newest.filter("consent_call")["customer_id"])
    assert set(offered(tmp_path, "--channel", "call")["customer_id"]) <= agreed
    assert not set(offered(tmp_path)["customer_id"]) <= agreed


def test_explain_tells_the_reason_of_the_channel(capsys: pytest.CaptureFixture[str]) -> None:
    tables = pl.read_parquet("data/tables/batches/*/customers*.parquet", missing_columns="insert")
    newest = tables.filter(pl.col("snapshot_date") == pl.col("snapshot_date").max())
    refusing = newest.filter(~pl.col("consent_sms"))["customer_id"].sort()[0]
    assert main(["explain", refusing, "--channel", "sms", "--format", "json"]) == 0
    reasons = {row["reason"] for row in json.loads(capsys.readouterr().out)}
    assert "The customer did not agree to be reached by text message." in reasons


def test_a_list_without_any_offer_says_which_facts_are_missing(
    bank_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = bank_folder / "vipreco.toml"
    before = settings.read_text(encoding="utf-8")
    settings.write_text(before + '\n[policy]\npacks = ["eu"]\n', encoding="utf-8")
    try:
        assert offered(tmp_path).is_empty()
    finally:
        settings.write_text(before, encoding="utf-8")
    told = capsys.readouterr().err
    assert "no customer gets an offer" in told
    stopped = "eu-marketing-objection stops everything it applies to:"
    assert f"{stopped} customer_marketing_objection unknown" in told
