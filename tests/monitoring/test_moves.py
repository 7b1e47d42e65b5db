"""A shift is an alarm where it is large, sure, and stands: against the last months and against last year."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from tests.small_bank import month_ends
from vipreco.monitoring import ColumnCounts, MonitoringSettings, Rate, SnapshotFacts, judge, merge_facts
from vipreco.monitoring.calendar_of_facts import compared_days
from vipreco.stats import number_codes

SETTINGS = MonitoringSettings()
MONTHS = [*month_ends(2023, 1, 12), *month_ends(2024, 1, 12)]
INCOME, REGION = "input/customers.attribute_income", "input/customers.attribute_region"


def numbers(values: np.ndarray, missing: int = 0) -> ColumnCounts:
    codes, rows = np.unique(number_codes(values), return_counts=True)
    return ColumnCounts("number", missing, dict(zip(map(str, codes.tolist()), rows.tolist(), strict=True)))


def month(day: date, scale: float = 1.0, **others: object) -> SnapshotFacts:
    random = np.random.default_rng(day.toordinal())
    income = numbers(scale * np.exp(random.normal(size=4_000)))
    region = ColumnCounts("category", 0, {"north": 2_000, "south": 1_500, "west": 500})
    facts = SnapshotFacts(
        day, 4_000, {INCOME: income, REGION: region}, {"outcome/accepted, all": Rate(200.0, 1_000.0)}
    )
    return replace(facts, **others)


def found(facts: list[SnapshotFacts]) -> set[tuple[str, str, str]]:
    return {
        (each.severity, each.code, each.subject)
        for each in judge(facts, SETTINGS)
        if each.code != "labels-missing"
    }


def test_a_quiet_bank_has_nothing_to_tell() -> None:
    facts = [month(day) for day in MONTHS]
    assert [found(facts[: length + 1]) for length in range(24)] == [set()] * 24


def test_a_shift_is_watched_first_and_an_alarm_at_the_next_snapshot_once() -> None:
    facts = [month(day, 1.8 if day > MONTHS[19] else 1.0) for day in MONTHS]
    told = [found(facts[: length + 1]) for length in range(24)]
    name = INCOME.partition("/")[2]
    assert told[20] == {("watch", "input-moved", name)}
    assert told[21] == {("alarm", "input-moved", name)}
    assert told[22] == told[23] == set()


def test_a_shift_of_one_month_is_no_alarm() -> None:
    facts = [month(day, 1.8 if day == MONTHS[20] else 1.0) for day in MONTHS]
    assert {each[0] for length in range(24) for each in found(facts[: length + 1])} == {"watch"}


def test_a_season_that_comes_each_year_is_none() -> None:
    facts = [month(day, 1.8 if day.month in (6, 7) else 1.0) for day in MONTHS]
    assert [found(facts[: length + 1]) for length in range(13, 24)] == [set()] * 11


def test_a_tiny_shift_is_none_however_sure() -> None:
    """With a million rows every difference is significant."""
    region = {"north": 500_000, "south": 300_000, "west": 200_000}
    moved = {"north": 520_000, "south": 290_000, "west": 190_000}
    facts = [
        month(day, columns={REGION: ColumnCounts("category", 0, moved if day > MONTHS[19] else region)})
        for day in MONTHS
    ]
    assert found(facts[:22]) == set()


def test_psi_is_shown_and_triggers_nothing() -> None:
    """Few rows: PSI is far above 0.1, and nothing says that anything moved."""
    columns = [
        {INCOME: numbers(np.exp(np.random.default_rng(seed).normal(size=60)))} for seed in range(len(MONTHS))
    ]
    facts = [month(day, columns=each) for day, each in zip(MONTHS, columns, strict=True)]
    assert [found(facts[: length + 1]) for length in range(24)] == [set()] * 24
    shifted = [month(day, 1.8 if day > MONTHS[19] else 1.0) for day in MONTHS][:22]
    (alarm,) = [each for each in judge(shifted, SETTINGS) if each.severity == "alarm"]
    assert alarm.psi is not None
    assert alarm.psi > 0.1
    assert alarm.assumption == "assumes no concept drift"


@pytest.mark.parametrize(
    ("column", "code"),
    [
        (ColumnCounts("number", 3_000, {"10000": 500, "10040": 500}), "feed-missing"),
        (ColumnCounts("number", 0, {"10000": 4_000}), "feed-constant"),
        (numbers(1_000 * np.exp(np.random.default_rng(1).normal(size=4_000))), "feed-broken"),
    ],
)
def test_a_broken_feed_is_an_alarm_at_once(column: ColumnCounts, code: str) -> None:
    facts = [month(day) for day in MONTHS[:15]]
    facts[-1] = replace(facts[-1], columns={**facts[-1].columns, INCOME: column})
    assert found(facts) == {("alarm", code, INCOME.partition("/")[2])}


def test_a_column_that_is_gone_and_a_partial_file() -> None:
    facts = [month(day) for day in MONTHS[:3]]
    facts[-1] = replace(facts[-1], customers=2_000, columns={REGION: facts[-1].columns[REGION]})
    assert found(facts) == {
        ("alarm", "feed-missing", "customers.attribute_income"),
        ("alarm", "customers-gone", "snapshot"),
    }


def test_outcomes_that_move_are_told() -> None:
    worse = {"outcome/accepted, all": Rate(60.0, 1_000.0)}
    facts = [month(day, rates=worse) if day > MONTHS[19] else month(day) for day in MONTHS[:22]]
    assert found(facts) == {("alarm", "outcomes-moved", "accepted, all")}


def test_scores_of_two_models_are_not_compared() -> None:
    score = {"score/fund": numbers(np.exp(np.random.default_rng(1).normal(size=4_000)))}
    other = {"score/fund": numbers(9 * np.exp(np.random.default_rng(1).normal(size=4_000)))}
    facts = [month(MONTHS[place], columns=score, model="one") for place in (0, 1)]
    assert found([*facts, month(MONTHS[2], columns=other, model="two")]) == set()
    assert found([*facts, month(MONTHS[2], columns=other, model="one")]) != set()


def test_facts_of_parts_add_up() -> None:
    whole = month(MONTHS[0])
    first = replace(
        whole,
        customers=1_000,
        columns={REGION: ColumnCounts("category", 2, {"north": 500})},
        rates={"outcome/accepted, all": Rate(50.0, 400.0)},
    )
    second = replace(
        whole,
        customers=3_000,
        columns={REGION: ColumnCounts("category", 1, {"north": 1_500, "west": 500})},
        rates={"outcome/accepted, all": Rate(150.0, 600.0), "rule/AGE": Rate(1.0, 2.0)},
    )
    merged = merge_facts([first, second])
    assert merged.customers == 4_000
    assert merged.columns == {REGION: ColumnCounts("category", 3, {"north": 2_000, "west": 500})}
    assert merged.rates == {"outcome/accepted, all": Rate(200.0, 1_000.0), "rule/AGE": Rate(1.0, 2.0)}


def test_the_months_that_a_judgement_needs() -> None:
    wanted = compared_days(MONTHS[20], MONTHS)
    assert wanted == [MONTHS[7], MONTHS[8], MONTHS[18], MONTHS[19], MONTHS[20]]
    assert compared_days(MONTHS[1], MONTHS) == MONTHS[:2]
