"""Attrition and tier upgrades inside the recommender: who is scored, what is stored, the branch's lists."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, time
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
import pytest

from vipreco.artifact import verify, write_manifest
from vipreco.artifact.golden import check_golden
from vipreco.errors import IntegrityError, UsageError
from vipreco.explanations import Explainer
from vipreco.features import FeatureSet
from vipreco.history import History
from vipreco.lists import BranchList, branch_list
from vipreco.lists.branch_lists import customer_frame, develop_list, grow_list, keep_list
from vipreco.propensity import (
    CHANGES,
    CLOSURE,
    BoosterSettings,
    ChangeRows,
    LabelledRows,
    Machine,
    PropensitySettings,
    RelationshipModel,
    RelationshipSettings,
)
from vipreco.recommender import (
    ChangeGatherer,
    Decisions,
    Panel,
    Recommender,
    RecommenderSettings,
    Relations,
    TrainingData,
    change_dates,
    keep_effects,
    storage,
)
from vipreco.recommender.changes import drawn_shares
from vipreco.recommender.labelled_rows import Gatherer
from vipreco.recommender.row_draw import Draw
from vipreco.settings import TierLadder
from vipreco.settings.tiers import TierLine

FEATURES = Path(__file__).parents[2] / "features"
MONTHS = [date(2024, month, day) for month, day in enumerate((31, 29, 31, 30, 31, 30, 31, 31, 30), start=1)]
CUSTOMERS = 240
LADDER = TierLadder(
    vip=("GOLD", "TOP"),
    ladder=(
        TierLine(tier="MASS", from_amount=0.0),
        TierLine(tier="GOLD", from_amount=100.0),
        TierLine(tier="TOP", from_amount=300.0),
    ),
)
SMALL = BoosterSettings(rounds=20, min_data_in_leaf=5, feature_fraction=1.0, bagging_fraction=1.0)
SETTINGS = RecommenderSettings(
    relationship_horizon_months=2,
    propensity=PropensitySettings(product=SMALL, any=SMALL, thin_evidence_positives=3),
    relationship=RelationshipSettings(attrition=SMALL, tier_upgrade=SMALL, min_cases=5, dates=3),
    chunk_customers=100,
)
MACHINE = Machine(seed=5, threads=1)
NOW = MONTHS[6]
OPTED_OUT = frozenset({"00000", "00121"})


def tiers_of(aum: np.ndarray) -> np.ndarray:
    """Return the place of the tier whose line the assets reach."""
    lines = list(LADDER.thresholds(NOW).values())
    return np.searchsorted(lines, aum, side="right") - 1 + LADDER.rank(next(iter(LADDER.thresholds(NOW))))


def assets(number: int, month: int) -> float:
    """A third each shrinks, stays and grows; in each month some of them cross the line of GOLD or TOP."""
    line, crossing = (100 if number < CUSTOMERS // 2 else 300), number // 3 % 10
    factor = (0.92 ** (month - crossing), 1.1 + crossing / 50, 1.08 ** (month - crossing))[number % 3]
    return round(line * factor * 1.001, 2)


def frames(months: list[date]) -> dict[str, pa.Table]:
    ids = [f"{number:05d}" for number in range(CUSTOMERS)]
    amounts = np.array(
        [[assets(number, month) for number in range(CUSTOMERS)] for month in range(len(months))]
    )
    tiers = np.array(LADDER.tiers)[tiers_of(amounts.ravel())]
    customers = pa.table(
        {
            "customer_id": ids * len(months),
            "snapshot_date": [month for month in months for _ in ids],
            "tier": tiers.tolist(),
            "aum_amount": amounts.ravel(),
            "profiling_opt_out": [customer in OPTED_OUT for customer in ids] * len(months),
        }
    )
    known = pa.array([date(2020, 1, 1)] * 2, pa.date32())
    products = pa.table(
        {
            "product_id": ["card", "fund"],
            "name": ["Card", "Fund"],
            "family": ["cards", "wealth"],
            "offered_from": known,
            "recorded_date": known,
        }
    )
    rows = [(customer, "card", date(2023, 1, 1)) for customer in ids[::2]]
    rows += [
        (customer, "fund", month)
        for place, month in enumerate(months[1:])
        for customer in ids[place :: 2 * len(MONTHS)]
    ]
    held, product, opened = zip(*rows, strict=True)
    holdings = pa.table(
        {"customer_id": held, "product_id": product, "opened_date": pa.array(opened, pa.date32())}
    )
    return {"customers": customers, "products": products, "holdings": holdings}


@pytest.fixture(scope="module")
def history() -> History:
    return History.from_frames(frames(MONTHS))


@pytest.fixture(scope="module")
def features() -> FeatureSet:
    return FeatureSet.read(FEATURES, LADDER)


@pytest.fixture(scope="module")
def recommender(history: History, features: FeatureSet) -> Recommender:
    return Recommender.fit(TrainingData(Panel(history, (MONTHS[5],))), features, SETTINGS, MACHINE)


@pytest.fixture(scope="module")
def decided(recommender: Recommender, history: History) -> pl.DataFrame:
    return frame_of(list(recommender.decide(history.as_of(NOW))))


def frame_of(parts: list[Decisions]) -> pl.DataFrame:
    """Chances beside the truth that the bank's rule makes."""
    ids = np.concatenate([part.customer_ids for part in parts])
    now = np.array([assets(number, MONTHS.index(NOW)) for number in range(CUSTOMERS)])
    return pl.DataFrame(
        {
            "customer_id": ids,
            "tier": np.array(LADDER.tiers)[tiers_of(now)],
            "drift": np.arange(CUSTOMERS) % 3,
            "attrition_probability": np.concatenate([part.attrition_probability for part in parts]),
            "tier_upgrade_probability": np.concatenate([part.tier_upgrade_probability for part in parts]),
        }
    ).with_columns(pl.col("attrition_probability", "tier_upgrade_probability").fill_nan(None))


