"""Talk about a maturing amount: renewing what is held, and what else the rules allow, each by a date."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from vipreco.catalog import Catalog
from vipreco.columns import CUSTOMER_ID
from vipreco.lists.day import Day
from vipreco.lists.texts import Wording
from vipreco.policy import ALLOWED
from vipreco.recommender import Decisions

Row: TypeAlias = Mapping[str, Any]
Mask = NDArray[np.bool_]
MAX_RENEWED, MAX_OTHERS = 2, 2


@dataclass(frozen=True)
class MaturityOptions:
    """Products for a maturing amount, by id: renewals of what is held, and others, the best first."""

    renewed: tuple[str, ...]
    others: tuple[str, ...]


def maturity_options(
    decisions: Decisions,
    catalog: Catalog,
    place: int,
    renewable: Mask,
    amount: float,
    families: tuple[str, ...],
) -> MaturityOptions:
    """Return the options of one customer.

    Args:
        decisions: With the customer.
        catalog: The products.
        place: Row of the customer in the decisions.
        renewable: Products that the customer holds and may renew, shape (P,).
        amount: That matures.
        families: Of the products that it may go to.
    """
    minimum = np.nan_to_num(catalog.min_amounts)
    able = np.isin(np.array(catalog.families, object), np.array(families, object)) & (minimum <= amount)
    order = np.argsort(-decisions.priority[place], kind="stable")
    allowed = decisions.verdict[place] == ALLOWED

    def first(mask: Mask, count: int) -> tuple[str, ...]:
        return tuple(catalog.product_ids[column] for column in order[mask[order]][:count])

    return MaturityOptions(
        first(able & renewable, MAX_RENEWED), first(able & allowed & ~renewable, MAX_OTHERS)
    )


def maturity_texts(day: Day, row: Row, say: Wording) -> Iterator[str]:
    """Give the amount that matures, and what to offer for it until when."""
    yield say("reason.maturity", amount=say.amount(row["maturing_amount"]), date=row["maturing_month_date"])
    if day.inputs is None:
        return
    decisions, place = day.decisions_about(row[CUSTOMER_ID])
    renewable, families = day.renewable[row[CUSTOMER_ID]], day.settings.maturing_families
    catalog = day.inputs.known.catalog
    found = maturity_options(decisions, catalog, place, renewable, row["maturing_amount"], families)
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
