"""The counts of a report, by hand on a few customers, and its finding where the effect is known."""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings, strategies as st

from tests.campaign.report_frames import (
    DAY,
    KEY,
    assignment,
    contact_rows,
    history,
    large,
    run_of,
)
from vipreco.campaign.report.finished_run import FinishedRun
from vipreco.campaign.report.measures import _halves as _check_of_halves, measure
from vipreco.campaign.report.outcomes import CampaignOutcomes, _halves, campaign_outcomes
from vipreco.campaign.report.privacy import COUNTS, OTHERS, SMALLEST, grouped
from vipreco.errors import IntegrityError, UsageError
from vipreco.history import History


def gathered_of(run: FinishedRun, bank: History, day: date = DAY) -> CampaignOutcomes:
    return campaign_outcomes(run.assignments, run.manifest, bank, day)


def few() -> tuple[FinishedRun, list[str]]:
    """One customer of each kind: see the names of the rows."""
    rows = [
        assignment(1, "offered", True, "F1"),  # acquired the offer
        assignment(2, "offered", True, "F1"),  # acquired another product of the campaign
        assignment(3, "offered", True, "F1"),  # acquired something else
        assignment(4, "control", True, "F1"),  # acquired what would have been offered
        assignment(5, "control", False, None),
        assignment(6, "explored", True, "L1"),  # acquired the random offer
        assignment(7, "unallocated", True, None),  # lost the seat
        assignment(8, "unallocated", False, None),
        assignment(9, "offered", False, "F2"),  # got a seat that was left
        assignment(10, "offered", True, "F1"),  # not seen again
    ]
    return run_of(rows), [row["customer_id"] for row in rows]


def test_what_was_acquired_and_by_whom() -> None:
    run, ids = few()
    bought = [(ids[0], "F1"), (ids[1], "F2"), (ids[2], "Z9"), (ids[3], "F1"), (ids[5], "L1")]
    found = gathered_of(run, history(ids, bought, gone=frozenset({ids[9]}))).customers
    flags = found.select("acquired", "acquired_campaign", "acquired_any", "observed").rows()
    assert flags[:4] == [
        (True, True, True, True),
        (False, True, True, True),
        (False, False, True, True),
        (True, True, True, True),
    ]
    assert flags[5] == (True, True, True, True)
    assert [row[3] for row in flags] == [True] * 9 + [False]
    assert "customer_id" not in found.columns


def test_the_comparison_is_as_the_lots_fell() -> None:
    run, ids = few()
    bought = [(ids[0], "F1"), (ids[1], "F2"), (ids[2], "Z9"), (ids[3], "F1"), (ids[5], "L1"), (ids[8], "F2")]
    found = measure(gathered_of(run, history(ids, bought, gone=frozenset({ids[9]}))), seed=1)
    one = found.primary  # treated: 1, 2, 3 and 7, who would have had an offer; control: 4
    assert (one.treated, one.treated_acquired, one.control, one.control_acquired) == (4, 1, 1, 1)
    assert (found.campaign.treated_acquired, found.anything.treated_acquired) == (2, 3)
    assert found.explored is not None
    assert (found.explored.treated, found.explored.control) == (1, 2)
    assert found.extra_offers == 1
    assert found.money.cost == 60.0  # customer 7 has no offer, so no cost
    arms = {row["arm"]: (row["customers"], row["unseen"]) for row in found.arms.to_dicts()}
    assert arms == {"control": (2, 0), "explored": (1, 0), "offered": (5, 1), "unallocated": (2, 0)}
    assert one.lift.lacks == "customers"


def test_the_offer_of_the_prices_counts_where_the_run_tells_it() -> None:
    run, ids = few()
    would = ["F1", "F2", "F1", "F1", None, "F1", "F2", None, None, "F1"]
    known = run.assignments.with_columns(
        would_product_id=pl.Series(would, dtype=pl.String), would_channel=pl.lit("call")
    )
    bank = history(ids, [(ids[1], "F2"), (ids[5], "L1"), (ids[6], "F2"), (ids[8], "F2")])
    found = gathered_of(FinishedRun(known, run.manifest), bank).customers
    acquired = found["acquired"].to_list()
    assert acquired == [False, True, False, False, False, True, True, False, True, False]
    offered = found["acquired_offer"].to_list()  # customer 2 was offered F1, 7 nothing
    assert offered == [False, False, False, False, False, True, False, False, True, False]