def test_only_vip_customers_can_leave_and_nobody_rises_above_the_highest_tier(decided: pl.DataFrame):
    asked = decided.filter(~pl.col("customer_id").is_in(list(OPTED_OUT)))
    told = asked.group_by("tier").agg(
        pl.col("attrition_probability", "tier_upgrade_probability").is_not_null().all()
    )
    untold = asked.group_by("tier").agg(
        pl.col("attrition_probability", "tier_upgrade_probability").is_null().all()
    )
    assert set(told.rows()) == {("MASS", False, True), ("GOLD", True, True), ("TOP", True, False)}
    assert set(untold.rows()) == {("MASS", True, False), ("GOLD", False, False), ("TOP", False, True)}


def test_no_model_scores_who_opted_out_of_profiling(decided: pl.DataFrame):
    refused = decided.filter(pl.col("customer_id").is_in(list(OPTED_OUT)))
    assert refused.select("attrition_probability", "tier_upgrade_probability").null_count().row(0) == (2, 2)


def test_it_learns_who_shrinks_and_who_grows(decided: pl.DataFrame):
    """The shrinking fall below their line, the growing climb over the next one, the others stay."""
    gold = (
        decided.filter(pl.col("tier") == "GOLD")
        .group_by("drift")
        .agg(pl.col("attrition_probability", "tier_upgrade_probability").mean())
    )
    attrition, upgrade = (
        dict(gold.select("drift", name).iter_rows())
        for name in ("attrition_probability", "tier_upgrade_probability")
    )
    assert attrition[0] > 3 * max(attrition[1], attrition[2])
    assert upgrade[2] > 3 * max(upgrade[0], upgrade[1])


def test_probabilities_are_calibrated_on_the_bank_that_they_are_learnt_from(
    decided: pl.DataFrame, history: History
):
    happened = pl.DataFrame(history.relationship_changes(NOW, MONTHS[8], LADDER).changes)
    known = decided.drop_nulls("tier_upgrade_probability").join(
        happened.select("customer_id", happened=pl.col("tier_upgrade")), on="customer_id"
    )
    assert known["tier_upgrade_probability"].sum() == pytest.approx(known["happened"].sum(), rel=0.35)


def test_without_a_ladder_nobody_is_scored(history: History):
    plain = FeatureSet.read(FEATURES)
    found = Recommender.fit(TrainingData(Panel(history, (MONTHS[5],))), plain, SETTINGS, MACHINE)
    assert found.fitted.relationship is None
    frame = frame_of(list(found.decide(history.as_of(NOW))))
    assert frame.select("attrition_probability", "tier_upgrade_probability").null_count().row(0) == (
        CUSTOMERS,
        CUSTOMERS,
    )
    with pytest.raises(UsageError, match="gives no attrition probability"):
        branch_list(Explainer(found), history.as_of(NOW), BranchList.keep, 5)


