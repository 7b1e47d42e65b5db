"""`vipreco campaign report` as a user calls it: forms, files, and what is refused."""

from __future__ import annotations

import json
import shutil
from datetime import datetime, time
from pathlib import Path

import duckdb
import polars as pl
import pytest
import typer
from typer.testing import CliRunner

from tests.shared import BuiltOnce
from tests.simulated_bank import imported_project
from vipreco.campaign import CampaignFolder
from vipreco.campaign.campaign_run import ASSIGNMENTS
from vipreco.campaign.folder import write_manifest
from vipreco.cli.campaign_report_commands import report
from vipreco.errors import IntegrityError, UsageError
from vipreco.export import write_table
from vipreco.history import History
from vipreco.project import Project
from vipreco.store import Contact, Role, Scope, Store

KEY = "november"
CONTROL = 0.2
app = typer.Typer()
app.command()(report)


@pytest.fixture(scope="module")
def bank(built_once: BuiltOnce, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with two campaigns on record; nothing in it was contacted but by the store."""
    home = tmp_path_factory.mktemp("campaign bank") / "bank"
    shutil.copytree(imported_project(built_once), home)
    run_by_hand(Project.find(home))
    return home


def run_by_hand(project: Project) -> None:
    """Put a finished run and an unfinished one on record; offers go to those with an even place."""
    history = History.open(project.tables)
    before, first = history.snapshot_dates[-2:]
    view = history.as_of(before)
    rows = pl.DataFrame(pl.from_arrow(view.query("SELECT customer_id, tier FROM customers_now ORDER BY 1")))
    product = view.query("SELECT product_id FROM products ORDER BY 1")["product_id"].to_pylist()[0]
    control = pl.int_range(pl.len()) % 5 == 0
    rows = rows.with_columns(
        branch_id=pl.lit("B"), manager_id=pl.lit("M"),
        arm=pl.when(control).then(pl.lit("control")).otherwise(pl.lit("offered")),
        product_id=pl.lit(product), channel=pl.lit("call"), propensity=0.05, value_amount=10.0,
        cost_amount=1.0, priority=1.0, would_offer=True,
        arm_probability=pl.when(control).then(CONTROL).otherwise(1 - CONTROL), action_probability=1.0,
    )  # fmt: skip
    campaign = {
        "name": "November", "start_date": str(before.replace(day=1)), "products": [product],
        "end_date": str(first), "control_share": CONTROL,
    }  # fmt: skip
    campaign["start_date"] = str(before + (first - before) / 30)
    campaigns = CampaignFolder(project.root / project.settings.campaign.folder)
    with Store.open(project.store_url) as store, campaigns.alone(KEY):
        with campaigns.building(KEY) as folder:
            write_table(rows, folder / ASSIGNMENTS, "parquet")
            manifest = write_manifest(folder, {"campaign_id": KEY, "campaign": campaign, "inputs_hash": "1"})
        store.campaigns.begin("test", KEY, {}, "1")
        store.campaigns.finish(KEY, manifest, rows)
        store.campaigns.begin("test", "half-done", {}, "2")
        at = datetime.combine(first, time(10))
        who = rows.filter(~control)["customer_id"][0]
        contact = Contact(who, "call", at, "accepted", campaign_id=KEY)
        store.books.replace("snapshot", rows)
        assert store.contacts.record(Scope("test", Role.CHANNEL), contact, at) is not None


@pytest.fixture
def inside(bank: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(bank)
    return bank


def call(*arguments: str) -> str:
    done = CliRunner().invoke(app, list(arguments))
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    assert done.exit_code == 0, done.output
    return done.output


def test_the_terminal_shows_headline_and_tables(inside: Path) -> None:
    shown = call(KEY)
    assert "Campaign report: November" in shown
    assert "A/A: two halves of the control group" in shown
    assert "uplift" not in shown.lower()


def test_the_counts_are_those_of_the_tables(inside: Path) -> None:
    found = json.loads(call(KEY, "--format", "json"))
    assert found["complete"] is True
    listed = {row["arm"]: row["customers"] for row in found["arms"]}
    table = pl.read_parquet(inside / "data" / "campaigns" / KEY / ASSIGNMENTS)
    assert listed == {name: table.filter(arm=name).height for name in ("control", "offered")}
    assert found["funnel"][1]["step"] == "contacted"  # the contact of the store alone
    unseen = sum(row["unseen"] or 0 for row in found["arms"])
    compared = found["primary"]["treated"] + found["primary"]["control"]
    assert compared + unseen <= table.height


def test_files_by_their_endings(inside: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("reports")
    for name, start in (("r.html", b"<!doctype html>"), ("r.xlsx", b"PK"), ("r.json", b"{")):
        call(KEY, "--language", "zh", "--out", str(folder / name))
        content = (folder / name).read_bytes()
        assert content.startswith(start)
        call(KEY, "--language", "zh", "--out", str(folder / name))
        assert (folder / name).read_bytes() == content


def test_what_is_refused(inside: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("refused")
    for arguments, code in (
        (["nothing"], "unknown-campaign"),
        (["../../etc"], "unknown-campaign"),
        (["half-done"], "unfinished"),
        ([KEY, "--out", str(folder / "r.docx")], "unknown-format"),
        ([KEY, "--as-of", "2025-10-31"], "no-outcomes"),
    ):
        with pytest.raises(UsageError) as refused:
            call(*arguments)
        assert refused.value.code == code


def test_a_changed_file_is_refused(inside: Path) -> None:
    path = inside / "data" / "campaigns" / KEY / ASSIGNMENTS
    content = path.read_bytes()
    try:
        duckdb.sql("SELECT 1 AS a").write_parquet(str(path))
        with pytest.raises(IntegrityError):
            call(KEY)
    finally:
        path.write_bytes(content)
