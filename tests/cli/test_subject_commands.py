"""F34: a customer is exported and erased everywhere, what is kept is named, and the audit proves it."""

from __future__ import annotations

import json
import shutil
from datetime import datetime
from pathlib import Path
from typing import Any

import openpyxl
import polars as pl
import pytest

from tests.mapping_text import source
from vipreco.campaign import CampaignFolder
from vipreco.campaign.folder import write_manifest
from vipreco.cli.entry import main
from vipreco.project import Project
from vipreco.store import Consent, Contact, Decision, Keys, Role, Scope, Store
from vipreco.tables import Tables, customer_rows

NOW = datetime(2026, 1, 5, 10)  # noqa: DTZ001  the business's local time
EVERYBODY = Scope("os:tester", Role.MARKETING)
CAMPAIGN = "spring"


@pytest.fixture
def home(bank: Path, trained: Path) -> Path:
    """A copy of the trained project, whose raw files lie beside it."""
    shutil.copytree(trained.parent / "practice", bank.parent / "practice")
    return bank


def opened() -> Store:
    return Store.open(Project.find().store_url)


def some_customers() -> tuple[str, str]:
    ids = pl.read_parquet([*Path("data/tables").glob("batches/*/customers*.parquet")])["customer_id"]
    first, second = sorted(ids.unique())[:2]
    return str(first), str(second)


def everything(customer: str, other: str) -> None:
    """Put rows about two customers into every place."""
    with opened() as store:
        members = {"customer_id": [customer, other], "manager_id": ["M1", "M1"], "branch_id": ["B1", "B1"]}
        store.books.replace("s", pl.DataFrame(members))
        for one in (customer, other):
            store.contacts.record(EVERYBODY, Contact(one, "call", NOW, "do_not_contact", note="x"), NOW)
            store.consents.record(EVERYBODY, Consent(one, "consent_call", False), NOW)
            store.decisions.add([Decision(f"d-{one}", one, NOW, "token:1", "{}")])
        store.campaigns.begin("os:tester", CAMPAIGN, {}, "hash")
        campaigns = CampaignFolder(Path("data/campaigns"))
        folder = campaigns.path_of(CAMPAIGN)
        (folder / "lists").mkdir(parents=True)
        rows = pl.DataFrame(
            {
                "customer_id": [customer, other],
                "arm": ["offered"] * 2,
                "product_id": ["P1"] * 2,
                "channel": ["call"] * 2,
                "manager_id": ["M1"] * 2,
            }
        )
        rows.write_parquet(folder / "assignments.parquet")
        rows.write_csv(folder / "lists" / "call.csv")
        rows.write_excel(folder / "lists" / "call.xlsx")
        manifest = write_manifest(folder, {"inputs_hash": "hash"})
        store.campaigns.finish(CAMPAIGN, manifest, rows)
    jobs = Path("data/serving/jobs")  # what `replay` and `campaign recheck` wrote for a page
    jobs.mkdir(parents=True, exist_ok=True)
    for one in (customer, other):
        (jobs / f"replay-{one[-4:]}.out").write_text(json.dumps({"receipt": {"customer_id": one}}))
        (jobs / f"campaign-recheck-{one[-4:]}.json").write_text(json.dumps([one]))
    assert main(["explain", customer, "--receipt", "data/receipt.json", "--out", "data/why.csv"]) == 0
    assert main(["explain", other, "--receipt", "data/other.json", "--out", "data/other.csv"]) == 0
    Path("data/why.csv").unlink()


def places_with(customer: str) -> list[str]:
    """Files below data/ with the id in their bytes; Parquet and SQLite files by their rows."""
    found = [
        str(path)
        for path in Path("data").rglob("*")
        if path.is_file() and path.suffix in {".csv", ".json", ".xlsx", ".out"} and customer in _text(path)
    ]
    found += [f"tables:{name}" for name in customer_rows(Path("data/tables"), customer)]
    stored = [*Path("data/tables").rglob("*.parquet"), *Path("data/campaigns").rglob("*.parquet")]
    found += [str(path) for path in stored if _holds(path, customer)]
    return found + [
        str(path) for path in Path("data").glob("store.db*") if customer.encode() in path.read_bytes()
    ]