def test_dates_are_the_newest_whose_window_has_ended_with_a_snapshot():
    assert change_dates(SETTINGS, MONTHS, MONTHS[6]) == tuple(MONTHS[2:5])
    assert change_dates(SETTINGS, MONTHS, MONTHS[1]) == ()
    without_may = [month for month in MONTHS if month != MONTHS[4]]
    assert change_dates(SETTINGS, without_may, MONTHS[6]) == (MONTHS[0], MONTHS[1], MONTHS[3])


def test_nothing_after_the_lesson_is_learnt(recommender: Recommender, features: FeatureSet):
    """Labels of acquisitions end in July: a bank without August and September gives the same model."""
    short = History.from_frames(frames(MONTHS[:7]))
    other = Recommender.fit(TrainingData(Panel(short, (MONTHS[5],))), features, SETTINGS, MACHINE)
    for change in ("closure", "dip", "tier_upgrade"):
        ours, theirs = (item.fitted.relationship.model(change) for item in (recommender, other))
        assert (ours.booster is None) == (theirs.booster is None)
        assert ours.booster is None or ours.booster.text() == theirs.booster.text()
        assert ours.calibration.intercepts.tolist() == theirs.calibration.intercepts.tolist()


@pytest.fixture
def artifact(recommender: Recommender, history: History, tmp_path: Path) -> Path:
    recommender.save(tmp_path / "artifact", {"auc": 0.5}, history.as_of(NOW))
    return tmp_path / "artifact"


def test_a_loaded_artifact_tells_the_same_chances(artifact: Path, decided: pl.DataFrame, history: History):
    loaded = Recommender.load(artifact, threads=1)
    assert frame_of(list(loaded.decide(history.as_of(NOW)))).equals(decided)
    assert loaded.fitted.features.ladder == LADDER


def rewrite(artifact: Path, change: Callable[[dict], object]) -> None:
    """Change the facts of an artifact, and its manifest with them: a whole artifact of another version."""
    path = artifact / storage.RECOMMENDER_FILE
    content = json.loads(path.read_bytes())
    change(content)
    path.write_text(json.dumps(content))
    (artifact / "manifest.json").unlink()
    write_manifest(artifact, {"as_of_date": str(NOW)})
    verify(artifact)


@pytest.fixture(scope="module")
def former(recommender: Recommender, history: History, features: FeatureSet) -> Recommender:
    """A recommender of before, with one model of attrition."""
    gatherer = ChangeGatherer.of(features, recommender.vocabulary, SETTINGS, MACHINE.seed)
    rows = gatherer.rows(Panel(history, change_dates(SETTINGS, MONTHS, MONTHS[6])))
    parts = [rows.about("attrition"), rows.about("tier_upgrade")]
    models = [RelationshipModel.fit(part, gatherer.names, SETTINGS.relationship, MACHINE) for part in parts]
    both = {**models[0].models, **models[1].models}
    model = replace(models[0], models=both).among(recommender.names)
    return Recommender(replace(recommender.fitted, relationship=model))


def test_an_artifact_of_before_has_one_chance_of_attrition_and_values_all_assets_by_it(
    former: Recommender, history: History, tmp_path: Path
):
    former.save(tmp_path / "artifact", {"auc": 0.5}, history.as_of(NOW))
    loaded = Recommender.load(tmp_path / "artifact", threads=1)
    (first, *_), (again, *_) = former.decide(history.as_of(NOW)), loaded.decide(history.as_of(NOW))
    economics, rates = first.factors.economics, SETTINGS.arbitration.values
    assert economics.kinds is None
    np.testing.assert_array_equal(first.attrition_probability, again.attrition_probability)
    kept = rates.contact_keeps * rates.share_at_risk * economics.aum * rates.annual_margin_rate * rates.years
    known = ~np.isnan(first.attrition_probability)
    chances = first.attrition_probability[known]
    assert known.any()
    assert first.factors.actions[known, 0] == pytest.approx(chances * kept[known])


