"""A day of one relationship manager: decisions about the book, the plan, and the inputs of both."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import polars as pl
import pyarrow as pa
from numpy.typing import NDArray

from vipreco.columns import CUSTOMER_ID, PRIORITY
from vipreco.errors import InputRejectedError
from vipreco.explanations import Decided, Explainer
from vipreco.history import View
from vipreco.lists.call_columns import BLOCKED, KIND, MINUTES, PLACE, Blocked
from vipreco.lists.call_offers import CallOffers, OfferRules
from vipreco.lists.call_plan import CallPlan, planned
from vipreco.lists.call_value import call_values
from vipreco.lists.facts import book_facts
from vipreco.lists.workdays import ALWAYS, Availability
from vipreco.policy import gather_facts
from vipreco.propensity import ATTRITION_KINDS, USUAL
from vipreco.recommender import (
    DEFAULT_CHANNEL,
    DecisionContext,
    Decisions,
    Recommender,
    Step,
    silent,
)
from vipreco.settings import CallListSettings

CHANNEL = "call"
HELD = "HELD"  # reason code of the pack `house`: the one rule that a renewal may break


@dataclass(frozen=True)
class DayInputs:
    """Knowledge that a day is planned from.

    Args:
        known: Knowledge about its customers, in the channel of its offers.
        facts: The same customers' contacts, follow-ups and maturities.
        vip: VIP tiers.
    """

    known: DecisionContext
    facts: pl.DataFrame
    vip: tuple[str, ...]

    def of(self, view: View, row: int) -> DayInputs:
        """Return the inputs of one customer's day."""
        known, rows = self.known, slice(row, row + 1)
        alone = DecisionContext(
            view=view,
            catalog=known.catalog,
            computed=known.computed.take(np.array([row])),
            state=known.state.take(rows),
            relations=known.relations.take(rows),
            customers=known.customers.take(rows),
            facts=known.facts.rows(rows),
        )
        return DayInputs(alone, self.facts[rows], self.vip)

    def through(self, channel: str, recommender: Recommender, view: View) -> DayInputs:
        """Return the same for offers in another channel: the rules alone look anew."""
        known = self.known
        scored = known.facts.products["product_scored"].to_numpy()
        policy = recommender.policy
        facts = gather_facts(view, known.catalog, policy, channel, known.state.held, scored)
        return replace(self, known=replace(known, view=view, facts=facts))


