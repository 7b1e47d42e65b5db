"""Everybody of the snapshot is in the waterfall once: where they fell, or as eligible."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from itertools import pairwise

import numpy as np
import polars as pl
import pytest

from tests.campaign import spring_bank
from vipreco.campaign import Bank, StoreChanges
from vipreco.campaign.audience import audience_columns
from vipreco.campaign.campaign_run import refuse_empty
from vipreco.campaign.eligibility import CampaignInputs
from vipreco.campaign.sides import SideInputs, gather_sides
from vipreco.campaign.store_changes import REASONS
from vipreco.campaign.waterfall import CHANGED_SINCE, NO_MANAGER
from vipreco.errors import InputRejectedError, UsageError

NOBODY = StoreChanges()


def gathered(bank: Bank, changes: str = "", since: StoreChanges = NOBODY, **lines: str) -> CampaignInputs:
    return gather_sides(bank, spring_bank.campaign(changes, **lines), since, "spring.toml")[0].inputs


def with_audience(bank: Bank, *conditions: str) -> CampaignInputs:
    return gathered(bank, key=f'key = "spring"\naudience = {list(conditions)}')


def refused(bank: Bank, **lines: str) -> UsageError:
    with pytest.raises(UsageError) as refusal:
        gathered(bank, **lines)
    return refusal.value


def test_the_waterfall_counts_who_falls_at_which_condition(bank: Bank):
    found = with_audience(
        bank, "customer_tier = 'VIP'", "customer_branch_id IN ('B0') AND customer_age_years < 50"
    )
    ages = {number: 2024 - (1960 + number % 40) for number in range(0, 400, 4)}
    left = [number for number, age in ages.items() if age < 50]
    assert found.waterfall.rows()[:3] == [
        ("in the newest snapshot", 400, 0, 400),
        ("customer_tier = 'VIP'", 400, 300, 100),
        ("customer_branch_id IN ('B0') AND customer_age_years < 50", 100, 100 - len(left), len(left)),
    ]
    assert found.eligible.customers["customer_id"].to_list() == [f"{number:05d}" for number in left]


def test_each_step_begins_where_the_one_before_ended(bank: Bank):
    removed = pl.DataFrame([("00003", None, None, "DO_NOT_CONTACT", "")], REASONS, orient="row")
    found = gathered(bank, since=StoreChanges(removed), products='products = ["loan"]', fund="loan = 30")
    rows = found.waterfall.rows()
    assert all(before[3] == after[1] for before, after in pairwise(rows))
    assert all(before - fell == left for _, before, fell, left in rows)
    assert rows[-1][3] == len(found.eligible)


def test_who_has_no_option_falls_at_the_rule_that_stopped_the_last_one(bank: Bank):
    found = gathered(bank, products='products = ["loan"]', fund="loan = 30")
    holders = [number for number in range(400) if number % 2 or number % 5 in {0, 1, 2}]
    assert found.eligible.customers["customer_id"].to_list() == [f"{number:05d}" for number in holders]
    (row,) = [row for row in found.waterfall.rows() if row[2]]
    assert row[0].startswith("no product allowed: ")
    assert row[2] == 400 - len(holders)


def test_without_a_manager_nobody_is_called(bank: Bank):
    found = gathered(bank)
    calls = np.array(found.eligible.options.channels)[found.eligible.options.channel] == "call"
    alone = found.eligible.customers["manager_id"].is_null().to_numpy()
    assert alone.sum() == 8
    assert not found.eligible.allowed[np.ix_(alone, calls)].any()
    assert found.eligible.allowed[np.ix_(~alone, calls)].any(axis=1).all()


def test_a_campaign_of_calls_alone_says_that_nobody_has_these_customers(bank: Bank):
    with pytest.raises(UsageError):
        spring_bank.campaign("\n[channels.app]\n")
    file = spring_bank.FILE.replace("[channels.app]\nunit_cost_amount = 0.05\nreach_rate = 0.5\n", "")
    campaign = spring_bank.parse_campaign(file.encode(), "f")
    (side,) = gather_sides(bank, campaign, NOBODY, "f")
    rows = {rule: fell for rule, _, fell, _ in side.inputs.waterfall.rows()}
    assert rows[NO_MANAGER] == 8


def test_b53_who_said_so_since_the_snapshot_is_left_out(bank: Bank):
    rows = [
        ("00001", None, None, "DO_NOT_CONTACT", ""),
        ("00002", "app", None, "CONSENT_WITHDRAWN", ""),
        ("00004", None, "fund", "ACCEPTED", ""),
    ]
    since = StoreChanges(pl.DataFrame(rows, REASONS, orient="row"), frozenset({"loan"}))
    before, after = gathered(bank).eligible, gathered(bank, since=since)
    options = before.options
    names = [
        (options.products[p], options.channels[c])
        for p, c in zip(options.product, options.channel, strict=True)
    ]
    there = dict(zip(after.eligible.customers["customer_id"], after.eligible.allowed, strict=True))
    was = dict(zip(before.customers["customer_id"], before.allowed, strict=True))
    loan = np.array([product == "loan" for product, _ in names])
    by_app = np.array([channel == "app" for _, channel in names])
    fund = np.array([product == "fund" for product, _ in names])
    assert "00001" not in there
    assert CHANGED_SINCE in after.waterfall["rule"].to_list()
    assert (there["00002"] == (was["00002"] & ~by_app & ~loan)).all()
    assert (there["00004"] == (was["00004"] & ~fund & ~loan)).all()
    assert (there["00009"] == (was["00009"] & ~loan)).all()


def test_b65_an_empty_audience_is_told_with_where_everybody_fell(bank: Bank):
    found = with_audience(bank, "customer_tier = 'GOLD'")
    assert (len(found.eligible), found.eligible.net.shape[0]) == (0, 0)
    assert found.waterfall.rows()[1] == ("customer_tier = 'GOLD'", 400, 400, 0)
    with pytest.raises(InputRejectedError) as refusal:
        refuse_empty([SideInputs("champion", bank.recommender, found)], "f")
    assert refusal.value.examples == ("400 fell at: customer_tier = 'GOLD'",)


@pytest.mark.parametrize(
    "condition",
    [
        "1; DROP TABLE customers",
        "__import__('os').system('x') = 1",
        "customer_id IN (SELECT customer_id FROM customers)",
        "customer_tier LIKE 'V%'",
        "customer_age_yeers > 3",
        "customer_consent_in_channel",
        "product_id = 'card'",
        "pair_held",
        "customer_age_years",
        "customer_tier > 3",
        "read_csv('/etc/passwd') = 1",
        "(" * 1_900 + "customer_age_years > 3" + ")" * 1_900,
    ],
)
def test_b62_an_audience_is_a_closed_grammar(bank: Bank, condition: str):
    with pytest.raises(UsageError) as refusal:
        with_audience(bank, condition)
    assert refusal.value.exit_code == 2
    assert "audience, condition 1" in refusal.value.where


def test_b62_an_unknown_column_gets_the_nearest(bank: Bank):
    with pytest.raises(UsageError) as refusal:
        with_audience(bank, "customer_age_yeers > 3")
    assert refusal.value.examples == ("customer_age_yeers, did you mean customer_age_years?",)


def test_an_audience_speaks_of_customers_alone(bank: Bank):
    names = audience_columns(bank.recommender.policy)
    assert {"customer_tier", "customer_age_years", "customer_consent_call"} <= set(names)
    assert all(name.startswith("customer_") and "channel" not in name for name in names)


def test_b64_products_that_cannot_be_offered_are_all_listed(bank: Bank):
    error = refused(bank, products='products = ["card", "gold", "lone", "fund"]')
    assert error.examples == (
        "products: gold is not on offer on 2024-05-06",
        "products: lone is unknown, did you mean loan?",
    )
    late = refused(bank, products='products = ["loan", "fund"]', end_date="end_date = 2024-06-30")
    assert late.examples == ("products: loan expires before 2024-06-30",)


def test_names_in_limits_stock_levers_and_managers_must_be_there(bank: Bank):
    changes = """