def test_an_artifact_that_says_leaving_and_rising_is_read(
    former: Recommender, history: History, tmp_path: Path
):
    """Before these words were changed, artifacts named changes, boosters and settings by them."""
    artifact = tmp_path / "artifact"
    former.save(artifact, {"auc": 0.5}, history.as_of(NOW))
    decided = frame_of(list(former.decide(history.as_of(NOW))))
    words = {"attrition": "leaving", "tier_upgrade": "rising"}
    for now, before in words.items():
        (artifact / "boosters" / f"{now}.txt").rename(artifact / "boosters" / f"{before}.txt")

    def in_former_words(facts: dict) -> None:
        changes, settings = facts["relationship"]["changes"], facts["settings"]["relationship"]
        for now, before in words.items():
            changes[before], settings[before] = changes.pop(now), settings.pop(now)
        settings["least_cases"] = settings.pop("min_cases")

    rewrite(artifact, in_former_words)
    loaded = Recommender.load(artifact, threads=1)
    assert frame_of(list(loaded.decide(history.as_of(NOW)))).equals(decided)
    assert loaded.fitted.settings == SETTINGS


@pytest.mark.parametrize("change", ["closure", "dip", "tier_upgrade"])
def test_the_golden_scores_cover_both_chances(artifact: Path, change: str):
    assert check_golden(artifact, storage.golden_scorer(artifact)) == 0.0
    rewrite(artifact, lambda facts: facts["relationship"]["changes"][change].update(intercept=0.5))
    with pytest.raises(IntegrityError, match="scores differ"):
        check_golden(artifact, storage.golden_scorer(artifact))


def test_an_artifact_without_a_part_is_refused_as_such(artifact: Path):
    whole = json.loads((artifact / storage.RECOMMENDER_FILE).read_bytes())
    for key in whole:
        rewrite(artifact, lambda facts, key=key: (facts.update(whole), facts.pop(key)))
        with pytest.raises(IntegrityError):
            Recommender.load(artifact, threads=1)


def test_a_missing_array_and_a_missing_booster_are_refused_as_such(artifact: Path):
    for name in ("model/kept.npy", "boosters/tier_upgrade.txt"):
        path = artifact / name
        content = path.read_bytes()
        path.unlink()
        rewrite(artifact, lambda facts: None)
        with pytest.raises(IntegrityError):
            Recommender.load(artifact, threads=1)
        path.write_bytes(content)


CUSTOMER_FRAME = pl.DataFrame(
    {
        "customer_id": ["1", "2", "3", "4"],
        "tier": ["GOLD", "MASS", "TOP", "GOLD"],
        "aum_amount": [200.0, 95.0, 1000.0, None],
        "attrition_probability": [0.5, None, 0.1, 0.5],
        "tier_upgrade_probability": [0.02, 0.7, None, 0.02],
        "above_line_amount": [100.0, 95.0, 700.0, None],
        "next_tier": ["TOP", "GOLD", None, "TOP"],
        "missing_amount": [100.0, 5.0, None, None],
    }
)


def test_the_customer_frame_says_how_far_the_lines_are():
    tiers = np.array(["MASS", "GOLD", "TOP", None, "NEW"], object)
    aum, nobody = np.array([40.0, 90.0, 350.0, 120.0, np.nan]), np.zeros(5, bool)
    next_line = np.array([100.0, 300.0, np.nan, np.nan, np.nan])
    relations = Relations(tiers, aum, next_line, nobody, nobody, nobody)
    chances = (np.array([np.nan, 0.2, 0.1, np.nan, np.nan]), np.full(5, np.nan))
    found = customer_frame(np.array(["1", "2", "3", "4", "5"]), relations, chances, LADDER, NOW)
    assert found.select("above_line_amount", "next_tier", "missing_amount").rows() == [
        (40.0, "GOLD", 60.0),
        (-10.0, "TOP", 210.0),
        (50.0, None, None),
        (None, None, None),
        (None, None, None),
    ]
    assert found["attrition_probability"].to_list() == [None, 0.2, 0.1, None, None]


def test_the_keep_list_has_those_who_may_leave_the_likeliest_first():
    found = keep_list(CUSTOMER_FRAME, 5).drop("tier", "aum_amount")
    assert found.rows() == [("1", 0.5, 100.0, 100.0), ("4", 0.5, None, None), ("3", 0.1, 700.0, 100.0)]
    assert keep_list(CUSTOMER_FRAME, 1)["customer_id"].to_list() == ["1"]


def test_the_develop_list_has_who_is_near_a_tier_those_below_vip_included():
    found = develop_list(CUSTOMER_FRAME, 2).select("customer_id", "next_tier", "missing_amount")
    assert found.rows() == [("2", "GOLD", 5.0), ("1", "TOP", 100.0)]