@dataclass(frozen=True)
class Day:
    """The day of a relationship manager.

    Args:
        view: Knowledge about the customers; nothing later.
        calls: One row a customer of the book, as in `CallPlan`, ordered by id.
        offers: Offers in a call, by customer and place.
        recommender: Its offers.
        explainer: Gives the reasons of those that are shown.
        channel: Channel of the offers.
        decisions: The decision frames behind them, in chunks, in the order of the customers.
        call_offers: The same chunks with the offers of the calls.
        names: Name of each product by id.
        settings: Of the project, with the minutes of the day.
        blocking: The same day for calls, where this one is for the branch because calls are blocked.
        inputs: Knowledge that it was planned from.
        plan: Plan of the coming days of the whole book.
    """

    view: View
    calls: pl.DataFrame
    offers: pl.DataFrame
    recommender: Recommender
    explainer: Explainer
    channel: str
    decisions: tuple[Decisions, ...]
    call_offers: tuple[CallOffers, ...]
    names: Mapping[str, str]
    settings: CallListSettings
    blocking: Day | None = None
    inputs: DayInputs | None = None
    plan: CallPlan | None = None

    @property
    def date(self) -> datetime.date:
        """Date of the knowledge that the list is made from."""
        return self.view.date

    @property
    def list_date(self) -> datetime.date:
        """Day of the calls: the first working day from the date of the knowledge on."""
        return self.plan.days[0] if self.plan else self.date

    @cached_property
    def simple_rules(self) -> Mapping[str, str]:
        """Simple rule behind the chance of each kind of attrition; empty where it is a model."""
        model = self.recommender.relationship
        return {kind: model.rule(kind) for kind in ATTRITION_KINDS} if model else {}

    @property
    def usual_kinds(self) -> frozenset[str]:
        """Kinds of attrition whose chance is the usual rate for everybody."""
        return frozenset(kind for kind, rule in self.simple_rules.items() if rule == USUAL)

    @cached_property
    def today(self) -> pl.DataFrame:
        """Calls that fit into the minutes, in their order."""
        return self.calls.filter(pl.col(PLACE).is_not_null()).sort(PLACE)

    @cached_property
    def later(self) -> pl.DataFrame:
        """Calls that did not fit: the greatest expected value per minute first."""
        waiting = pl.col(PLACE).is_null() & pl.col(KIND).is_not_null() & pl.col(BLOCKED).is_null()
        rate = -pl.col(PRIORITY) / pl.col(MINUTES)
        return self.calls.filter(waiting).sort(rate, CUSTOMER_ID)

    @cached_property
    def blocked(self) -> pl.DataFrame:
        """Number of customers who are not called today, by reason and by rule where a rule is the reason."""
        is_rule = pl.col(BLOCKED) == Blocked.POLICY.value
        rule = pl.when(is_rule).then(pl.col("stopped_whole")).otherwise(0).alias("rule")
        known = self.calls.filter(pl.col(BLOCKED).is_not_null())
        counted = known.group_by(BLOCKED, rule).agg(pl.len().alias("customers"))
        return counted.sort("customers", BLOCKED, "rule", descending=[True, False, False])

    @cached_property
    def idle(self) -> pl.DataFrame:
        """Number of customers without a reason to call, by cause and what stops most."""
        known = self.calls.filter(pl.col(KIND).is_null() & pl.col(BLOCKED).is_null())
        counted = known.group_by("cause", "stopped_by").agg(pl.len().alias("customers"))
        return counted.sort("customers", "cause", "stopped_by", descending=[True, False, False])

    @cached_property
    def rows(self) -> Mapping[str, int]:
        """Row of each customer of the book in `calls`."""
        return {customer: row for row, customer in enumerate(self.calls[CUSTOMER_ID].to_list())}

    @cached_property
    def renewable(self) -> Mapping[str, NDArray[np.bool_]]:
        """Held products that no rule stops but that on what is held, of each customer with a maturing amount.

        The rules are asked once for all of them: asked customer by customer, they took a third of the time of
        a list.
        """
        held = np.zeros((0, 0), bool) if self.inputs is None else self.inputs.known.state.held.astype(bool)
        matures = (self.calls["maturing_amount"] > 0).fill_null(value=False).to_numpy()
        found: dict[str, NDArray[np.bool_]] = {}
        first = 0
        for decisions in self.decisions:
            rows = np.flatnonzero(matures[first : first + len(decisions.customer_ids)])
            stopped = decisions.policy.stopped_otherwise(decisions.facts.take(rows), HELD)
            own = held[first + rows] & ~stopped
            found |= zip(decisions.customer_ids[rows].tolist(), own, strict=True)
            first += len(decisions.customer_ids)
        return found

    def decisions_about(self, customer_id: str) -> tuple[Decisions, int]:
        """Return the decisions with a customer of the book, and the row there.

        Raises:
            KeyError: It is no customer of the book.
        """
        row = self.rows[customer_id]
        for decisions in self.decisions:
            if row < len(decisions.customer_ids):
                return decisions, row
            row -= len(decisions.customer_ids)
        raise KeyError(customer_id)

    def of(self, customer_id: str) -> Day:
        """Return the day of one customer of the book, as `customer_day`, without asking anew.

        Their place is that in the book's list.

        Raises:
            KeyError: It is no customer of the book.
        """
        decisions, place = self.decisions_about(customer_id)
        if self.inputs is None:
            raise KeyError(customer_id)
        chunk = next(place for place, part in enumerate(self.decisions) if part is decisions)
        row, view = self.rows[customer_id], self.view.of(pa.array([customer_id], pa.string()))
        by_call = replace(
            self,
            view=view,
            calls=self.calls[row : row + 1],
            offers=self.offers.filter(pl.col(CUSTOMER_ID) == customer_id),
            decisions=(decisions.take(slice(place, place + 1)),),
            call_offers=(self.call_offers[chunk].take(slice(place, place + 1)),),
            inputs=self.inputs.of(view, row),
        )
        return _with_branch_offers(by_call)

    def decided_offers(self) -> pl.DataFrame:
        """Return the offers by the decision frame alone, as the offers file has them.

        A call opens with an agreed product and leaves out offers of little value; those differ from these.
        """
        return pl.concat([part.offers(self.settings.offers) for part in self.decisions])

    @property
    def decided(self) -> Decided | None:
        """Decisions that the reasons of its offers are taken from."""
        if self.inputs is None:
            return None
        return Decided(replace(self.inputs.known, view=self.view), self.decisions)


