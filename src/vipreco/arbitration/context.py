"""Context: what is going on with a customer right now, as weights of the priority.

The conditions of the recipe read one row a customer:

- every column of `customers_now`, such as `tier`, `aum_amount`, `joined_date`;
- every column of `activity` in the bank's newest month, if it ended in the 62 days before the as-of date;
- `usual_<column>`: mean of an activity column over the six months before that one;
- `month`: number of the as-of date's month, 1 to 12.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from vipreco.columns import ACTIVITY, CUSTOMER_ID, MONTH_DATE
from vipreco.history import View
from vipreco.settings import ContextRule

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

ACTIONS = ("keep", "develop")
MONTH = "month"
USUAL = "usual_"
FRESH_DAYS = 62
USUAL_MONTHS = 6


@dataclass(frozen=True)
class Context:
    """Weights of n customers by the rules that hold for them.

    Args:
        group: Place in `products` and `actions` of each customer's weights, shape (n,).
        products: Weight of each product by group of customers, shape (groups, P).
        actions: Weight of each of `ACTIONS` by group of customers, shape (groups, 2).
        not_applicable: Names of the rules whose columns the bank did not bring; their weight is 1.
    """

    group: NDArray[np.intp]
    products: Floats
    actions: Floats
    not_applicable: tuple[str, ...] = ()

    @classmethod
    def plain(cls, customers: int, products: int) -> Context:
        """Return weights of 1 for everybody."""
        return cls(np.zeros(customers, np.intp), np.ones((1, products)), np.ones((1, len(ACTIONS))))

    def take(self, rows: slice) -> Context:
        """Return the weights of some customers."""
        return Context(self.group[rows], self.products, self.actions, self.not_applicable)

    def masked(self, known: Mask) -> Context:
        """Return the same, but weights of 1 for customers who are not in `known`, shape (n,)."""
        plain = len(self.products)
        return Context(
            np.where(known, self.group, plain),
            np.vstack([self.products, np.ones((1, self.products.shape[1]))]),
            np.vstack([self.actions, np.ones((1, self.actions.shape[1]))]),
            self.not_applicable,
        )


def context_of(view: View, families: Sequence[str], rules: tuple[ContextRule, ...]) -> Context:
    """Return the weights of all customers of a view, in the order of their ids.

    Args:
        view: The as-of view.
        families: Family of each product, shape (P,).
        rules: The recipe's; a condition that is unknown for a customer does not hold.
    """
    known = _columns_there(view)
    usable = tuple(rule for rule in rules if _read_by(rule) <= known)
    missing = tuple(rule.name for rule in rules if rule not in usable)
    wanted = {column for rule in usable for column in _read_by(rule)}
    facts = context_columns(view, wanted)
    conditions = [pl.sql_expr(rule.when).fill_null(False).alias(rule.name) for rule in usable]
    holds = facts.select(conditions).to_numpy() if usable else np.zeros((facts.height, 0), bool)
    return weighted(holds.astype(bool), families, usable, missing)


def weighted(
    holds: Mask, families: Sequence[str], rules: Sequence[ContextRule], not_applicable: tuple[str, ...] = ()
) -> Context:
    """Return the product of the weights of the rules that hold, by group of customers.

    Args:
        holds: Whether rule r holds for customer i, shape (n, r).
        families: Family of each product, shape (P,).
        rules: The rules, shape (r,).
        not_applicable: Names of rules that were left out.
    """
    codes = holds @ (1 << np.arange(len(rules), dtype=np.int64))
    found, group = np.unique(codes, return_inverse=True)
    products, actions = np.ones((len(found), len(families))), np.ones((len(found), len(ACTIONS)))
    for place, rule in enumerate(rules):
        on = (found >> place & 1).astype(bool)
        everything = not rule.families and not rule.actions
        products[np.ix_(on, _meant(families, rule.families, everything))] *= rule.weight
        actions[np.ix_(on, _meant(ACTIONS, rule.actions, False))] *= rule.weight
    return Context(group.astype(np.intp), products, actions, not_applicable)


def context_columns(view: View, wanted: Iterable[str]) -> pl.DataFrame:
    """Return the columns that conditions may read, one row a customer, ordered by customer_id.

    Args:
        view: The as-of view.
        wanted: Which of them.
    """
    asked, behaviour = set(wanted), _activity_columns(view)
    own = sorted(asked & set(view.columns("customers_now")) - {CUSTOMER_ID})
    current = sorted(asked & set(behaviour))
    usual = sorted(name for name in asked if name.startswith(USUAL) and name.removeprefix(USUAL) in behaviour)
    parts = [f"c.{CUSTOMER_ID}", *(f'c."{name}"' for name in own), f"{view.date.month} AS {MONTH}"]
    parts += [f'a."{name}"' for name in (*current, *usual)]
    joined = f"LEFT JOIN ({_behaviour(current, usual)}) a USING ({CUSTOMER_ID})" if current or usual else ""
    sql = f"SELECT {', '.join(parts)} FROM customers_now c {joined} ORDER BY c.{CUSTOMER_ID}"
    return pl.DataFrame(view.query(sql, where="context"))


def _behaviour(current: list[str], usual: list[str]) -> str:
    parts = [f'max("{name}") FILTER (WHERE age = 0) AS "{name}"' for name in current]
    parts += [
        f'avg("{name.removeprefix(USUAL)}") FILTER (WHERE age BETWEEN 1 AND {USUAL_MONTHS}) AS "{name}"'
        for name in usual
    ]
    return f"""
        SELECT {CUSTOMER_ID}, {", ".join(parts)}
        FROM (
            SELECT a.*, date_diff('month', a.{MONTH_DATE}, k.newest_month_date) AS age
            FROM {ACTIVITY} a, clock k
            WHERE k.newest_month_date >= k.as_of_date - INTERVAL {FRESH_DAYS} DAY
        )
        GROUP BY {CUSTOMER_ID}"""


def _meant(names: Sequence[str], listed: Sequence[str], everything: bool) -> Mask:
    return np.array([everything or name in listed for name in names], bool)


def _read_by(rule: ContextRule) -> set[str]:
    return set(pl.sql_expr(rule.when).meta.root_names())


def _columns_there(view: View) -> set[str]:
    behaviour = _activity_columns(view)
    return {*view.columns("customers_now"), *behaviour, *(USUAL + name for name in behaviour), MONTH}


def _activity_columns(view: View) -> list[str]:
    plumbing = {CUSTOMER_ID, MONTH_DATE, "recorded_date", "batch_sequence"}
    return [name for name in view.columns(ACTIVITY) if name not in plumbing]
