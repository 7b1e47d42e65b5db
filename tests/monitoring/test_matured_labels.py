from __future__ import annotations

from tests.small_bank import month_ends
from vipreco.monitoring import Matured, MonitoringSettings, SnapshotFacts, judge
from vipreco.monitoring.matured_labels import Distance, cusum

MONTHS = month_ends(2024, 1, 8)
SETTINGS = MonitoringSettings()


def month(place: int, observed: float, expected: float = 400.0, **groups: float) -> SnapshotFacts:
    matured = {"all": Matured(expected, observed, observed)}
    matured |= {f"product {name}": Matured(100.0, value, value) for name, value in groups.items()}
    return SnapshotFacts(MONTHS[place], 5_000, matured=matured, ranking=(0.8, 0.01))


def codes(facts: list[SnapshotFacts]) -> set[tuple[str, str]]:
    return {(each.severity, each.code) for each in judge(facts, SETTINGS)}


def test_months_as_expected_say_nothing() -> None:
    assert codes([month(place, 390.0 + 5 * place) for place in range(6)]) == set()


def test_a_level_that_is_surely_off_is_an_alarm_in_its_first_month() -> None:
    facts = [*[month(place, 400.0) for place in range(4)], month(4, 200.0)]
    assert ("alarm", "calibration-level") in codes(facts)


def test_chance_alone_moves_few_acquisitions_and_is_no_alarm() -> None:
    assert codes([month(0, 12.0, expected=20.0)]) == set()


def test_small_distances_add_up() -> None:
    facts = [month(place, 320.0) for place in range(6)]
    assert ("alarm", "calibration-sum") in codes(facts)
    assert ("alarm", "calibration-sum") not in codes(facts[:2])
    few, many = cusum(facts, SETTINGS)[-1]
    step = Distance.of(facts[0].matured["all"], SETTINGS.month_luck).standardised
    assert few == 6 * (-step - SETTINGS.cusum_slack)
    assert many == 0


def test_a_product_is_watched_and_then_an_alarm() -> None:
    off = [month(place, 400.0, fund=40.0, card=100.0) for place in range(2)]
    assert codes(off[:1]) == {("watch", "calibration-group")}
    found = judge(off, SETTINGS)
    assert [(each.severity, each.subject) for each in found] == [("alarm", "product fund")]
    other_way = [month(0, 400.0, fund=220.0), month(1, 400.0, fund=40.0)]
    assert codes(other_way) == {("watch", "calibration-group")}


def test_a_ranking_that_falls_is_an_alarm() -> None:
    good = [month(place, 400.0) for place in range(4)]
    bad = SnapshotFacts(MONTHS[4], 5_000, matured=good[0].matured, ranking=(0.7, 0.01))
    assert ("alarm", "ranking-fell") in codes([*good, bad])
    unsure = SnapshotFacts(MONTHS[4], 5_000, matured=good[0].matured, ranking=(0.7, 0.05))
    assert codes([*good, unsure]) == set()


def test_without_labels_it_is_said_that_nobody_knows() -> None:
    (note,) = judge([SnapshotFacts(MONTHS[0], 5_000)], SETTINGS)
    assert (note.code, note.severity, note.assumption) == (
        "labels-missing",
        "note",
        "assumes no concept drift",
    )
