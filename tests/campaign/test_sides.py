"""A challenger decides for a part of a campaign's customers, within its share of the limits; it is judged."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from hypothesis import given, strategies as st

from tests.campaign import spring_bank
from tests.campaign.conftest import Desk
from vipreco.arbitration import Limit, allocate
from vipreco.campaign import Bank, Challenger
from vipreco.campaign.arms import Arm
from vipreco.campaign.campaign_run import ASSIGNMENTS
from vipreco.campaign.report.side_measures import side_measures
from vipreco.campaign.sides import Sides, assign_sides, gather_sides
from vipreco.campaign.store_changes import StoreChanges
from vipreco.errors import BusyError
from vipreco.folds import salt_of
from vipreco.recommender import CHALLENGER_SIDE, CHAMPION_SIDE, SIDE, ModelSplit, Recommender

SALT = salt_of("", 5)
SPLIT = ModelSplit("autumn", "7", 0.4, SALT)
IDS = pl.Series("customer_id", [f"{number:08d}" for number in range(20_000)])
EXPLORING = "control_share = 0.2\nexploration_share = 0.2"


@pytest.fixture(scope="module")
def rival(recommender: Recommender) -> Recommender:
    """The champion with another taste: loans are worth nothing."""
    weights = recommender.settings.arbitration
    levers = weights.levers.model_copy(update={"products": {"loan": 0.001}})
    return recommender.arbitrated(weights.model_copy(update={"levers": levers}))


@pytest.fixture(scope="module")
def split_bank(bank: Bank, rival: Recommender) -> Bank:
    return replace(bank, challenger=Challenger(rival, "1" * 64, SPLIT))


def sides_of(bank: Bank, **lines: str) -> tuple[Sides, pl.DataFrame]:
    campaign = spring_bank.campaign(**lines)
    sides = assign_sides(gather_sides(bank, campaign, StoreChanges(), "f"), bank, campaign, allocate)
    return sides, sides.table(campaign)


def test_a_customer_stays_on_one_side_and_a_smaller_share_is_part_of_a_larger():
    small, large = SPLIT.challenged(IDS), replace(SPLIT, share=0.6).challenged(IDS)
    assert (small <= large).all()
    assert small.mean() == pytest.approx(0.4, abs=0.015)
    assert SPLIT.challenged(IDS[::7]).tolist() == small[::7].tolist()
    again = replace(SPLIT, key="winter").challenged(IDS)
    assert (small == again).mean() == pytest.approx(0.4**2 + 0.6**2, abs=0.015)  # drawn anew


def test_each_customer_gets_what_the_model_of_their_side_gives_within_its_share_of_the_limits(
    bank: Bank, split_bank: Bank
):
    sides, rows = sides_of(split_bank)
    alone = sides_of(bank)[1]
    assert rows["customer_id"].to_list() == alone["customer_id"].to_list()
    assert rows[SIDE].to_list() == SPLIT.sides_of(rows["customer_id"]).to_list()
    offered = rows.filter(pl.col("arm") == Arm.OFFERED)
    for side, calls in ((CHALLENGER_SIDE, 16), (CHAMPION_SIDE, 24)):  # of 40 calls
        own = offered.filter(pl.col(SIDE) == side)
        assert own.filter(pl.col("channel") == "call").height <= calls
    assert offered.filter(pl.col("channel") == "call").height <= 40
    assert sides.used[[one.kind for one in sides.limits].index("channel")][0] <= 40
    named = {
        side: set(offered.filter(pl.col(SIDE) == side)["product_id"])
        for side in (CHAMPION_SIDE, CHALLENGER_SIDE)
    }
    assert named == {CHAMPION_SIDE: {"card", "fund", "loan"}, CHALLENGER_SIDE: {"card", "fund"}}


def test_the_control_group_is_the_same_with_and_without_a_challenger(bank: Bank, split_bank: Bank):
    control = [sides_of(one)[1].filter(pl.col("arm") == Arm.CONTROL) for one in (bank, split_bank)]
    assert control[0]["customer_id"].to_list() == control[1]["customer_id"].to_list()


def test_a_run_names_the_split_and_is_another_one_without_it(desk: Desk, split_bank: Bank):
    desk.bank = split_bank
    manifest = desk.run(spring_bank.campaign()).manifest
    assert manifest["split"]["key"] == "autumn"
    assert manifest["split"]["artifact_hash"] == "1" * 64
    assert sum(manifest["split"]["customers"].values()) == manifest["customers"]
    rows = pl.read_parquet(desk.campaigns.path_of("spring") / ASSIGNMENTS)
    assert set(rows[SIDE]) == {CHAMPION_SIDE, CHALLENGER_SIDE}
    lists = [name for name in desk.files() if name.startswith("lists/") and name.endswith("csv")]
    assert all(SIDE.encode() not in desk.files()[name] for name in lists)  # no matter of the manager's
    assert desk.run(spring_bank.campaign()).again
    desk.bank = replace(split_bank, challenger=None)
    with pytest.raises(BusyError):
        desk.run(spring_bank.campaign())


@given(
    st.lists(st.integers(0, 400), min_size=1, max_size=30),
    st.sampled_from([0.0, 5.0, 15.0]),
    st.floats(0.05, 0.95),
)
def test_both_parts_of_a_limit_are_the_limit_and_can_be_used(minutes: list[int], grain: float, share: float):
    use = np.array([grain, 2 * grain], np.float32) if grain else np.zeros(2, np.float32)
    limit = Limit.of("minutes", use, np.array(minutes, np.float64), np.zeros(3), np.minimum(minutes, 30))
    rest, part = limit.split(share)
    assert (rest.capacity + part.capacity).tolist() == pytest.approx(minutes)
    assert all((one.minimum <= one.capacity).all() and (one.minimum >= 0).all() for one in (rest, part))
    if grain:
        assert part.capacity.tolist() == part.whole().capacity.tolist()
        usable = limit.whole().capacity.sum()
        assert abs(part.capacity.sum() - share * usable) <= grain


def test_random_offers_that_were_asked_for_are_told_with_what_stood_between(bank: Bank):
    sides, rows = sides_of(bank, control_share=EXPLORING)
    (told,) = [one.assigned.exploration for one in sides.parts]
    treated = rows.filter(pl.col("arm") != Arm.CONTROL).height
    assert told.requested == pytest.approx(0.2 * treated)
    assert told.made == rows.filter(pl.col("arm") == Arm.EXPLORED).height
    by_design = rows.filter(pl.col("arm") != Arm.CONTROL).select(
        pl.when(pl.col("arm") == Arm.EXPLORED)
        .then(pl.col("arm_probability") / 0.8)
        .otherwise(1 - pl.col("arm_probability") / 0.8)
        .sum()
    )
    assert told.requested - sum(told.limits.values()) == pytest.approx(by_design.item())


def outcomes() -> Iterator[dict[str, object]]:
    """100 customers a side: 20 in control; of the others every second of the challenger's acquires, every
    fourth of the champion's; each is worth 10."""
    for side, every in ((CHAMPION_SIDE, 4), (CHALLENGER_SIDE, 2)):
        for number in range(100):
            control = number < 20
            acquired = not control and number % every == 0
            yield {
                SIDE: side,
                "arm": Arm.CONTROL if control else Arm.OFFERED,
                "acquired": acquired,
                "acquired_offer": acquired,
                "acquired_campaign": acquired,
                "value_amount": 10.0,
                "would_offer": True,
            }


def test_the_challenger_is_judged_against_the_champion_and_each_against_its_control_group():
    found = side_measures(pl.DataFrame(list(outcomes())))
    assert found is not None
    assert (found.between.treated, found.between.control) == (80, 80)
    assert (found.between.treated_acquired, found.between.control_acquired) == (40, 20)
    assert found.between.lift.value == pytest.approx(0.25)
    assert found.between.lift.low > 0
    assert found.between.value.value == pytest.approx(2.5)
    assert found.challenger.lift.value == pytest.approx(0.5)
    assert found.champion.lift.value == pytest.approx(0.25)


def test_without_a_challenger_nothing_is_compared():
    assert side_measures(pl.DataFrame(list(outcomes())).drop(SIDE)) is None
