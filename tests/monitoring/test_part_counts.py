"""Counts of a bank in parts: those of all customers, whatever the number of parts."""

from __future__ import annotations

from datetime import date
from functools import reduce

import numpy as np
import pytest

from tests.online.parted_bank import Bank, bank_in_parts
from tests.online.small_bank import DAY, MONTHS
from tests.shared import BuiltOnce
from vipreco.engines import LocalEngine, PartedBank
from vipreco.monitoring import SnapshotFacts
from vipreco.monitoring.label_counts import UNIT, LabelCounts, _moments, _ranks
from vipreco.monitoring.part_counts import CountRequest, MaturedDay, count
from vipreco.parts import part_of
from vipreco.stats import auc


@pytest.fixture(scope="module")
def bank(built_once: BuiltOnce, tmp_path_factory: pytest.TempPathFactory) -> Bank:
    return bank_in_parts(built_once, tmp_path_factory.mktemp("bank"))


def request(bank: Bank) -> CountRequest:
    """A snapshot with its decisions, one from before the newest month, and a matured month."""
    window = (MONTHS[-2], MONTHS[-1])
    matured = MaturedDay(MONTHS[-2], bank.model, window, bank.history.mass_reopenings(*window, DAY))
    return CountRequest(DAY, {MONTHS[-2]: date.min, DAY: MONTHS[-2]}, bank.model, [matured])


def test_any_number_of_parts_gives_the_counts_of_the_bank(bank: Bank):
    """A product that nobody of a part holds, and a part without the newest month, among them."""
    whole = count(bank.history, request(bank), None)
    assert whole.facts[DAY].customers == 13
    assert whole.facts[DAY].model == bank.model.artifact_hash
    assert whole.labels[MONTHS[-2]].groups["all"][0] > 0
    parts = PartedBank(LocalEngine(str(bank.folder / "runs")), bank.parts(3))
    found = count(bank.history, request(bank), parts)
    assert found.facts == whole.facts
    for day, labels in whole.labels.items():
        assert found.labels[day].groups == labels.groups
        assert found.labels[day].ranks.tolist() == labels.ranks.tolist()
        assert found.labels[day].matured() == labels.matured()
        assert found.labels[day].ranking() == labels.ranking()


def test_what_is_asked_for_travels_as_json(bank: Bank):
    one = request(bank)
    assert CountRequest.from_record(one.record()) == one
    facts = count(bank.history, CountRequest(DAY, {DAY: MONTHS[-2]}), None).facts[DAY]
    assert SnapshotFacts.from_record({**vars(facts), **_plain(facts), "day": DAY.isoformat()}) == facts


def _plain(facts: SnapshotFacts) -> dict[str, object]:
    families = {"columns": facts.columns, "rates": facts.rates, "matured": facts.matured}
    return {name: {key: vars(each) for key, each in one.items()} for name, one in families.items()}


def test_labels_of_parts_give_the_sums_of_all_customers():
    random = np.random.default_rng(5)
    chances = random.beta(0.3, 3.0, (400, 6))
    truth = random.random((400, 6)) < chances
    homes = np.array([part_of(str(place), 5) for place in range(400)])
    parts = [
        LabelCounts(
            {"all": _moments(chances[homes == part], truth[homes == part])},
            _ranks(chances[homes == part].ravel(), truth[homes == part].ravel()),
        )
        for part in range(5)
    ]
    found = reduce(LabelCounts.merged, parts)
    assert found.groups == reduce(LabelCounts.merged, parts[::-1]).groups
    matured, ranking = found.matured()["all"], found.ranking()
    expected, observed = chances.sum(axis=1), truth.sum(axis=1)
    away = observed - expected * (observed.sum() / expected.sum())
    assert matured.observed == observed.sum()
    assert matured.expected == pytest.approx(expected.sum(), abs=400 / UNIT)
    assert matured.squares == pytest.approx(float(away @ away), rel=1e-7)
    assert ranking is not None
    assert ranking[0] == pytest.approx(auc(chances.ravel(), truth.ravel()), abs=2e-4)


def test_nobody_has_no_ranking():
    assert LabelCounts.nobody().ranking() is None
    assert LabelCounts.nobody().merged(LabelCounts.nobody()).matured() == {}