def plan_day(
    explainer: Explainer,
    view: View,
    vip: tuple[str, ...],
    settings: CallListSettings,
    *,
    step: Step = silent,
    channel: str = CHANNEL,
    availability: Availability = ALWAYS,
) -> Day:
    """Plan the calls to the customers of a view.

    Args:
        explainer: Of a recommender whose values are counted in money whatever the recipe orders offers by.
        view: The book of the manager, as of the date.
        vip: VIP tiers, for the coverage duty.
        settings: Of the project; `minutes` is what the day has.
        step: Gets the name of each stage as it begins.
        channel: Channel of the offers; calls are blocked by the rules of calls, whatever it is.
        availability: Of the manager.
    """
    recommender = explainer.recommender
    arbitration = recommender.settings.arbitration.model_copy(update={"value": "money"})
    money = recommender.arbitrated(arbitration)
    step("scores")
    known = money.context(view, channel)
    inputs = DayInputs(known, book_facts(view, settings), vip)
    return _planned(money, explainer, inputs, settings, availability, step)


def _planned(
    money: Recommender,
    explainer: Explainer,
    inputs: DayInputs,
    settings: CallListSettings,
    availability: Availability = ALWAYS,
    step: Step = silent,
) -> Day:
    """Plan the calls of a book from its inputs; `money` counts values in money."""
    known = inputs.known
    chunks = tuple(money.decisions(known))
    rules = OfferRules.of(money, settings)
    promised = promised_products(inputs.facts)
    offers = tuple(CallOffers.of(decisions, rules, promised) for decisions in chunks)
    rates = money.settings.arbitration.values
    step("calls")
    values = pl.concat([call_values(part, rates) for part in offers])
    plan = planned(inputs.facts, values, known.view.date, inputs.vip, settings, availability)
    return Day(
        view=known.view,
        calls=plan.calls,
        offers=pl.concat([part.frame() for part in offers]),
        recommender=money,
        explainer=explainer,
        channel=known.facts.channel,
        decisions=chunks,
        call_offers=offers,
        names=dict(zip(known.catalog.product_ids, known.catalog.table["name"].to_pylist(), strict=True)),
        settings=settings,
        inputs=inputs,
        plan=plan,
    )


def promised_products(facts: pl.DataFrame) -> dict[str, str]:
    """Return the product of the agreed talk by customer, of talks that are due before those that are not."""
    product = pl.coalesce(
        "follow_up_product_id", pl.when(pl.col("follow_up_date").is_null()).then("agreed_product_id")
    )
    rows = facts.select(CUSTOMER_ID, product.alias("product")).drop_nulls()
    return dict(rows.iter_rows())


def customer_day(
    explainer: Explainer,
    view: View,
    customer_id: str,
    vip: tuple[str, ...],
    settings: CallListSettings,
) -> Day:
    """Return the day of one customer; where no call may be made, with the offers for a talk in the branch.

    Raises:
        InputRejectedError: The customer is not in the newest snapshot of the view.
    """
    alone = view.of(pa.array([customer_id], pa.string()))
    if alone.population().num_rows == 0:
        raise InputRejectedError(
            "the customer is not in the newest snapshot",
            where=f"snapshot {view.snapshot_date}",
            remedy="check the id, or choose an as-of date at which the customer was there",
            code="unknown-customer",
        )
    return _with_branch_offers(plan_day(explainer, alone, vip, settings))


def _with_branch_offers(by_call: Day) -> Day:
    """Return the day of one customer; where no call may be made, with the offers for a talk in the branch."""
    if by_call.inputs is None or by_call.calls[BLOCKED].is_null().all():
        return by_call
    inputs = by_call.inputs.through(DEFAULT_CHANNEL, by_call.recommender, by_call.view)
    in_branch = _planned(by_call.recommender, by_call.explainer, inputs, by_call.settings)
    return replace(in_branch, calls=in_branch.calls.with_columns(by_call.calls[BLOCKED]), blocking=by_call)
