"""Attrition and tier upgrades as models: who is scored, what columns add, and how little is too little."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from vipreco.propensity import (
    ATTRITION,
    ATTRITION_KINDS,
    CHANGES,
    CLOSURE,
    DIP,
    OUTFLOW,
    TIER_UPGRADE,
    BoosterSettings,
    ChangeRows,
    Machine,
    RelationshipModel,
    RelationshipSettings,
)

NAMES = ("own_line_log", "next_line_log", "complaints")
SMALL = BoosterSettings(rounds=15, min_data_in_leaf=10, feature_fraction=1.0, bagging_fraction=1.0)
SETTINGS = RelationshipSettings(attrition=SMALL, tier_upgrade=SMALL, min_cases=10)
MACHINE = Machine(seed=1, threads=1)


def bank(rows: int = 3000) -> ChangeRows:
    """Half are VIP; they leave near their line or after a complaint; all rise near the next line."""
    random = np.random.default_rng(5)
    values = np.column_stack(
        [random.exponential(0.4, rows), random.exponential(0.8, rows), random.random(rows) < 0.2]
    ).astype(np.float32)
    attrition = random.random(rows) < 1 / (1 + np.exp(1 + 8 * values[:, 0] - 3 * values[:, 2]))
    tier_upgrade = random.random(rows) < 1 / (1 + np.exp(1 + 6 * values[:, 1]))
    known = np.column_stack([np.arange(rows) % 2 == 0, np.ones(rows, bool)])
    ids = np.array([f"{number:05d}" for number in range(rows)], object)
    return ChangeRows(
        ids, values, np.column_stack([attrition, tier_upgrade]), known, np.ones(rows, np.float32)
    )


@pytest.fixture(scope="module")
def rows() -> ChangeRows:
    return bank()


@pytest.fixture(scope="module")
def model(rows: ChangeRows) -> RelationshipModel:
    return RelationshipModel.fit(rows, NAMES, SETTINGS, MACHINE)


def test_only_those_asked_for_are_scored(model: RelationshipModel, rows: ChangeRows):
    asked = np.arange(len(rows)) % 3 == 0
    found = model.probabilities(ATTRITION, rows.values, asked)
    assert np.isnan(found).tolist() == (~asked).tolist()
    everybody = model.probabilities(ATTRITION, rows.values, np.ones(len(rows), bool))
    assert found[asked].tolist() == everybody[asked].tolist()


@pytest.mark.parametrize(("change", "place"), [(ATTRITION, 0), (TIER_UPGRADE, 1)])
def test_the_sum_of_probabilities_is_the_number_that_changed(
    model: RelationshipModel, rows: ChangeRows, change: str, place: int
):
    known = rows.known[:, place]
    found = model.probabilities(change, rows.values, known)
    assert np.nansum(found) == pytest.approx(rows.happened[known, place].sum(), rel=0.05)
    assert model.model(change).positives == rows.happened[known, place].sum()


def test_contributions_add_up_to_the_log_odds_of_the_start_and_the_trees(
    model: RelationshipModel, rows: ChangeRows
):
    some, attrition = rows.values[:50], model.model(ATTRITION)
    added = model.contributions(ATTRITION, some).sum(axis=1)
    raw = attrition.start.logits(some[:, 0]) + attrition.booster.raw(some)
    assert np.ptp(raw - added) == pytest.approx(
        0, abs=1e-5
    )  # what is left is the constant of the mean customer


def test_a_complaint_speaks_for_leaving_and_nothing_of_it_for_rising(model: RelationshipModel):
    complained = np.array([[0.4, 0.8, 1.0]], np.float32)
    complaint = NAMES.index("complaints")
    assert model.contributions(ATTRITION, complained)[0, complaint] > 1
    assert abs(model.contributions(TIER_UPGRADE, complained)[0, complaint]) < 0.3


def test_columns_may_stand_elsewhere(model: RelationshipModel, rows: ChangeRows):
    names = ("other", "complaints", "next_line_log", "own_line_log")
    moved = np.column_stack([np.zeros(len(rows)), *(rows.values[:, NAMES.index(name)] for name in names[1:])])
    there = model.among(names)
    everybody = np.ones(len(rows), bool)
    found = there.probabilities(TIER_UPGRADE, moved.astype(np.float32), everybody)
    assert found.tolist() == model.probabilities(TIER_UPGRADE, rows.values, everybody).tolist()


def test_with_too_few_cases_a_change_is_not_fitted_and_nobody_is_scored(rows: ChangeRows):
    happened = rows.happened.copy()
    happened[np.flatnonzero(happened[:, 0] & rows.known[:, 0])[9:], 0] = False
    few = ChangeRows(rows.customer_ids, rows.values, happened, rows.known, rows.weights)
    found = RelationshipModel.fit(few, NAMES, SETTINGS, MACHINE)
    assert found.model(ATTRITION) is None
    assert found.model(TIER_UPGRADE) is not None
    assert np.isnan(found.probabilities(ATTRITION, rows.values, np.ones(len(rows), bool))).all()


def test_weights_stand_for_customers(rows: ChangeRows):
    """Customers who stayed below VIP may be sampled: a tenth of them with weight ten gives the same rate."""
    stayed = ~rows.happened[:, 1]
    kept = ~stayed | (np.arange(len(rows)) % 10 == 0)
    few = rows.take(kept)
    weights = np.where(few.happened[:, 1], 1.0, stayed.sum() / (kept & stayed).sum()).astype(np.float32)
    sampled = ChangeRows(few.customer_ids, few.values, few.happened, few.known, weights)
    found = RelationshipModel.fit(sampled, NAMES, SETTINGS, MACHINE)
    total = found.probabilities(TIER_UPGRADE, rows.values, np.ones(len(rows), bool)).sum()
    assert total == pytest.approx(rows.happened[:, 1].sum(), rel=0.1)


def test_attrition_is_the_chance_of_customers_whom_nobody_calls():
    """Those near their line are called and stay: learnt with them, nearness would be no danger."""
    rows = bank(12_000)
    near = rows.values[:, 0] < 0.1
    called = near & (np.arange(len(rows)) // 2 % 3 < 2)
    happened = rows.happened.copy()
    happened[called, 0] = False
    told = replace(rows, happened=happened, called=called)
    without = RelationshipModel.fit(told, NAMES, SETTINGS, MACHINE)
    alone = RelationshipModel.fit(rows.take(~called), NAMES, SETTINGS, MACHINE)
    blind = RelationshipModel.fit(replace(told, called=None), NAMES, SETTINGS, MACHINE)
    asked = near & rows.known[:, 0]
    natural, treated = (
        float(each.probabilities(ATTRITION, rows.values, asked)[asked].mean()) for each in (without, blind)
    )
    assert natural == pytest.approx(rows.happened[asked, 0].mean(), rel=0.25)  # trees round off the corner
    assert treated < natural / 2
    everybody = np.ones(len(rows), bool)
    seen = [each.probabilities(ATTRITION, rows.values, everybody) for each in (without, alone)]
    assert seen[0].tolist() == seen[1].tolist()


def test_who_was_called_still_teaches_who_rises(rows: ChangeRows):
    called = np.arange(len(rows)) % 4 == 0
    told = replace(rows, called=called)
    assert len(told.natural(TIER_UPGRADE)) == len(told.about(TIER_UPGRADE)) == len(rows)
    assert len(told.about(ATTRITION)) == int(rows.known[:, 0].sum())
    assert len(told.natural(ATTRITION)) == int((rows.known[:, 0] & ~called).sum())
    assert told.take(called).was_called.all()
    stacked = ChangeRows.stack([told, told.take(~called)])
    assert stacked.was_called.sum() == called.sum()


def test_where_all_cases_were_called_everybody_else_has_the_usual_rate():
    rows = bank()
    told = replace(rows, called=rows.happened[:, 0])
    model = RelationshipModel.fit(told, NAMES, SETTINGS, MACHINE)
    assert model.rule(ATTRITION) == "usual"
    (chance,) = set(model.chances(ATTRITION, rows.values).tolist())
    assert chance == pytest.approx(0.5 / (len(told.natural(ATTRITION)) + 1))


def test_the_same_rows_and_seed_give_the_same_model(model: RelationshipModel, rows: ChangeRows):
    again = RelationshipModel.fit(rows, NAMES, SETTINGS, MACHINE)
    assert again.model(ATTRITION).booster.text() == model.model(ATTRITION).booster.text()
    assert (
        again.model(TIER_UPGRADE).start.weights.tolist() == model.model(TIER_UPGRADE).start.weights.tolist()
    )


KIND_NAMES = ("own_line_log", "next_line_log", "complaints", "aum_log_change_1")


def bank_of_kinds(rows: int = 3000) -> ChangeRows:
    """Close after a complaint, dip near the line; money moves out of three customers by chance."""
    random = np.random.default_rng(8)
    values = np.column_stack(
        [
            random.exponential(0.4, rows),
            random.exponential(0.8, rows),
            random.random(rows) < 0.2,
            random.normal(0.0, 0.1, rows),
        ]
    ).astype(np.float32)
    closed = random.random(rows) < 1 / (1 + np.exp(4 - 3 * values[:, 2]))
    dipped = ~closed & (random.random(rows) < 1 / (1 + np.exp(1 + 8 * values[:, 0])))
    moved = ~closed & ~dipped & np.isin(np.arange(rows), [7, 1000, 2000, 2001, 2002])
    upgraded = random.random(rows) < 0.1
    lost = np.where(closed, 1.0, np.where(moved, 0.7, np.where(dipped, 0.2, 0.0))).astype(np.float32)
    ids = np.array([f"{number:05d}" for number in range(rows)], object)
    happened = np.column_stack([closed, moved, dipped, upgraded])
    weights = np.ones(rows, np.float32)
    return ChangeRows(ids, values, happened, np.ones((rows, 4), bool), weights, CHANGES, lost)


@pytest.fixture(scope="module")
def of_kinds() -> RelationshipModel:
    return RelationshipModel.fit(bank_of_kinds(), KIND_NAMES, SETTINGS, MACHINE)


def test_a_kind_is_modelled_only_where_the_model_beats_its_simple_rule(of_kinds: RelationshipModel):
    """A complaint tells who closes, which the rule does not see; of dips the distance tells all."""
    assert [of_kinds.rule(kind) for kind in ATTRITION_KINDS] == ["", "usual", "own_line_log"]
    closing, dipping = of_kinds.models[CLOSURE].judged, of_kinds.models[DIP].judged
    assert closing.low > 0
    assert closing.auc > 0.7 > closing.rule_auc
    assert not dipping.model_is_better
    assert of_kinds.models[DIP].booster is None
    assert of_kinds.models[OUTFLOW].judged is None


def test_each_kind_has_its_number_of_cases_and_attrition_is_their_sum(of_kinds: RelationshipModel):
    rows, everybody = bank_of_kinds(), np.ones(3000, bool)
    kinds = [of_kinds.probabilities(kind, rows.values, everybody) for kind in ATTRITION_KINDS]
    for place, chances in enumerate(kinds):
        assert chances.sum() == pytest.approx(rows.happened[:, place].sum(), rel=0.1)
    together = of_kinds.probabilities(ATTRITION, rows.values, everybody)
    assert together == pytest.approx(np.minimum(sum(kinds), 1.0))
    assert len(set(kinds[1].tolist())) == 1


def test_the_share_that_goes_is_the_mean_of_the_cases_and_of_ten_usual_ones(of_kinds: RelationshipModel):
    rows = bank_of_kinds()
    moved = int(rows.happened[:, 1].sum())
    assert of_kinds.lost_shares[CLOSURE] == 1.0
    assert of_kinds.lost_shares[OUTFLOW] == pytest.approx((0.7 * moved + 6.0) / (moved + 10))


def test_without_enough_attrition_of_any_kind_no_kind_is_told():
    rows = bank_of_kinds()
    happened = rows.happened.copy()
    happened[np.flatnonzero(happened[:, :3].any(axis=1))[9:], :3] = False
    found = RelationshipModel.fit(replace(rows, happened=happened), KIND_NAMES, SETTINGS, MACHINE)
    assert sorted(found.models) == [TIER_UPGRADE]
    assert not found.gives(ATTRITION)
    assert np.isnan(found.probabilities(ATTRITION, rows.values, np.ones(3000, bool))).all()
