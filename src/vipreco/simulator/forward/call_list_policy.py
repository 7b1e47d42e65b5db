"""The policy that calls whom the call list would call, over the books of all managers."""

from __future__ import annotations

import polars as pl

from vipreco.columns import CHANNEL, CUSTOMER_ID, PRODUCT_ID, RANK
from vipreco.explanations import Explainer
from vipreco.history import View
from vipreco.lists import Day, plan_day
from vipreco.recommender import Recommender
from vipreco.settings import CallListSettings, CallMinutes
from vipreco.simulator.forward.arms import CALL, ChooseContacts, callable_vip_customers, nobody
from vipreco.simulator.forward.choices import CONTACTS_SCHEMA
from vipreco.simulator.parameters import VIP_TIERS

HELD = f"""
    SELECT {CUSTOMER_ID}, min({PRODUCT_ID}) AS {PRODUCT_ID} FROM holdings WHERE closed_date IS NULL
    GROUP BY {CUSTOMER_ID}"""
ONE_EACH = CallMinutes.model_validate(dict.fromkeys(CallMinutes.model_fields, 1))


def by_call_list(recommender: Recommender, settings: CallListSettings) -> ChooseContacts:
    """Call the customers of today's call list: follow-ups, coverage, then the highest expected value.

    A call is about the first offer to the customer; without one, about what the customer holds, which sells
    nothing. Customers with neither are not called. Capacity counts contacts; a call of any kind takes one.

    Args:
        recommender: Its values are counted in money.
        settings: Of the project; minutes are left aside.
    """

    def choose(view: View, capacity: int) -> pl.DataFrame:
        customers = callable_vip_customers(view)
        if len(customers) == 0 or capacity == 0:
            return nobody(view, capacity)
        counted = month_of(settings, capacity)
        day = plan_day(Explainer(recommender), view.of(customers), VIP_TIERS, counted)
        return contacts_of_calls(day, day.today)

    return choose


def month_of(settings: CallListSettings, capacity: int) -> CallListSettings:
    """Return the settings of a day that has a month's contacts in place of its minutes."""
    return settings.model_copy(update={"minutes": capacity, "each": ONE_EACH, "plan_days": 1})


def contacts_of_calls(day: Day, chosen: pl.DataFrame) -> pl.DataFrame:
    """Return calls as contacts, in their order: about the first offer, else about what is held."""
    offers = day.offers.filter(pl.col(RANK) == 1).select(CUSTOMER_ID, offered=PRODUCT_ID)
    held = pl.DataFrame(day.view.query(HELD)).rename({PRODUCT_ID: "held"})
    calls = chosen.select(CUSTOMER_ID)
    for topics in (offers, held):
        calls = calls.join(topics, on=CUSTOMER_ID, how="left", maintain_order="left")
    about = calls.with_columns(pl.coalesce("offered", "held").alias(PRODUCT_ID), pl.lit(CALL).alias(CHANNEL))
    return about.drop_nulls(PRODUCT_ID).select(*CONTACTS_SCHEMA)
