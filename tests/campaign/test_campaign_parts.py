"""A campaign over parts of customers writes the files of one machine, also where a part has nobody."""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict, replace
from pathlib import Path

import polars as pl
import pytest

from tests.campaign import spring_bank
from tests.parts.small_tables import write_batches
from vipreco.artifact import verify
from vipreco.campaign import (
    Bank,
    BankParts,
    CampaignFolder,
    Challenger,
    RunOptions,
    StoreChanges,
    plan,
    run,
)
from vipreco.campaign.store_changes import REASONS
from vipreco.campaign.waterfall import Fell, Waterfall
from vipreco.durable import canonical_json
from vipreco.engines import LocalEngine
from vipreco.explanations import Explainer, OfferReasons, Reason
from vipreco.history import History, View
from vipreco.parts import Limits, lay_out, part_of
from vipreco.recommender import CHALLENGER_SIDE, CHAMPION_SIDE, ModelInForce, ModelSplit, Recommender
from vipreco.store import Store

AUDIENCE = 'key = "spring"\naudience = ["customer_age_years < 50"]'
OPTIONS = RunOptions("spring.toml", "tester")


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bank in two batches, of which the second brings the newest month."""
    frames = spring_bank.frames()
    customers = pl.from_arrow(frames.pop("customers"))
    newest = pl.col("snapshot_date") == spring_bank.MONTHS[-1]
    parts = [customers.filter(~newest).to_arrow(), customers.filter(newest).to_arrow()]
    batches = [{**frames, "customers": parts[0]}, {"customers": parts[1]}]
    return write_batches(tmp_path_factory.mktemp("bank") / "tables", batches)


@pytest.fixture(scope="module")
def whole(tables: Path, artifact: Path, recommender: Recommender) -> Bank:
    found = spring_bank.bank(recommender, History.open(tables, 1))
    return replace(found, artifact_hash=verify(artifact).artifact_hash)


def in_parts(bank: Bank, tables: Path, artifact: Path, number: int) -> Bank:
    laid = lay_out(tables, str(tables.parent / "parts"), number, Limits(1))
    models = {CHAMPION_SIDE: ModelInForce.of(bank.recommender, artifact, bank.artifact_hash)}
    split = bank.challenger and bank.challenger.split
    if bank.challenger is not None:
        models[CHALLENGER_SIDE] = ModelInForce.of(bank.challenger.recommender, artifact, bank.artifact_hash)
    engine = LocalEngine(str(tables.parent / "runs"))
    return replace(bank, parts=BankParts(engine, laid, bank.view.date, models, split))


def files(bank: Bank, folder: Path, empty_store: Path) -> dict[str, bytes]:
    folder.mkdir()
    shutil.copy(empty_store, folder / "store.db")
    with Store.open(f"sqlite:///{folder / 'store.db'}") as store:
        asked = spring_bank.campaign(key=AUDIENCE)
        found = run(bank, asked, store, CampaignFolder(folder / "campaigns"), OPTIONS).folder
    return {
        str(one.relative_to(found)): one.read_bytes() for one in sorted(found.rglob("*")) if one.is_file()
    }


def test_a_run_in_parts_writes_the_bytes_of_one_machine(
    whole: Bank,
    tables: Path,
    artifact: Path,
    empty_store: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
):
    def of_view(_: Explainer, view: View, pairs: list[tuple[str, str]], *more: object) -> OfferReasons:
        known = set(view.population()["customer_id"].to_pylist())
        return OfferReasons(
            [[Reason("own", f"{who} {who in known}")] for who, _ in pairs], [None] * len(pairs)
        )

    monkeypatch.setattr(Explainer, "offer_reasons", of_view)
    expected = files(whole, tmp_path / "whole", empty_store)
    reasons = pl.read_parquet(expected["lists/call.parquet"])["reason"]
    assert reasons.str.ends_with(" True").all()
    assert files(in_parts(whole, tables, artifact, 2), tmp_path / "parts", empty_store) == expected


@pytest.mark.long
def test_a_plan_in_more_parts_is_that_of_one_machine(whole: Bank, tables: Path, artifact: Path):
    """With 150 parts some have nobody, and some have somebody of whom nothing is eligible."""
    ids = spring_bank.customer_ids()
    removed = pl.DataFrame([(ids[0], None, None, "DO_NOT_CONTACT", "")], REASONS, orient="row")
    changes = StoreChanges(removed, frozenset({"loan"}))
    expected = plan(whole, spring_bank.campaign(), changes, OPTIONS)
    assert len({part_of(one, 150) for one in ids}) < 150
    for number in (7, 150):
        found = plan(in_parts(whole, tables, artifact, number), spring_bank.campaign(), changes, OPTIONS)
        assert found.record() == expected.record()
        assert found.waterfall.equals(expected.waterfall)


@pytest.mark.long
def test_a_challenger_decides_for_its_customers_in_every_part(whole: Bank, tables: Path, artifact: Path):
    weights = whole.recommender.settings.arbitration
    rival = whole.recommender.arbitrated(weights.model_copy(update={"order": "chance", "value": "none"}))
    split = ModelSplit("autumn", "7", 0.4, whole.salt)
    both = replace(whole, challenger=Challenger(rival, "1" * 64, split))
    expected = plan(both, spring_bank.campaign(), StoreChanges(), OPTIONS)
    assert expected.record() != plan(whole, spring_bank.campaign(), StoreChanges(), OPTIONS).record()
    found = plan(in_parts(both, tables, artifact, 7), spring_bank.campaign(), StoreChanges(), OPTIONS)
    assert found.record() == expected.record()


def test_counts_of_parts_are_added():
    parts = [
        Waterfall(10, (Fell(2, 1), Fell(0, 0)), {3: 4, 0: 1}, (1, 0), 2),
        Waterfall.nobody(2),
        Waterfall(5, (Fell(1, 0), Fell(2, 2)), {3: 1}, (0, 1), 0),
    ]
    merged = Waterfall.merged(parts)
    assert merged == Waterfall(15, (Fell(3, 1), Fell(2, 2)), {3: 5, 0: 1}, (1, 1), 2)
    assert Waterfall.from_record(json.loads(canonical_json(asdict(merged)))) == merged
