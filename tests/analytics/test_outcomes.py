"""Outcomes of logged offers, counted by hand; corrected ones against the rates that were planted."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import numpy as np
import polars as pl
import pytest

from vipreco.analytics import learn_answers, offer_outcomes
from vipreco.analytics.layout import as_document
from vipreco.analytics.plots import plot
from vipreco.errors import UsageError

CALLED = datetime.fromisoformat("2024-02-05T10:00")
OFFER = {
    "campaign_id": "spring",
    "decision_id": None,
    "customer_id": "",
    "product_id": "fund",
    "channel": "call",
    "position": 1,
    "chance": 0.03,
    "shown_probability": None,
}
SCHEMA = {
    "campaign_id": pl.String,
    "decision_id": pl.String,
    "customer_id": pl.String,
    "product_id": pl.String,
    "channel": pl.String,
    "position": pl.Int64,
    "chance": pl.Float64,
    "shown_probability": pl.Float64,
}


def offers(*rows: dict[str, Any]) -> pl.DataFrame:
    return pl.DataFrame([{**OFFER, **row} for row in rows], SCHEMA)


def contacts(*rows: tuple[str | None, str | None, str, str, str]) -> pl.DataFrame:
    """Return contacts of (campaign, decision, customer, product, outcome), one a minute."""
    return pl.DataFrame(
        [
            {
                "contact_id": f"k{number:05d}",
                "contacted_at": CALLED.replace(minute=number % 60, hour=number // 60 % 24),
                "campaign_id": campaign,
                "decision_id": decision,
                "customer_id": customer,
                "product_id": product,
                "outcome": outcome,
            }
            for number, (campaign, decision, customer, product, outcome) in enumerate(rows)
        ],
        {
            "contact_id": pl.String,
            "contacted_at": pl.Datetime("us"),
            "campaign_id": pl.String,
            "decision_id": pl.String,
            "customer_id": pl.String,
            "product_id": pl.String,
            "outcome": pl.String,
        },
    )


LOG = offers(
    {"customer_id": "a"},
    {"customer_id": "b", "channel": "app", "chance": 0.005},
    {"customer_id": "c"},
    {"campaign_id": None, "decision_id": "d1", "customer_id": "a", "product_id": "card"},
    {"campaign_id": None, "decision_id": "d1", "customer_id": "a", "product_id": "loan", "position": 2},
)
TALKS = contacts(
    ("spring", None, "a", "fund", "postponed"),
    ("spring", None, "a", "fund", "accepted"),  # the last one counts
    ("spring", None, "b", "fund", "no_answer"),
    ("autumn", None, "c", "fund", "accepted"),  # of another campaign
    (None, "d1", "a", "loan", "declined"),
)


def test_an_offer_has_the_last_outcome_that_names_its_campaign_or_decision():
    rows = {row["position"]: row for row in offer_outcomes(LOG, TALKS, "position").to_dicts()}
    first, second = rows["1"], rows["2"]
    told = ("offers", "contacted", "answers", "accepted", "postponed", "declined")
    assert [first[name] for name in told] == [4, 2, 1, 1, 0, 0]
    assert [second[name] for name in told] == [1, 1, 1, 0, 0, 1]
    assert (first["accepted_rate"], second["accepted_rate"]) == (1.0, 0.0)
    assert first["corrected_rate"] is None, "nothing was left to chance"
    assert first["few"]


def test_chances_are_grouped_and_channels_told_apart():
    assert offer_outcomes(LOG, TALKS, "chance")["offers"].sum() == LOG.height
    rows = offer_outcomes(LOG, TALKS, "channel")
    assert rows.select("channel", "offers", "answers").rows() == [("app", 1, 0), ("call", 4, 2)]
    assert rows["accepted_rate"].to_list() == [None, 0.5]


def test_a_rate_is_corrected_by_the_logged_probability_of_what_was_shown():
    """Two groups are equally large; the one that says yes half of the time was shown four times as often."""
    random = np.random.default_rng(3)
    keen = np.arange(4000) % 2 == 0
    probability = np.where(keen, 0.8, 0.2)
    shown = random.random(4000) < probability
    yes = random.random(4000) < np.where(keen, 0.5, 0.1)
    ids = [f"{number:05d}" for number in range(4000)]
    log = offers(
        *(
            {"customer_id": ids[row], "shown_probability": float(probability[row])}
            for row in np.flatnonzero(shown)
        )
    )
    talks = contacts(
        *(
            ("spring", None, ids[row], "fund", "accepted" if yes[row] else "declined")
            for row in np.flatnonzero(shown)
        )
    )
    (row,) = offer_outcomes(log, talks, "channel").to_dicts()
    assert row["accepted_rate"] == pytest.approx(0.42, abs=0.03)
    assert row["corrected_low"] < 0.3 < row["corrected_high"]
    assert row["corrected_rate"] == pytest.approx(0.3, abs=0.03)
    assert row["effective_answers"] < row["answers"]


def test_no_log_is_an_empty_table_and_another_dimension_is_refused():
    assert offer_outcomes(LOG.clear(), TALKS, "product").is_empty()
    with pytest.raises(UsageError, match="outcomes are not told by age"):
        offer_outcomes(LOG, TALKS, "age")


def test_outcomes_have_a_document_and_a_plot():
    rows = offer_outcomes(LOG, TALKS, "channel")
    assert as_document("outcomes by channel", rows, "CNY").title == "Acceptance of past offers"
    assert [one.get_text() for one in plot("outcomes by channel", rows).axes[0].get_yticklabels()] == [
        "call (2)"
    ]


def answered(random: np.random.Generator, count: int) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return offers and answers where the app halves the odds, and the second place takes a third of them."""
    chance = random.uniform(0.05, 0.4, count)
    app, second = random.random(count) < 0.5, random.random(count) < 0.4
    odds = chance / (1 - chance) * np.where(app, 0.5, 1.0) * np.where(second, 2 / 3, 1.0)
    yes = random.random(count) < odds / (1 + odds)
    log = offers(
        *(
            {
                "customer_id": f"{row % (count // 2):05d}",
                "campaign_id": f"c{row // (count // 2)}",
                "channel": "app" if app[row] else "call",
                "position": 2 if second[row] else 1,
                "chance": float(chance[row]),
            }
            for row in range(count)
        )
    )
    talks = contacts(
        *(
            (str(campaign), None, str(customer), "fund", "accepted" if yes[row] else "declined")
            for row, (campaign, customer) in enumerate(log.select("campaign_id", "customer_id").iter_rows())
        )
    )
    return log, talks


