"""Talk about a maturing amount: renewing what is held, and what else the rules allow, each by a date."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from vipreco.columns import CUSTOMER_ID
from vipreco.lists.day import Day, DayInputs
from vipreco.lists.texts import Wording
from vipreco.policy import ALLOWED
from vipreco.recommender import Decisions

Row: TypeAlias = Mapping[str, Any]
Mask = NDArray[np.bool_]
HELD = "HELD"  # reason code of the pack `house`: the one rule that a renewal may break
MAX_RENEWED, MAX_OTHERS = 2, 2


@dataclass(frozen=True)
class MaturityOptions:
    """Products for a maturing amount, by id: renewals of what is held, and others, the best first."""

    renewed: tuple[str, ...]
    others: tuple[str, ...]


def maturity_options(
    decisions: Decisions, inputs: DayInputs, place: int, row: int, amount: float, families: tuple[str, ...]
) -> MaturityOptions:
    """Return the options of one customer.

    Args:
        decisions: With the customer.
        inputs: Of the day, with what the customer holds.
        place: Row of the customer in the decisions.
        row: Row of the customer in the inputs.
        amount: That matures.
        families: Of the products that it may go to.
    """
    catalog = inputs.known.catalog
    minimum = np.nan_to_num(catalog.min_amounts)
    able = np.isin(np.array(catalog.families, object), np.array(families, object)) & (minimum <= amount)
    order = np.argsort(-decisions.priority[place], kind="stable")
    allowed = decisions.verdict[place] == ALLOWED
    renewable = _stopped_by_holding_alone(decisions, place) & inputs.known.state.held[row].astype(bool)

    def first(mask: Mask, count: int) -> tuple[str, ...]:
        return tuple(catalog.product_ids[column] for column in order[mask[order]][:count])

    return MaturityOptions(
        first(able & renewable, MAX_RENEWED), first(able & allowed & ~renewable, MAX_OTHERS)
    )


def _stopped_by_holding_alone(decisions: Decisions, place: int) -> Mask:
    """Return the products of one customer that no rule stops but that on what is held, shape (P,)."""
    stops = decisions.policy.stops(decisions.facts, place)
    reasons = [{decisions.policy.rules[verdict - 1].reason_code for verdict in own} for own in stops]
    return np.array([own <= {HELD} for own in reasons], bool)


def maturity_texts(day: Day, row: Row, say: Wording) -> Iterator[str]:
    """Give the amount that matures, and what to offer for it until when."""
    yield say("reason.maturity", amount=say.amount(row["maturing_amount"]), date=row["maturing_month_date"])
    if day.inputs is None:
        return
    decisions, place = day.decisions_about(row[CUSTOMER_ID])
    families, number = day.settings.maturing_families, day.rows[row[CUSTOMER_ID]]
    found = maturity_options(decisions, day.inputs, place, number, row["maturing_amount"], families)
    until = row["maturing_month_date"] + timedelta(days=day.settings.maturity_days)
    renewed, others = (
        _joined([day.names.get(product) or product for product in products], say)
        for products in (found.renewed, found.others)
    )
    names = {"date": until, "renewed": renewed, "others": others}
    if renewed and others:
        yield say("reason.renew_or_move", **names)
    elif renewed or others:
        yield say("reason.renew" if renewed else "reason.move", **names)


def _joined(names: list[str], say: Wording) -> str:
    return say("reason.either", first=names[0], other=names[1]) if len(names) > 1 else "".join(names)
