"""The audit of finished lists: what is offered in them is lawful, and a customer alone gets the same."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Final

import numpy as np
import polars as pl
import pyarrow as pa
from numpy.typing import NDArray

from vipreco.assurance.law import DUTIES
from vipreco.assurance.policy_audit import AuditFinding, breached_duties, families_of, law_rules
from vipreco.columns import CUSTOMER_ID, PRODUCT_ID
from vipreco.history import View
from vipreco.policy import ALLOWED
from vipreco.recommender import Decisions, Recommender

UNLAWFUL_LISTED: Final = "unlawful offer on a list"
STOPPED_LISTED: Final = "offer on a list that a rule stops"
OTHER_ALONE: Final = "one customer alone gets another list"


def sampled_view(view: View, customers: int, seed: int) -> View:
    """Return the view of at most so many customers, chosen at random."""
    ids = view.population()[CUSTOMER_ID]
    count = min(customers, len(ids))
    chosen = np.sort(np.random.default_rng(seed).choice(len(ids), count, replace=False))
    return view.of(ids.take(pa.array(chosen)).combine_chunks())


def audit_listed(decisions: Iterable[Decisions], offers: pl.DataFrame) -> list[AuditFinding]:
    """Hold the offers of a finished list against the law in plain Python, and against the verdicts.

    Args:
        decisions: The decision frame of all customers of the list.
        offers: Rows customer_id, product_id.
    """
    counted: Counter[tuple[str, str]] = Counter()
    for part in decisions:
        rows, columns = _places(part, offers)
        if len(rows) == 0:
            continue
        counted[STOPPED_LISTED, ""] += int((part.verdict[rows, columns] != ALLOWED).sum())
        laws = [name for name in law_rules(part.policy) if name in DUTIES]
        listed, again = np.unique(rows, return_inverse=True)
        breached_by_law = breached_duties(part.facts.take(listed), laws, families_of(part.policy))
        for name, breached in breached_by_law.items():
            counted[UNLAWFUL_LISTED, name] += int(breached[again, columns].sum())
    return [AuditFinding(*key, pairs) for key, pairs in sorted(counted.items()) if pairs]


def audit_alone(
    recommender: Recommender, view: View, channel: str, customers: int, seed: int
) -> list[AuditFinding]:
    """Compare the verdicts and slates of some customers, each asked alone, with those among all of a view."""
    among = {
        str(customer): (part.verdict[row], part.rank[row])
        for part in recommender.decide(view, channel)
        for row, customer in enumerate(part.customer_ids.tolist())
    }
    chosen = sorted(np.random.default_rng(seed).permutation(sorted(among))[:customers].tolist())
    others = sum(_differs(alone, among[name]) for name, alone in _alone(recommender, view, channel, chosen))
    return [AuditFinding(OTHER_ALONE, "", others)] if others else []


def _alone(
    recommender: Recommender, view: View, channel: str, customers: list[str]
) -> Iterator[tuple[str, Decisions]]:
    for name in customers:
        yield name, next(iter(recommender.decide(view.of(pa.array([name], pa.string())), channel)))


def _differs(alone: Decisions, among: tuple[NDArray[np.int16], NDArray[np.int16]]) -> int:
    return int(((alone.verdict[0] != among[0]) | (alone.rank[0] != among[1])).sum())


def _places(part: Decisions, offers: pl.DataFrame) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return row and column of each offer to a customer of this part."""
    rows = {str(name): row for row, name in enumerate(part.customer_ids.tolist())}
    columns = {name: column for column, name in enumerate(part.product_ids)}
    pairs = zip(offers[CUSTOMER_ID].to_list(), offers[PRODUCT_ID].to_list(), strict=True)
    found = [(rows[customer], columns[product]) for customer, product in pairs if customer in rows]
    places = np.array(found, np.intp).reshape(-1, 2)
    return places[:, 0], places[:, 1]