def _text(path: Path) -> str:
    if path.suffix == ".xlsx":
        return str([row for sheet in openpyxl.load_workbook(path) for row in sheet.values])
    return path.read_text("utf-8")


def _holds(path: Path, customer: str) -> bool:
    frame = pl.read_parquet(path)
    return "customer_id" in frame.columns and frame["customer_id"].eq(customer).any()


def exported(customer: str, tmp_path: Path) -> dict[str, Any]:
    target = tmp_path / "subject.json"
    assert main(["subject", "export", customer, "--out", str(target)]) == 0
    assert target.stat().st_mode & 0o077 == 0
    found: dict[str, Any] = json.loads(target.read_bytes())
    return found


def test_a_customer_is_exported_and_erased_everywhere_and_the_audit_proves_it(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    customer, other = some_customers()
    everything(customer, other)
    before = exported(customer, tmp_path)
    assert {"customers", "observations"} <= before["tables"].keys()
    assert {"books", "campaign_members", "consents", "contacts", "decisions"} <= before["store"].keys()
    assert list(before["campaigns"]) == [CAMPAIGN]
    assert [Path(path).name for path in before["receipts"]] == ["receipt.json"]
    assert other not in json.dumps(before["tables"])
    with opened() as store:
        imported = store.changes.in_tables(Tables.open(home / "data/tables").snapshot_ids)

    counted = places_with(customer)
    assert main(["subject", "erase", customer]) == 0
    assert places_with(customer) == counted  # without --yes it only counts
    capsys.readouterr()
    assert main(["subject", "erase", customer, "--yes", "--out", str(tmp_path / "erased.csv")]) == 0
    assert places_with(customer) == []
    kept = pl.read_csv(tmp_path / "erased.csv")["place"].to_list()
    assert {"audit", "suppression", "model", "release", "backups"} <= set(kept)

    Tables.open(home / "data/tables").verify()
    assert places_with(other) != []
    assert len(exported(other, tmp_path)["store"]["contacts"]) == 1
    campaigns = CampaignFolder(home / "data/campaigns")
    assert campaigns.is_whole(CAMPAIGN, "hash")
    assert not (campaigns.path_of(CAMPAIGN) / "lists" / "call.xlsx").exists()
    with opened() as store:
        assert store.campaigns.members(CAMPAIGN)["customer_id"].to_list() == [other]
        assert store.books.find(EVERYBODY, customer) is None  # the service answers 404 at once
        pseudonym = Keys.open(Path("data/keys")).pseudonym_of(customer)
        records = [(row["action"], row["result"]) for row in store.audit.read(20, pseudonym)]
        assert records[:2] == [("subject.erase", "ok"), ("subject.erase", "begun")]
        store.audit.verify()
        after = store.changes.in_tables(Tables.open(home / "data/tables").snapshot_ids)
        assert after == imported
    assert main(["subject", "erase", "nobody", "--yes"]) == 3
    assert main(["subject", "erase", customer, "--yes"]) == 0  # a second time finds nothing to do
    assert main(["offers", "--all", "--out", str(tmp_path / "offers.csv")]) == 0
    assert customer not in (tmp_path / "offers.csv").read_text()


def test_an_erased_customer_who_is_imported_again_is_erased_again(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    customer, other = some_customers()
    everything(customer, other)
    assert main(["subject", "erase", customer, "--yes", "--out", str(tmp_path / "erased.csv")]) == 0
    rows = pl.read_parquet([*Path("data/tables").glob("batches/*/customers*.parquet")])
    day = rows["snapshot_date"].max()
    again = rows.filter(pl.col("snapshot_date") == day).head(1).with_columns(customer_id=pl.lit(customer))
    columns = ["customer_id", "snapshot_date", "tier", "aum_amount"]
    again.select(columns).write_csv("again.csv")
    Path("again.toml").write_text(source("again.csv", "customers", *columns))
    capsys.readouterr()
    assert main(["import", "--mapping", "again.toml", "again.csv", "--accept-drop"]) == 0
    assert "1 erased customers were in these files" in capsys.readouterr().err
    assert customer_rows(home / "data/tables", customer) == {}
    Tables.open(home / "data/tables").verify()
