"""The recommender: what it decides, that it repeats itself, that it survives its artifact."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from vipreco.artifact import try_in_child, verify
from vipreco.errors import InputRejectedError, IntegrityError
from vipreco.explanations import Explainer
from vipreco.features import FeatureSet
from vipreco.history import History
from vipreco.lists import reasoned_offers
from vipreco.policy import Policy
from vipreco.propensity import Hybrid
from vipreco.recommender import Panel, Recommender, TrainingData
from vipreco.settings import PolicySettings

from .conftest import CUSTOMERS, MACHINE, MONTHS, PRODUCTS, SETTINGS, customer_ids, frames

NOW = MONTHS[3]


def all_offers(recommender: Recommender, history: History, top: int = 3) -> pl.DataFrame:
    return pl.concat(list(reasoned_offers(Explainer(recommender), history.as_of(NOW), top)))


def test_a_row_for_each_customer_and_product(recommender: Recommender, history: History):
    frame = pl.concat([part.frame() for part in recommender.decide(history.as_of(NOW))])
    assert frame.height == CUSTOMERS * len(PRODUCTS)
    assert frame.select("customer_id", "product_id").is_unique().all()


def test_a_suppressed_row_has_stage_and_reason_and_an_offer_has_a_rank(
    recommender: Recommender, history: History
):
    frame = pl.concat([part.frame() for part in recommender.decide(history.as_of(NOW))])
    reasons = dict(
        frame.filter("suppressed").group_by("product_id").agg(pl.col("reason_code").unique()).iter_rows()
    )
    assert reasons["account"] == ["HELD"]
    assert reasons["gold"] == ["NOT_OFFERED"]
    assert sorted(reasons["loan"]) == ["PREREQUISITE_MISSING"]
    assert (frame["suppressed"] == (frame["rank"] == 0)).all()
    assert set(frame.filter("suppressed")["stage"]) == {"eligibility", "applicability"}


def test_it_learns_who_acquires_what(recommender: Recommender, history: History):
    """Holders of a card acquire funds, the others a card."""
    first = all_offers(recommender, history, top=1)
    number = pl.col("customer_id").cast(pl.Int32)
    without_card = first.filter(number % 6 == 4)["product_id"].unique().to_list()
    with_card_alone = first.filter((number % 6 == 3) | (number % 6 == 5))["product_id"].unique().to_list()
    assert (without_card, with_card_alone) == (["card"], ["fund"])


def test_ranks_run_from_1_and_priorities_fall(recommender: Recommender, history: History):
    offers = all_offers(recommender, history)
    runs = offers.group_by("customer_id", maintain_order=True).agg("rank", "priority")
    for rank, priority in runs.select("rank", "priority").iter_rows():
        assert rank == list(range(1, len(rank) + 1))
        assert priority == sorted(priority, reverse=True)


def test_the_size_of_chunks_changes_nothing(recommender: Recommender, history: History):
    fitted = recommender.fitted
    one = Recommender(replace(fitted, settings=fitted.settings.model_copy(update={"chunk_customers": 1000})))
    assert all_offers(one, history).equals(all_offers(recommender, history))


def test_a_customer_alone_gets_the_list_that_they_get_among_all(recommender: Recommender, history: History):
    explanation = Explainer(recommender).explain(history.as_of(NOW), "00001", top=3)
    rows = all_offers(recommender, history).filter(pl.col("customer_id") == "00001")
    assert [offer.product_id for offer in explanation.offers] == rows["product_id"].to_list()
    assert [offer.propensity for offer in explanation.offers] == rows["propensity"].to_list()


def test_an_explanation_accounts_for_every_product(recommender: Recommender, history: History):
    explanation = Explainer(recommender).explain(history.as_of(NOW), "00003", top=5)
    offered = {offer.product_id for offer in explanation.offers}
    stopped = {reason.product_id: reason.reason_code for reason in explanation.not_offered}
    assert offered | set(stopped) == set(PRODUCTS)
    assert stopped == {"account": "HELD", "card": "HELD", "gold": "NOT_OFFERED"}


def test_an_unknown_customer_cannot_be_explained(recommender: Recommender, history: History):
    with pytest.raises(InputRejectedError, match="not in the newest snapshot"):
        Explainer(recommender).explain(history.as_of(NOW), "nobody", top=3)


def test_who_opted_out_of_profiling_is_scored_by_no_model(recommender: Recommender):
    refusing = frozenset({"00003", "00004"})
    history = History.from_frames(frames(refusing))
    parts = list(recommender.decide(history.as_of(NOW)))
    ids = np.concatenate([part.customer_ids for part in parts])
    personalised = np.concatenate([part.personalised for part in parts])
    assert set(ids[~personalised]) == refusing
    rates = np.concatenate([part.propensity for part in parts])[~personalised]
    assert (rates == recommender.fitted.base_rates).all()
    offer = Explainer(recommender).explain(history.as_of(NOW), "00003", top=1).offers[0]
    assert [(reason.id, reason.facts) for reason in offer.reasons] == [("neutral", ())]
    assert offer.caution is None


def test_base_rates_are_shares_of_the_observed_customers(recommender: Recommender):
    rates = dict(zip(recommender.fitted.product_ids, recommender.fitted.base_rates.tolist(), strict=True))
    cards, funds = (
        sum(n % 6 == place for n in range(CUSTOMERS) for place in places) for places in ((0, 2), (1,))
    )
    assert rates["card"] == pytest.approx(cards / (3 * CUSTOMERS))
    assert rates["fund"] == pytest.approx(funds / (3 * CUSTOMERS))


def test_the_first_customer_of_a_later_date_is_not_learnt_from_earlier(
    history: History, features: FeatureSet
):
    """No labels within the horizon of the newest date: nothing to learn, said so."""
    with pytest.raises(InputRejectedError, match="no acquisition is known"):
        Recommender.fit(TrainingData(Panel(history, (MONTHS[4],))), features, SETTINGS, MACHINE)


def test_two_fits_give_the_same_artifact(
    recommender: Recommender, history: History, features: FeatureSet, tmp_path: Path
):
    again = Recommender.fit(TrainingData(Panel(history, tuple(MONTHS[:3]))), features, SETTINGS, MACHINE)
    hashes = [
        item.save(tmp_path / name, {"map": 0.5}, history.as_of(NOW)).artifact_hash
        for name, item in (("first", recommender), ("second", again))
    ]
    assert hashes[0] == hashes[1]


@pytest.fixture
def artifact(recommender: Recommender, history: History, tmp_path: Path) -> Path:
    recommender.save(tmp_path / "artifact", {"map": 0.5}, history.as_of(NOW))
    return tmp_path / "artifact"


def test_a_loaded_artifact_decides_the_same(recommender: Recommender, history: History, artifact: Path):
    loaded = Recommender.load(artifact, threads=1)
    assert all_offers(loaded, history).equals(all_offers(recommender, history))
    assert loaded.fitted.settings == recommender.fitted.settings


def test_an_artifact_holds_no_customer(artifact: Path):
    content = b"".join(path.read_bytes() for path in sorted(artifact.rglob("*")) if path.is_file())
    assert not [customer for customer in customer_ids()[100:] if f'"{customer}"'.encode() in content]


def test_a_changed_byte_anywhere_is_refused_before_parsing(artifact: Path, tmp_path: Path):
    for path in sorted(item for item in artifact.rglob("*") if item.is_file()):
        copy = tmp_path / "copy"
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(artifact, copy)
        target = copy / path.relative_to(artifact)
        content = bytearray(target.read_bytes())
        content[len(content) // 2] ^= 1
        target.write_bytes(content)
        with pytest.raises(IntegrityError):
            Recommender.load(copy, threads=1)


def test_a_child_process_accepts_the_artifact(artifact: Path):
    verdict = try_in_child(artifact, "vipreco.recommender.storage:golden_scorer")
    assert (verdict.accepted, verdict.reason) == (True, "")
    assert verdict.artifact_hash == verify(artifact).artifact_hash


def test_left_out_features_reach_no_booster(history: History, features: FeatureSet):
    settings = SETTINGS.model_copy(update={"leave_out": ("held_*", "tier")})
    fitted = Recommender.fit(
        TrainingData(Panel(history, tuple(MONTHS[:2]))), features, settings, MACHINE
    ).fitted
    assert not [name for name in fitted.names if name.startswith("held_") or name == "tier"]
    assert "tiers_recent" in fitted.names


def test_other_rules_take_effect_without_a_new_fit(recommender: Recommender, history: History):
    """The law of China asks for an assessment that nobody has: only what is no investment is left."""
    strict = Policy.read(PolicySettings(packs=("house", "china"), parameters={"other_families": ("daily",)}))
    offers = all_offers(recommender.with_policy(strict), history)
    assert set(offers["product_id"]) == {"card"}
    assert offers["policy_version"].unique().to_list() == [strict.version]
    assert all_offers(recommender, history)["policy_version"].unique().to_list() != [strict.version]


def test_an_artifact_keeps_its_rules_and_its_manifest_names_them(recommender: Recommender, artifact: Path):
    loaded = Recommender.load(artifact, threads=1).fitted.policy
    assert loaded.version == recommender.fitted.policy.version
    assert verify(artifact).facts["policy_version"] == loaded.version


def test_another_source_gives_other_propensities(history: History, features: FeatureSet):
    """Collaborative filtering is part of every decision: it is no decoration beside the boosters."""
    found = []
    for source in ("ease", "implicit-als"):
        settings = SETTINGS.model_copy(update={"source": source})
        data = TrainingData(Panel(history, tuple(MONTHS[:3])))
        recommender = Recommender.fit(data, features, settings, MACHINE)
        found.append(np.concatenate([part.propensity for part in recommender.decide(history.as_of(NOW))]))
    assert np.abs(found[0] - found[1]).max() > 1e-4


@pytest.mark.parametrize("pooled", [True, False])
def test_artifacts_from_before_boosters_started_from_a_prior_are_read(
    recommender: Recommender, history: History, tmp_path: Path, pooled: bool
):
    """Scored as when they were written: by boosters alone, or with collaborative filtering above them."""
    fitted = recommender.fitted
    prior = fitted.model.product.prior
    assert prior is not None
    count = len(fitted.product_ids)
    hybrid = Hybrid(
        prior.scores.source, prior.holdings, np.zeros(count), np.ones(count), np.full(count, 0.5),
        np.arange(count), np.array([0.2, 0.3, 0.5]),
    )  # fmt: skip
    product = replace(fitted.model.product, prior=None)
    model = replace(fitted.model, product=product, hybrid=hybrid if pooled else None)
    before = Recommender(replace(fitted, model=model))
    before.save(tmp_path / "before", {}, history.as_of(NOW))
    loaded = Recommender.load(tmp_path / "before", threads=1)
    assert loaded.model.product.prior is None
    assert (loaded.model.hybrid is not None) is pooled
    view = history.as_of(NOW)
    ours, theirs, now = (next(iter(one.decide(view))).propensity for one in (before, loaded, recommender))
    assert (ours == theirs).all()
    assert (ours != now).any()


def test_gates_that_a_model_does_not_pass_travel_with_its_artifact(
    recommender: Recommender, history: History, tmp_path: Path
):
    sentence = "calibration_ratio is 1.4, needed is at most 1.25"
    recommender.save(tmp_path / "warned", {"auc": 0.6, "warnings": [sentence]}, history.as_of(NOW))
    assert Recommender.load(tmp_path / "warned", threads=1).warnings == (sentence,)
    assert recommender.warnings == ()
