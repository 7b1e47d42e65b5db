"""Finished campaigns become a randomised design; the trial keeps a learner only where it beats propensity."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from tests.uplift.campaign_bank import ADDED, CONTROL, MONTHS, PRODUCTS, CampaignBank
from tests.uplift.designs import BOOSTER
from vipreco.errors import IntegrityError
from vipreco.features import FeatureSet
from vipreco.history import History
from vipreco.propensity import BoosterSettings, Machine, PropensitySettings
from vipreco.recommender import Panel, Recommender, RecommenderSettings, TrainingData
from vipreco.recommender.storage import load
from vipreco.stats import Estimate
from vipreco.uplift import RandomisedRows, UpliftSettings, incremental
from vipreco.uplift_trial import TrialSettings, UpliftTrial, finished_campaigns, gather, overlap, run_trial
from vipreco.uplift_trial.trial import Material, difference, refusals_of

SMALL = BoosterSettings(rounds=12, min_data_in_leaf=5, feature_fraction=1.0, bagging_fraction=1.0)
SETTINGS = RecommenderSettings(propensity=PropensitySettings(product=SMALL, any=SMALL), chunk_customers=700)
MACHINE = Machine(seed=5, threads=1)
FEW = BOOSTER.model_copy(update={"rounds": 30, "learning_rate": 0.2})
PLAN = TrialSettings(folds=2, resamples=50, learners=UpliftSettings(outcome=FEW, effect=FEW, patience=8))


@pytest.fixture(scope="module")
def bank(tmp_path_factory: pytest.TempPathFactory) -> tuple[CampaignBank, Path, History]:
    made, folder = CampaignBank(1800, campaigns=(1, 2)), tmp_path_factory.mktemp("campaigns")
    made.write_campaigns(folder)
    return made, folder, History.from_frames(made.frames())


@pytest.fixture(scope="module")
def recommender(bank: tuple[CampaignBank, Path, History]) -> Recommender:
    features = FeatureSet.read(Path(__file__).parents[2] / "features")
    return Recommender.fit(TrainingData(Panel(bank[2], tuple(MONTHS[:2]))), features, SETTINGS, MACHINE)


@pytest.fixture(scope="module")
def material(bank: tuple[CampaignBank, Path, History], recommender: Recommender) -> Material:
    _, folder, history = bank
    return gather(finished_campaigns(folder, history), history, recommender, PLAN.leave_out)


@pytest.fixture(scope="module")
def trial(material: Material) -> UpliftTrial:
    return run_trial(material, PLAN, MACHINE)


def test_rows_are_the_campaigns_customers_with_what_they_bought(
    bank: tuple[CampaignBank, Path, History], material: Material
) -> None:
    made, _, _ = bank
    assert material.keys == ("fund-1", "fund-2")
    frames = [made.assigned[month] for month in (1, 2)]
    assert np.bincount(material.campaign).tolist() == [frame.height for frame in frames]
    whole = pl.concat(frames)
    assert material.rows.customer_ids.tolist() == whole["customer_id"].to_list()
    assert material.rows.treated.tolist() == (whole["arm"] == "offered").to_list()
    assert material.rows.probability == pytest.approx(1 - CONTROL)
    assert np.unique(material.reach_rate).tolist() == [0.8]
    assert np.unique(material.propensity.round(6)).tolist() == [0.04, 0.15]
    bought = {(one, day.month) for one, product, day in made.bought if product == "fund"}
    expected = [
        (one, MONTHS[month + 1].month) in bought
        for month, frame in zip((1, 2), frames, strict=True)
        for one in frame["customer_id"]
    ]
    assert material.rows.outcome.tolist() == expected


def test_values_are_those_of_the_day_of_the_campaign(
    bank: tuple[CampaignBank, Path, History], material: Material, recommender: Recommender
) -> None:
    """The columns of the fund in campaign 1 are what the recommender sees at the end of February."""
    history = bank[2]
    fitted, columns = recommender.fitted, material.columns
    computed = fitted.features.compute(history.as_of(MONTHS[1]), fitted.product_ids).encoded(
        fitted.vocabulary
    )
    matrix = computed.matrix()
    first = material.rows.take(material.campaign == 0)
    rows = np.searchsorted(matrix.customer_ids, first.customer_ids.astype(str))
    fund = PRODUCTS.index("fund")
    seen = fitted.columns_of(matrix)[rows][:, columns.positions[fund]]
    np.testing.assert_array_equal(first.values[:, :-2], seen)
    assert np.unique(first.values[:, -2]).tolist() == [fund]
    chance = material.propensity[material.campaign == 0]
    np.testing.assert_allclose(first.values[:, -1], np.log(chance / (1 - chance)), rtol=1e-6)


def test_the_learner_that_beats_propensity_is_kept(trial: UpliftTrial) -> None:
    assert trial.refusals == ()
    assert trial.model is not None
    assert trial.orders["chosen"].beats_reference
    assert trial.newest is not None
    assert trial.newest.qini_above.value > 0
    assert trial.effect.low < ADDED * 0.4 < trial.effect.high
    assert max(map(abs, trial.placebos)) < trial.orders["chosen"].qini.value / 2
    assert trial.earlier.low <= 0 <= trial.earlier.high


def test_what_is_added_is_close_to_the_truth(
    bank: tuple[CampaignBank, Path, History], recommender: Recommender, trial: UpliftTrial
) -> None:
    made, _, history = bank
    fitted = recommender.fitted
    computed = fitted.features.compute(history.as_of(MONTHS[2]), fitted.product_ids).encoded(
        fitted.vocabulary
    )
    values = fitted.columns_of(computed.matrix())
    told = np.ones(len(values), bool)
    told[:5] = False
    propensity = np.column_stack([made.propensity, made.propensity])
    added = incremental(trial.model, values, propensity, ("fund", "unknown"), told)
    assert added[5:][made.vip[5:], 0].mean() == pytest.approx(ADDED / 0.8, abs=0.1)
    assert added[5:][~made.vip[5:], 0].mean() == pytest.approx(0.0, abs=0.06)
    assert added[:5, 0] == pytest.approx(trial.model.average / 0.8)
    assert not added[:, 1].any()


def test_the_part_travels_in_the_artifact_and_only_where_it_is(
    bank: tuple[CampaignBank, Path, History], recommender: Recommender, trial: UpliftTrial, tmp_path: Path
) -> None:
    view = bank[2].as_of(MONTHS[2])
    plain = recommender.save(tmp_path / "plain", {}, view)
    with_part = Recommender(replace(recommender.fitted, uplift=trial.model))
    kept = with_part.save(tmp_path / "kept", {}, view)
    again = with_part.save(tmp_path / "again", {}, view)
    assert kept.artifact_hash == again.artifact_hash != plain.artifact_hash
    assert load(tmp_path / "plain", threads=1).uplift is None
    assert not [path for path in (tmp_path / "plain").rglob("*") if "uplift" in path.name]
    assert b"uplift" not in (tmp_path / "plain" / "recommender.json").read_bytes()
    loaded = load(tmp_path / "kept", threads=1)
    values = recommender._golden_rows(view)
    np.testing.assert_array_equal(loaded.golden_scores(values), with_part.fitted.golden_scores(values))
    assert loaded.golden_scores(values).shape[1] == 2 * len(PRODUCTS)


def test_without_an_effect_nothing_is_kept(tmp_path: Path, recommender: Recommender) -> None:
    made = CampaignBank(1000, campaigns=(2,), seed=4, added=0.0)
    made.write_campaigns(tmp_path)
    history = History.from_frames(made.frames())
    found = run_trial(
        gather(finished_campaigns(tmp_path, history), history, recommender, PLAN.leave_out),
        PLAN,
        MACHINE,
    )
    assert found.model is None
    assert any("not better than propensity" in refusal for refusal in found.refusals)
    assert found.newest is None


def test_arms_of_another_size_than_designed_are_refused(material: Material, trial: UpliftTrial) -> None:
    assert list(refusals_of(trial)) == []
    wrong = overlap(replace(material.rows, probability=np.full(len(material.rows), 0.8)))
    (refusal,) = refusals_of(replace(trial, arms=wrong))
    treated, expected = int(material.rows.treated.sum()), 0.8 * len(material.rows)
    assert refusal == f"the arms are not as large as the design says ({treated} of {expected:.0f} expected)"


def test_arms_that_differed_before_are_refused(material: Material, trial: UpliftTrial) -> None:
    earlier = difference(material.rows, material.rows.treated)
    assert (earlier.value, earlier.low, earlier.high) == (1.0, 1.0, 1.0)
    slight = Estimate(0.02, 0.01, 0.03)  # four standard errors
    (refusal,) = refusals_of(replace(trial, earlier=slight))
    assert refusal == f"the arms differed before the campaigns ({slight})"
    assert list(refusals_of(replace(trial, earlier=Estimate(0.01, 0.0, 0.02)))) == []


def test_the_difference_of_the_arms_by_hand() -> None:
    """3 of 4 treated, 1 of 4 others: 0.5 with a variance of 2 x 3/16/4."""
    treated = np.array([True] * 4 + [False] * 4)
    happened = np.array([True, True, True, False, True, False, False, False])
    ids = np.array([f"c{number}" for number in range(8)])
    rows = RandomisedRows(ids, np.zeros((8, 1), np.float32), treated, happened, np.full(8, 0.5))
    found = difference(rows, happened)
    assert found.value == 0.5
    assert found.high - found.value == pytest.approx(1.959964 * np.sqrt(2 * 3 / 16 / 4))


def test_worse_in_the_newest_campaign_or_moved_by_a_placebo_is_refused(trial: UpliftTrial) -> None:
    worse = Estimate(-0.01, -0.02, 0.01)
    (refusal,) = refusals_of(replace(trial, newest=replace(trial.newest, qini_above=worse)))
    assert refusal == f"it is worse than propensity in the newest campaign ({worse})"
    (refusal,) = refusals_of(replace(trial, placebos=(0.0, 0.9)))
    assert refusal == "it finds as much where nothing was done (Qini 0.9000)"


def test_a_campaign_that_still_runs_or_had_no_control_is_left_out(
    bank: tuple[CampaignBank, Path, History], tmp_path: Path
) -> None:
    made, _, history = bank
    made.write_campaigns(tmp_path)
    everybody = made.assigned[1].filter(pl.col("arm") == "offered")
    everybody.write_parquet(tmp_path / "fund-1" / "assignments.parquet")
    manifest = (tmp_path / "fund-2" / "manifest.json").read_text()
    (tmp_path / "fund-2" / "manifest.json").write_text(manifest.replace("2024-04-28", "2024-05-28"))
    assert finished_campaigns(tmp_path, history) == []
    assert finished_campaigns(tmp_path / "nothing", history) == []


def test_who_would_get_nothing_or_got_something_random_is_no_part_of_the_design(
    bank: tuple[CampaignBank, Path, History], tmp_path: Path
) -> None:
    made, _, history = bank
    made.write_campaigns(tmp_path)
    place = pl.int_range(pl.len())
    arms = pl.when(place < 10).then(pl.lit("explored")).when(place < 20).then(pl.lit("unallocated"))
    rows = made.assigned[2].with_columns(
        arm=arms.otherwise("arm"),
        would_offer=(place >= 5) & ~place.is_between(20, 24),
        would_product_id=pl.lit("card"),
    )
    rows.write_parquet(tmp_path / "fund-2" / "assignments.parquet")
    pairs = finished_campaigns(tmp_path, history)[-1].pairs
    ids = made.assigned[2]["customer_id"].to_list()
    assert pairs["customer_id"].to_list() == ids[10:20] + ids[25:]
    assert pairs["treated"][:10].all()
    assert pairs["product_id"].unique().to_list() == ["card"]


def test_whoever_lost_a_seat_stays_in_with_the_propensity_of_the_middle(
    bank: tuple[CampaignBank, Path, History], tmp_path: Path
) -> None:
    made, _, history = bank
    made.write_campaigns(tmp_path)
    place = pl.int_range(pl.len())
    offered = pl.when(place >= 3)
    rows = made.assigned[2].with_columns(
        would_product_id=pl.col("product_id"),
        would_channel=pl.col("channel"),
        arm=offered.then("arm").otherwise(pl.lit("unallocated")),
        product_id=offered.then("product_id"),
        propensity=offered.then(pl.when(place < 10).then(0.08).otherwise(0.16)),
    )
    rows.write_parquet(tmp_path / "fund-2" / "assignments.parquet")
    pairs = finished_campaigns(tmp_path, history)[-1].pairs
    assert pairs["product_id"].unique().to_list() == ["fund"]
    assert pairs["propensity"][:11].to_list() == pytest.approx([0.2] * 3 + [0.1] * 7 + [0.2])
    assert pairs["treated"][:3].all()
    assert pairs["reach_rate"].unique().to_list() == [0.8]


def test_a_damaged_folder_is_told_with_its_place(
    bank: tuple[CampaignBank, Path, History], tmp_path: Path
) -> None:
    made, _, history = bank
    made.write_campaigns(tmp_path)
    (tmp_path / "fund-2" / "assignments.parquet").write_bytes(b"nothing")
    with pytest.raises(IntegrityError, match="damaged") as caught:
        finished_campaigns(tmp_path, history)
    assert caught.value.code == "campaign-folder"
    assert str(tmp_path / "fund-2") in str(caught.value)
