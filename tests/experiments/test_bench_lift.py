"""The bench of lift reads the truth of a bank rightly, and its table says what was counted."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from tests.experiments.scripts import script
from vipreco.settings import Settings
from vipreco.simulator import ForwardSpec, hazards_of_month, warm_start
from vipreco.stats import Estimate

SETTINGS = Settings.model_validate({"project": {"name": "bench"}, "import": {}})


bench = script("bench_lift.py", "bench_lift")


def world(customers: int = 400) -> Any:
    """Two products on three channels; a contact doubles the chance."""
    random = np.random.default_rng(1)
    alone = np.repeat(random.beta(2, 10, (customers, 2)), 3, axis=1)
    possible = random.random((customers, 6)) < 0.8
    possible[:, 0] = True
    tier = random.integers(0, 3, customers)
    value, cost = np.repeat([10.0, 5.0], 3), np.tile([0.3, 0.1, 0.0], 2)
    return bench.World(alone, np.minimum(2 * alone, 1), alone, possible, value, cost, tier)


def test_offers_go_to_the_highest_priorities() -> None:
    one = world()
    offers = bench.offers_of(one, 100)
    priority = one.priority().max(axis=1)
    assert (offers.promised * offers.value).min() >= np.sort(priority)[-100] - 1e-9
    assert offers.lift == pytest.approx((offers.contacted - offers.alone).mean())


@pytest.mark.parametrize("name", ["best by promise", "best by promise, tempered", "cheapest channel"])
def test_other_policies_take_what_is_possible(name: str) -> None:
    one = world()
    policy = bench.policy_of(one, np.arange(400), name)
    np.testing.assert_allclose(policy.sum(axis=1), 1)
    assert (policy[~one.possible] == 0).all()


def test_coverage_and_alarms_are_counted() -> None:
    rows = bench.covered(bench.offers_of(world(), 400), 0.5, 20, 3)
    lift = next(row for row in rows if row["number"] == "lift")
    assert lift["with_interval"] == 20
    assert lift["truth"] == pytest.approx(bench.offers_of(world(), 400).lift)
    assert 0.7 <= lift["covered"] <= 1
    known = Estimate(2.0, 1.0, 3.0)
    summary = bench.summary([(known, 2.5), (known, 0.5), (known, 4.0), (Estimate(math.nan, lacks="x"), 1.0)])
    assert (summary["campaigns"], summary["with_interval"]) == (4, 3)
    assert [summary[name] for name in ("covered", "below", "above")] == pytest.approx([1 / 3] * 3)


def test_the_table_judges_by_what_was_fixed_beforehand() -> None:
    aa = {"customers": 10, "control_share": 0.1, "campaigns": 1000, "number": "lift"}
    found = {
        "aa": [{**aa, "alarms": 0.063}, {**aa, "alarms": 0.064}],
        "coverage": [{**aa, "with_interval": 9, "covered": covered} for covered in (0.93, 0.929, 0.971)],
    }
    assert [line.met for line in bench.lines(found)] == [True, False, True, False, False]


def test_the_truth_of_a_bank_is_the_simulators(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("bench")
    warm = warm_start(ForwardSpec(1500, bench.PAST_MONTHS, 1, seed=4), SETTINGS, folder)
    hazards = hazards_of_month(warm.bank, warm.blocks[0], bench.PAST_MONTHS)
    one = bench.world_of(warm.bank, warm.blocks[0], hazards, np.array([3, 7]), 4)
    consent = warm.blocks[0].state.consent == 1
    who = np.flatnonzero(hazards.present & consent.any(axis=1) & (hazards.hazard[:, [3, 7]] > 0).any(axis=1))
    assert len(one.tier) == len(who)
    np.testing.assert_allclose(one.alone[:, 0], hazards.probability[who, 3], rtol=1e-6)
    np.testing.assert_allclose(one.alone[:, 5], hazards.probability[who, 7], rtol=1e-6)
    silent = warm.bank.parameters.contacts.no_answer_probability[0]
    raised = 1 - (1 - hazards.probability[who, 7]) ** np.exp(hazards.effect[who, 0])
    expected = silent * hazards.probability[who, 7] + (1 - silent) * raised
    np.testing.assert_allclose(one.contacted[:, 3], expected, rtol=2e-2, atol=2e-5)
    np.testing.assert_array_equal(one.possible[:, 4], (hazards.hazard[who, 7] > 0) & consent[who, 1])