[limits.products.cards]
max = 3
[limits.branches.B9]
max = 3
[levers]
families = { welth = 2.0 }
[managers.each]
M7 = 30
"""
    with pytest.raises(UsageError) as refusal:
        gathered(bank, changes)
    assert refusal.value.examples == (
        "limits.products: cards is not a product of the campaign, did you mean card?",
        "families: welth is unknown, did you mean wealth?",
        "managers: M7 is unknown",
        "branches: B9 is unknown",
    )


def test_b59_a_campaign_whose_days_are_over_is_refused(bank: Bank):
    error = refused(bank, start_date="start_date = 2024-01-01", end_date="end_date = 2024-04-29")
    assert error.code == "dates"
    assert str(date(2024, 4, 30)) in error.what


def test_without_products_everything_on_offer_is(bank: Bank):
    found = gathered(bank, products="")
    assert found.eligible.options.products == ("account", "card", "fund", "loan")


def test_a_lever_and_a_reach_change_what_an_option_is_worth_and_nothing_else(bank: Bank):
    plain, pushed = (
        gathered(bank).eligible,
        gathered(bank, "\n[levers]\nproducts = { card = 2.0 }\n").eligible,
    )
    options = plain.options
    card = np.array(options.products)[options.product] == "card"
    cost = np.array([0.05, 0.5])[options.channel]  # app, call
    some = plain.allowed
    assert (plain.allowed == pushed.allowed).all()
    gross, twice = np.where(some, plain.net + cost, 0), np.where(some, pushed.net + cost, 0)
    np.testing.assert_allclose(twice[:, card], 2 * gross[:, card], rtol=1e-5)
    np.testing.assert_allclose(twice[:, ~card], gross[:, ~card], rtol=1e-6)
    app = np.array(options.channels)[options.channel] == "app"
    sure = gathered(bank, reach_rate="reach_rate = 1.0").eligible
    reached = np.where(some, sure.net + cost, 0)
    np.testing.assert_allclose(gross[:, app], 0.5 * reached[:, app], rtol=1e-5, atol=1e-6)


def test_a_reach_rate_lowers_an_assumed_effect_and_not_one_that_was_learnt_from_contacts(bank: Bank):
    recommender = bank.recommender
    own = recommender.settings.arbitration
    learnt = own.contact_effects.model_copy(update={"channels": {"app": 0.3}, "learnt_channels": ("app",)})
    known = recommender.arbitrated(own.model_copy(update={"contact_effects": learnt}))
    for asked, share in ((bank, 0.5), (replace(bank, recommender=known), 1.0)):
        found = gathered(asked).eligible
        app = np.flatnonzero(np.array(found.options.channels)[found.options.channel] == "app")
        chance = found.propensity[:, found.options.product[app]].astype(np.float64)
        added = (1 - chance) - (1 - chance) ** np.exp(0.3)
        np.testing.assert_allclose(found.gain[:, app], share * added, rtol=1e-4, atol=1e-7)