def test_the_grow_list_keeps_the_order_of_the_offers():
    offers = pl.DataFrame({"customer_id": ["3", "3", "1", "2"], "product_id": ["a", "b", "a", "a"]})
    found = grow_list(offers, CUSTOMER_FRAME, 2)
    assert found.rows() == [("3", "TOP", 1000.0, "a"), ("3", "TOP", 1000.0, "b"), ("1", "GOLD", 200.0, "a")]


def test_each_row_of_a_list_has_reasons_from_the_customers_own_facts(
    recommender: Recommender, history: History
):
    view = history.as_of(NOW)
    kept = branch_list(Explainer(recommender), view, BranchList.keep, 8)
    developed = branch_list(Explainer(recommender), view, BranchList.develop, 8)
    assert kept["at_risk_amount"].is_sorted(descending=True)
    parts = kept.select("closure_probability", "outflow_probability", "dip_probability").sum_horizontal()
    assert parts.to_list() == pytest.approx(kept["attrition_probability"].to_list())
    assert developed["tier_upgrade_probability"].is_sorted(descending=True)
    assert kept["reasons"].list.len().min() >= 1
    for customer, reasons in kept.select("customer_id", "reasons").iter_rows():
        amount = f"{assets(int(customer), MONTHS.index(NOW)):,.0f}"
        assert any(amount in reason for reason in reasons)
    assert branch_list(Explainer(recommender), view, BranchList.grow, 3)["customer_id"].n_unique() <= 3


def test_a_customer_alone_has_the_chances_that_they_have_among_all(
    recommender: Recommender, history: History, decided: pl.DataFrame
):
    (alone,) = recommender.decide(history.as_of(NOW).of(pa.array(["00061"])))
    row = decided.row(61, named=True)
    assert row["attrition_probability"] is not None
    assert (alone.attrition_probability[0], alone.tier_upgrade_probability[0]) == (
        row["attrition_probability"],
        row["tier_upgrade_probability"],
    )


def test_the_lists_do_not_depend_on_the_size_of_chunks(recommender: Recommender, history: History):
    view, fitted = history.as_of(NOW), recommender.fitted
    one = Recommender(replace(fitted, settings=fitted.settings.model_copy(update={"chunk_customers": 1000})))
    found = [branch_list(Explainer(item), view, BranchList.keep, 9) for item in (recommender, one)]
    assert found[0].equals(found[1])


def test_a_bank_that_brings_no_assets_is_told_nothing_about_leaving(features: FeatureSet):
    tables = frames(MONTHS)
    bare = History.from_frames({**tables, "customers": tables["customers"].drop_columns(["aum_amount"])})
    fitted = Recommender.fit(TrainingData(Panel(bare, (MONTHS[5],))), features, SETTINGS, MACHINE).fitted
    assert fitted.relationship is None or not fitted.relationship.gives("attrition")
    (first, *_) = Recommender(fitted).decide(bare.as_of(NOW))
    assert np.isnan(first.attrition_probability).all()


def test_a_bank_whose_tiers_the_ladder_does_not_know_is_told_nothing(features: FeatureSet):
    tables = frames(MONTHS)
    customers = tables["customers"]
    column = customers.column_names.index("tier")
    strange = customers.set_column(column, "tier", pa.array(["SEGMENT"] * len(customers)))
    history = History.from_frames({**tables, "customers": strange})
    fitted = Recommender.fit(TrainingData(Panel(history, (MONTHS[5],))), features, SETTINGS, MACHINE).fitted
    assert fitted.relationship is None
    (first, *_) = Recommender(fitted).decide(history.as_of(NOW))
    assert np.isnan(first.attrition_probability).all()
    assert np.isnan(first.tier_upgrade_probability).all()