FAMILIES = pl.DataFrame({"product_id": ["fund"], "family": ["fund"]})


def test_answers_teach_what_channel_and_place_do_to_the_odds():
    found = learn_answers(*answered(np.random.default_rng(4), 6000), FAMILIES, seed=1)
    rows = {(row["term"], row["group"]): row for row in found.terms.to_dicts()}
    between = rows["channel", "app"]["odds_factor"] / rows["channel", "call"]["odds_factor"]
    assert between == pytest.approx(0.5, rel=0.12)
    assert rows["position", ""]["odds_factor"] == pytest.approx(2 / 3, rel=0.12)
    assert rows["position", ""]["high"] < 1
    assert rows["slope", ""]["low"] < 1 < rows["slope", ""]["high"]
    assert found.says_more
    assert "answers say more than the chances" in found.sentence()
    assert len(plot("answers", found.terms).axes[0].get_yticklabels()) == found.terms.height


def test_right_chances_leave_nothing_to_learn():
    random = np.random.default_rng(5)
    log, _ = answered(random, 3000)
    yes = random.random(log.height) < log["chance"].to_numpy()
    named = log.select("campaign_id", "customer_id").rows()
    talks = contacts(
        *(
            (*(one, None, two), "fund", "accepted" if yes[row] else "postponed")
            for row, (one, two) in enumerate(named)
        )
    )
    found = learn_answers(log, talks, FAMILIES, seed=1)
    assert not found.says_more
    assert found.terms.filter((pl.col("low") > 1) | (pl.col("high") < 1)).is_empty()


def test_answers_weigh_one_over_the_logged_probability():
    """Half of the customers say yes four times as often, and were shown the offer four times as often."""
    random = np.random.default_rng(6)
    keen = np.arange(4000) % 2 == 0
    probability = np.where(keen, 0.8, 0.2)
    shown = np.flatnonzero(random.random(4000) < probability)
    yes = random.random(4000) < np.where(keen, 0.4, 0.1)
    log = offers(
        *(
            {"customer_id": f"{row:05d}", "shown_probability": float(probability[row]), "chance": 0.25}
            for row in shown
        )
    )
    talks = contacts(
        *(("spring", None, f"{row:05d}", "fund", "accepted" if yes[row] else "declined") for row in shown)
    )
    found = learn_answers(log, talks, FAMILIES, seed=1)
    assert found.weighted == found.answers == len(shown)
    whole = float(np.prod(found.terms.filter(pl.col("term") != "slope")["odds_factor"].to_numpy()))
    assert whole == pytest.approx(1.0, abs=0.15)


def test_too_few_answers_teach_nothing():
    with pytest.raises(UsageError, match="2 answers with 1 acceptances are too few"):
        learn_answers(LOG, TALKS, FAMILIES, seed=1)