def test_a_campaign_without_names_of_products_is_about_all_of_them() -> None:
    run, ids = few()
    run.manifest["campaign"]["products"] = []
    found = gathered_of(run, history(ids, [(ids[2], "Z9")])).customers
    assert found["acquired_campaign"].to_list() == [False, False, True] + [False] * 7


def test_contacts_belong_to_the_campaign_by_key_or_by_product() -> None:
    run, ids = few()
    rows = contact_rows(
        [
            (ids[0], "accepted", KEY, None),
            (ids[1], "unreachable", KEY, "F1"),
            (ids[1], "declined", None, "F1"),
            (ids[2], "accepted", "another", "F1"),
            (ids[2], "accepted", None, "Z9"),
            (ids[3], "postponed", None, "F1"),
            (ids[8], "unknown", KEY, None),
        ]
    )
    gathered = gathered_of(run, history(ids, [], rows))
    names = ("contacted", "reached", "accepted")
    told = gathered.customers.select(names).rows()
    assert told[0] == (True, True, True)
    assert told[1] == (True, True, False)
    assert told[2] == (False, False, False)
    assert told[8] == (True, False, False)
    found = measure(gathered, seed=1)
    assert found.touched == 1
    steps = {one.name: one.customers for one in found.funnel}
    assert steps == {"listed": 6, "contacted": 3, "reached": 2, "accepted": 1, "acquired": 0}
    assert [one.share for one in found.funnel] == [1.0, 0.5, 2 / 3, 0.5, 0.0]


def test_without_contacts_the_funnel_has_two_steps() -> None:
    run, ids = few()
    gathered = gathered_of(run, history(ids, [(ids[0], "F1")]))
    assert not gathered.contacts_known
    assert [one.name for one in measure(gathered, 1).funnel] == ["listed", "acquired"]


def test_what_became_known_later_is_not_counted() -> None:
    run, ids = few()
    middle = date(2026, 1, 15)
    dates = (date(2025, 12, 31), middle, DAY)
    bank = history(ids, [(ids[0], "F1")], dates=dates)
    early = gathered_of(run, bank, middle)
    assert (early.period.until, early.period.complete) == (middle, False)
    assert not early.customers["acquired"].any()
    late = gathered_of(run, bank)
    assert (late.period.until, late.period.complete) == (DAY, True)
    assert late.customers["acquired"].sum() == 1


def test_before_any_snapshot_of_the_campaign_there_is_no_report() -> None:
    run, ids = few()
    with pytest.raises(UsageError) as refused:
        gathered_of(run, history(ids, []), date(2026, 1, 20))
    assert refused.value.code == "no-outcomes"
    with pytest.raises(IntegrityError, match="miss columns"):
        campaign_outcomes(run.assignments.drop("propensity"), run.manifest, history(ids, []), DAY)


def test_a_known_effect_is_found_and_the_design_holds() -> None:
    run, bank = large(effect=0.05)
    found = measure(gathered_of(run, bank), seed=1)
    assert found.primary.lift.low < 0.05 < found.primary.lift.high
    assert found.primary.lift.low > 0
    assert all(check.known and check.fine for check in found.checks)
    assert found.forecast.ratio.low > 1  # offers brought more than was forecast without them
    assert found.order is not None
    assert found.curve["share"].max() == 1.0
    assert found.curve.height <= 210
    assert found.money.a_unit.value == pytest.approx(found.money.value.value / found.money.cost)