def test_rows_know_who_was_called_in_the_month_after_their_date(features: FeatureSet):
    """A call on the date itself, of the second month or by another channel leaves the row as it is."""
    day = MONTHS[3]
    calls = [
        ("00000", day, "call"),
        ("00001", MONTHS[4], "call"),
        ("00002", MONTHS[5], "call"),
        ("00003", MONTHS[4], "sms"),
    ]
    ids, days, channels = (list(column) for column in zip(*calls, strict=True))
    contacts = pa.table(
        {
            "contact_id": [str(number) for number in range(len(calls))],
            "customer_id": ids,
            "channel": channels,
            "contacted_at": [datetime.combine(one, time(9)) for one in days],
        }
    )
    history = History.from_frames({**frames(MONTHS), "contacts": contacts})
    vocabulary = features.learn_vocabulary(features.compute(history.as_of(day), ()))
    rows = ChangeGatherer.of(features, vocabulary, SETTINGS, 0).rows(Panel(history, (day,)))
    assert rows.customer_ids[rows.was_called].tolist() == ["00001"]
    assert len(rows.natural("attrition")) == rows.known[:, 0].sum() - 1


def test_a_bank_without_a_call_learns_nothing_about_what_calls_keep(
    recommender: Recommender, history: History, former: Recommender
):
    assert keep_effects(recommender, history, (MONTHS[4],), (0.1, 0.02, 0.01)) == ()
    assert keep_effects(former, history, (MONTHS[4],), (0.1, 0.02, 0.01)) == ()


@pytest.mark.parametrize(
    ("room", "vip", "others", "shares"),
    [
        (100, 40, 60, (1.0, 1.0)),  # all fit
        (100, 40, 300, (1.0, 0.2)),  # those below VIP first
        (100, 200, 30, (0.35, 1.0)),
        (100, 200, 400, (0.25, 0.125)),  # each has half of the room
        (-5, 10, 20, (0.1, 0.05)),  # where those with a change fill the room, one of each
    ],
)
def test_shares_of_customers_to_whom_nothing_happened(
    room: int, vip: int, others: int, shares: tuple[float, float]
):
    assert drawn_shares(room, vip, others) == pytest.approx(shares)


def test_drawn_customers_stand_for_all_and_those_with_a_change_for_themselves(
    history: History, recommender: Recommender
):
    def rows(max_rows: int) -> ChangeRows:
        few = SETTINGS.relationship.model_copy(update={"max_rows": max_rows})
        settings = SETTINGS.model_copy(update={"relationship": few})
        gatherer = ChangeGatherer.of(recommender.features, recommender.vocabulary, settings, seed=5)
        return gatherer.rows(Panel(history, (MONTHS[3],)))

    everybody, drawn = rows(10_000), rows(3 * 160)
    changed = everybody.happened.any(axis=1)
    kept = drawn.happened.any(axis=1)
    assert drawn.customer_ids[kept].tolist() == everybody.customer_ids[changed].tolist()
    assert (drawn.weights[kept] == 1).all()
    assert len(drawn) < len(everybody)
    for vip in (True, False):
        own, of = (one.known[:, CHANGES.index(CLOSURE)] == vip for one in (drawn, everybody))
        assert drawn.weights[own].sum() == pytest.approx(of.sum(), rel=1e-5)


def test_vip_customers_without_an_acquisition_are_drawn_five_times_as_often(
    history: History, recommender: Recommender
):
    assert Draw(0.1, 0.7).rates == (0.7, 0.5, 0.1)
    assert Draw(0.4, 1.0).rates == (1.0, 1.0, 0.4)

    def rows(max_rate_rows: int) -> LabelledRows:
        few = SETTINGS.propensity.model_copy(update={"max_rate_rows": max_rate_rows})
        settings = SETTINGS.model_copy(update={"propensity": few})
        kept = np.arange(len(recommender.vocabulary.columns(recommender.product_ids)))
        of = recommender.features, recommender.vocabulary, recommender.product_ids, kept, settings, 5
        return Gatherer(*of).rows(Panel(history, (MONTHS[3],)))

    view = history.as_of(MONTHS[3]).population()
    tier = dict(zip(view["customer_id"].to_pylist(), view["tier"].to_pylist(), strict=True))

    def shares(found: LabelledRows) -> dict[bool, float]:
        others, weights = ~found.acquirers, found.weights
        vip = np.array([tier[one] in LADDER.vip for one in found.customer_ids])
        return {side: weights[others & (vip == side)].sum() for side in (True, False)}

    everybody, drawn = rows(10_000), rows(24)
    assert len(drawn) < len(everybody)
    assert shares(drawn) == pytest.approx(shares(everybody), rel=1e-5)
    below = ~drawn.acquirers & np.array([tier[one] not in LADDER.vip for one in drawn.customer_ids])
    above = ~drawn.acquirers & ~below
    assert 1 < drawn.weights[above].max() < drawn.weights[below].min()
