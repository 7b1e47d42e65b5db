"""The call list as a policy of the forward simulation: within the capacity, and the same again."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from vipreco.explanations import Explainer
from vipreco.features import FeatureSet
from vipreco.history import View
from vipreco.lists import plan_day
from vipreco.project import Project
from vipreco.propensity import Machine
from vipreco.recommender import Panel, Recommender, RecommenderSettings, TrainingData
from vipreco.settings import ArbitrationSettings, CallListSettings
from vipreco.simulator import VIP_TIERS, ForwardSpec, WarmBank, warm_start
from vipreco.simulator.forward.arms import callable_vip_customers
from vipreco.simulator.forward.call_list_policy import by_call_list, contacts_of_calls
from vipreco.simulator.forward.policy_run import run
from vipreco.simulator.parameters import Parameters

PROJECT = Project.find(Path(__file__))
SMALL = Parameters(calibration_rows=4_096, rows_a_block=1_024)
SPEC = ForwardSpec(customers=500, past_months=4, months=2, seed=5, parameters=SMALL)
CAPACITY = 4
CALLS = CallListSettings(minute_amount=0.0, min_chance_ratio=0.0)


@pytest.fixture(scope="module")
def bank(tmp_path_factory: pytest.TempPathFactory) -> WarmBank:
    return warm_start(SPEC, PROJECT.settings, tmp_path_factory.mktemp("practice"))


@pytest.fixture(scope="module")
def recommender(bank: WarmBank) -> Recommender:
    plain = RecommenderSettings(relationship_horizon_months=0, arbitration=ArbitrationSettings(value="none"))
    few = {"product": plain.propensity.product.model_copy(update={"rounds": 5}), "calibration_folds": 2}
    any_ = plain.propensity.any
    few |= {"any": any_.model_copy(update={"rounds": 5})} if any_ else {}
    settings = plain.model_copy(update={"propensity": plain.propensity.model_copy(update=few)})
    features = FeatureSet.read(PROJECT.features, PROJECT.settings.tiers)
    dates = tuple(bank.history.snapshot_dates[-3:-1])
    return Recommender.fit(TrainingData(Panel(bank.history, dates)), features, settings, Machine(5, 2))


@pytest.fixture(scope="module")
def view(bank: WarmBank) -> View:
    return bank.history.as_of(bank.history.snapshot_dates[-1])


def test_the_bank_lives_by_the_call_list_within_its_capacity_and_the_same_again(
    bank: WarmBank, recommender: Recommender, tmp_path: Path
) -> None:
    asked: list[int] = []

    def counted(view: View, capacity: int) -> pl.DataFrame:
        chosen = by_call_list(recommender, CALLS)(view, capacity)
        asked.append(chosen.height)
        return chosen

    first, second = (
        run(bank, {"call list": policy}, CAPACITY, tmp_path)
        for policy in (counted, by_call_list(recommender, CALLS))
    )
    assert_frame_equal(first, second, check_exact=True)
    assert asked == [CAPACITY, CAPACITY]
    assert first["contacts"].sum() == CAPACITY * SPEC.months
    assert first["contacts"].max() <= SPEC.months


def test_the_contacts_are_todays_calls_about_the_first_offer_else_about_what_is_held(
    recommender: Recommender, view: View
) -> None:
    day = plan_day(Explainer(recommender), view.of(callable_vip_customers(view)), VIP_TIERS, CALLS)
    without = day.today["customer_id"][0]
    offers = day.offers.filter(pl.col("customer_id") != without)
    first = {row["customer_id"]: row["product_id"] for row in offers.to_dicts() if row["rank"] == 1}
    found = contacts_of_calls(replace(day, offers=offers), day.today)
    sql = "SELECT customer_id, product_id FROM holdings WHERE closed_date IS NULL"
    held = set(zip(*view.query(sql).to_pydict().values(), strict=True))
    assert found["channel"].unique().to_list() == ["call"]
    called = [customer for customer in day.today["customer_id"] if customer in first or customer == without]
    assert found["customer_id"].to_list() == called
    for customer, product in found.select("customer_id", "product_id").iter_rows():
        assert (customer, product) in held if customer == without else first[customer] == product


def test_more_room_than_customers_calls_everybody_who_may_be_called_once(
    recommender: Recommender, view: View
) -> None:
    customers = callable_vip_customers(view).to_pylist()
    chosen = by_call_list(recommender, CALLS)(view, 10_000)
    assert 0 < chosen.height == chosen["customer_id"].n_unique()
    assert set(chosen["customer_id"]) <= set(customers)
    assert by_call_list(recommender, CALLS)(view, 0).height == 0