def test_a_broken_design_is_seen() -> None:
    """Somebody took half of the control group out, those with a high chance first."""
    run, bank = large()
    high = (pl.col("arm") == "control") & (pl.col("propensity") > 0.1)
    broken = FinishedRun(run.assignments.filter(~high.fill_null(False)), run.manifest)
    checks = {one.name: one for one in measure(gathered_of(broken, bank), seed=1).checks}
    assert not checks["share"].fine
    assert not checks["balance"].fine
    assert checks["unseen"].fine


def test_halves_of_the_control_group_differ_by_chance_alone() -> None:
    run, bank = large()
    rows = gathered_of(run, bank).customers.with_columns(treated=pl.col("arm") != "control")
    p = []
    for number in range(60):
        half = _halves(run.assignments["customer_id"], {"campaign_id": f"{KEY}-{number}"})
        p.append(_check_of_halves(rows.with_columns(half=half).filter("would_offer")).p)
    assert sum(value < 0.05 for value in p) <= 8
    assert 0.35 <= float(np.mean(p)) <= 0.65


sizes = st.lists(st.tuples(*[st.integers(0, 40)] * 4), min_size=1, max_size=6)


@given(sizes)
@settings(max_examples=60, deadline=None)
def test_no_group_of_a_report_has_a_small_count_and_nobody_is_lost(sizes: list[tuple[int, ...]]) -> None:
    """Sizes: treated, control, and of each those who did not acquire; the rest did."""
    parts = []
    for place, (more, fewer, others, rest) in enumerate(sizes):
        flags = [True] * (more + others) + [False] * (fewer + rest)
        acquired = [True] * more + [False] * others + [True] * fewer + [False] * rest
        parts.append(
            pl.DataFrame({"tier": [f"T{place}"] * len(flags), "treated": flags, "acquired": acquired})
        )
    rows = pl.concat(parts, how="vertical_relaxed").cast(
        {"treated": pl.Boolean, "acquired": pl.Boolean, "tier": pl.String}
    )
    found = grouped(rows, ["tier"])
    for name in COUNTS:
        assert all(count >= SMALLEST for count in found[name])
    if found.height:
        assert found["treated"].sum() == rows["treated"].sum()
        assert found["control_acquired"].sum() == (~rows["treated"] & rows["acquired"]).sum()


def test_a_small_group_is_put_together_with_the_next_smallest() -> None:
    sizes = {"A": (20, 20, 20, 20), "B": (6, 6, 6, 6), "C": (1, 9, 9, 9)}
    parts = [
        pl.DataFrame(
            {
                "tier": name,
                "treated": np.repeat([True, True, False, False], numbers),
                "acquired": np.repeat([True, False, True, False], numbers),
            }
        )
        for name, numbers in sizes.items()
    ]
    found = grouped(pl.concat(parts), ["tier"])
    assert found["group"].to_list() == ["A", OTHERS]
    assert found["treated"].to_list() == [40, 12 + 10]


def test_where_all_groups_are_small_none_is_told() -> None:
    small = pl.DataFrame({"tier": ["A", "B", "C"], "treated": [True, True, False], "acquired": [True] * 3})
    assert grouped(small, ["tier"]).is_empty()
    assert grouped(small.with_columns(tier=pl.lit("A")), ["tier"]).is_empty()


def test_the_reach_rate_of_a_channel_is_no_part_of_the_promise() -> None:
    rows = [assignment(number, "offered", True, propensity=0.04) for number in range(100)]
    ids = [row["customer_id"] for row in rows]
    run = run_of(rows, channels={"call": {"reach_rate": 0.4}})
    found = measure(gathered_of(run, history(ids, [(one, "F1") for one in ids[:10]])), seed=1).forecast
    assert (found.expected, found.acquired) == (pytest.approx(10.0), 10)


def test_a_campaign_for_nobody_gives_no_number() -> None:
    nobody: list[dict[str, Any]] = []
    _, ids = few()
    found = measure(gathered_of(run_of(nobody), history(ids, [])), seed=1)
    assert (found.primary.treated, found.primary.lift.lacks) == (0, "customers")
    assert found.groups.is_empty()
    assert not any(check.known for check in found.checks)
