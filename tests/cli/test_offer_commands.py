"""`offers` and `explain` answer for any customers and any past date, and say why they cannot."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from vipreco.cli.entry import main

pytestmark = pytest.mark.usefixtures("bank_folder")


def offered(tmp_path: Path, *arguments: str) -> pl.DataFrame:
    target = tmp_path / "offers.parquet"
    assert main(["offers", *arguments, "--out", str(target)]) == 0
    return pl.read_parquet(target)


def facts(column: str) -> dict[str, str]:
    """Return customer -> value in the newest snapshot, read from the stored tables."""
    rows = pl.read_parquet("data/tables/batches/*/customers*.parquet", missing_columns="insert")
    newest = rows.filter(
        pl.col("snapshot_date") == pl.col("snapshot_date").max(), pl.col(column).is_not_null()
    )
    return dict(zip(newest["customer_id"].to_list(), newest[column].to_list(), strict=True))


def approachable() -> set[str]:
    """Return the customers to whom the rules of the house let the branch offer anything at all."""
    stopped = {
        who
        for column in ("attribute_policy_blocked", "attribute_policy_complaint_open")
        for who, is_so in facts(column).items()
        if is_so
    }
    return set(facts("branch_id")) - stopped


def test_all_customers_of_the_newest_snapshot_get_a_list_in_order(tmp_path: Path) -> None:
    offers = offered(tmp_path, "--all", "--top", "2")
    assert set(offers["customer_id"]) <= set(facts("branch_id"))
    assert offers.height > 900
    assert set(offers["rank"]) == {1, 2}
    best = offers.filter(pl.col("rank") == 1)["priority"].to_list()
    assert best == sorted(best, reverse=True)
    assert offers["propensity"].is_between(0, 1).all()


def test_a_manager_gets_the_own_book_and_nobody_else(tmp_path: Path) -> None:
    managers = facts("manager_id")
    manager = sorted(managers.values())[0]
    offers = offered(tmp_path, "--manager", manager)
    book = {who for who, whose in managers.items() if whose == manager}
    assert set(offers["customer_id"]) == book & approachable()


def test_vip_means_the_tiers_of_the_settings(tmp_path: Path) -> None:
    vip = {"GOLD", "PLATINUM", "DIAMOND", "PRIVATE"}
    expected = {who for who, tier in facts("tier").items() if tier in vip}
    assert set(offered(tmp_path, "--vip")["customer_id"]) == expected & approachable()


def test_a_file_of_ids_is_read_as_text_and_unknown_ids_drop_out(tmp_path: Path) -> None:
    known = sorted(facts("branch_id"))[:3]
    listed = tmp_path / "ids.csv"
    listed.write_text("\n".join(["customer_id", *known, "0000000000000000001"]))
    assert set(offered(tmp_path, "--customers", str(listed))["customer_id"]) == set(known)


def test_a_past_date_gives_the_same_list_whatever_came_later(tmp_path: Path) -> None:
    past = offered(tmp_path, "--all", "--as-of", "2025-10-31", "--hindsight")
    assert past["as_of_date"].unique().len() == 1
    assert past["as_of_date"][0].isoformat() == "2025-10-31"
    assert past.equals(offered(tmp_path, "--all", "--as-of", "2025-10-31", "--hindsight"))


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        ([], 2, "name the customers"),
        (["--all", "--vip"], 2, "name the customers"),
        (["--all", "--as-of", "2025-10-31"], 2, "the model learnt from what happened until 2025-12-31"),
        (["--all", "--as-of", "2001-01-01"], 2, "no snapshot was known"),
        (["--all", "--as-of", "2999-01-01"], 2, "the newest snapshot before 2999-01-01 is of 2025-12-31"),
        (["--all", "--as-of", "31.12.2025"], 2, "write a date as 2026-01-31"),
        (["--all", "--top", "0"], 2, "--top"),
        (["--all", "--model", "99"], 2, "there is no version 99"),
        (["--all", "--out", "missing/list.csv"], 2, "the folder does not exist"),
        (["--all", "--out", "list.doc"], 2, "is not a known format"),
        (["--customers", "missing.csv"], 2, "no ids can be read"),
        (["--manager", "nobody"], 3, "none of the customers asked for"),
    ],
)
def test_a_wrong_question_is_answered_with_what_is_wrong(
    arguments: list[str], code: int, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """B94 among others: a date before the first snapshot, and one in the future."""
    assert main(["offers", *arguments]) == code
    shown = " ".join(capsys.readouterr().err.replace("│", " ").split())
    assert words in shown


@pytest.mark.slow
def test_offers_do_not_depend_on_time_zone_or_locale() -> None:
    """B91."""
    command = [sys.executable, "-m", "vipreco.cli", "offers", "--all", "--format", "csv"]
    settings = ({"TZ": "Pacific/Kiritimati", "LC_ALL": "C"}, {"TZ": "UTC"})
    outputs = {
        subprocess.run(command, env={**os.environ, **changed}, capture_output=True, check=True).stdout
        for changed in settings
    }
    assert len(outputs) == 1


def test_a_reader_who_goes_away_ends_the_list_quietly() -> None:
    """B89."""
    script = f'"{sys.executable}" -m vipreco.cli offers --all --format csv --top 9 | head -n 1 >/dev/null'
    finished = subprocess.run(
        ["bash", "-c", f"{script}; echo ${{PIPESTATUS[0]}}"], capture_output=True, text=True, check=True
    )
    assert finished.stdout.strip() in {"0", "141"}
    told = finished.stderr.splitlines()
    assert [line for line in told if not line.startswith("decision ")] == []


def test_a_customer_is_explained_with_offers_first_and_every_other_product_after(
    capsys: pytest.CaptureFixture[str],
) -> None:
    customer = sorted(facts("branch_id"))[0]
    assert main(["explain", customer, "--top", "2", "--format", "json"]) == 0
    sheet = json.loads(capsys.readouterr().out)
    assert [row["rank"] for row in sheet[:3]] == [1, 2, None]
    assert all(row["reason"] for row in sheet[2:])
    assert [bool(row["reason"]) for row in sheet[:2]] == [bool(row["supported_by"]) for row in sheet[:2]]
    assert all(row["propensity"] is None for row in sheet[2:])


def test_nobody_learns_anything_about_a_customer_of_another_book(capsys: pytest.CaptureFixture[str]) -> None:
    managers = facts("manager_id")
    customer, own = sorted(managers.items())[0]
    other = next(manager for manager in managers.values() if manager != own)
    told = []
    for asked in (customer, "no such customer"):
        assert main(["explain", asked, "--manager", other]) == 3
        told.append(capsys.readouterr().err)
    assert told == ["vipreco: the customer is not in your book (not-in-your-book)\n"] * 2
    assert main(["explain", customer, "--manager", own]) == 0


def test_an_unknown_customer_is_an_input_that_is_rejected(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "no such customer"]) == 3
    assert "not in the newest snapshot" in capsys.readouterr().err


def related(tmp_path: Path, *arguments: str) -> pl.DataFrame:
    target = tmp_path / "list.parquet"
    assert main(["relationships", *arguments, "--out", str(target)]) == 0
    return pl.read_parquet(target)


def test_the_develop_list_has_the_likeliest_to_rise_with_what_lacks_and_reasons(tmp_path: Path) -> None:
    found = related(tmp_path, "--list", "develop", "--all", "--most", "7")
    tiers = facts("tier")
    assert found.height == 7
    assert found["tier_upgrade_probability"].is_sorted(descending=True)
    assert [tiers[who] for who in found["customer_id"]] == found["tier"].to_list()
    assert (found["missing_amount"] >= 0).all()
    assert found["reasons"].list.len().max() >= 1


def test_the_keep_list_holds_vip_customers_of_the_book_alone(tmp_path: Path) -> None:
    tiers, managers = facts("tier"), facts("manager_id")
    vip = [who for who, tier in tiers.items() if tier in {"GOLD", "PLATINUM", "DIAMOND", "PRIVATE"}]
    manager = managers[sorted(vip)[0]]
    found = related(tmp_path, "--list", "keep", "--manager", manager)
    assert set(found["customer_id"]) <= {who for who in vip if managers[who] == manager}
    assert found.height >= 1


def test_the_grow_list_has_the_best_offer_of_each_customer(tmp_path: Path) -> None:
    found = related(tmp_path, "--list", "grow", "--all", "--limit", "5")
    offers = offered(tmp_path, "--all", "--top", "1").head(5)
    assert found.select("customer_id", "product_id").equals(offers.select("customer_id", "product_id"))


def test_a_list_of_relationships_needs_to_know_whose(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["relationships", "--list", "keep"]) == 2
    assert "--manager" in capsys.readouterr().err
