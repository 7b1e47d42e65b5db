"""Waterfall of a campaign: how many customers fell where; the counts of parts are added."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import polars as pl

from vipreco.policy import Policy

COLUMNS = {"rule": pl.String(), "before": pl.Int64(), "fell": pl.Int64(), "left": pl.Int64()}
NO_MANAGER = "in no manager's book: neither call nor branch meeting is possible"
CHANGED_SINCE = "changed since the snapshot: do not contact, consent withdrawn, or product accepted"
LATER = (NO_MANAGER, CHANGED_SINCE)


@dataclass(frozen=True)
class Fell:
    """Customers who fell at a condition of the audience, and those of them of whom it is unknown."""

    customers: int = 0
    unknown: int = 0


@dataclass(frozen=True)
class Waterfall:
    """Counts of the customers of a bank, or of a part of it.

    Args:
        people: In the newest snapshot.
        audience: Who fell at each condition, in order.
        rules: Who had no option left, by the number of the rule that stopped the last one; 0: by none.
        later: Who lost the last option for each of the reasons `LATER`.
        eligible: Who is left.
    """

    people: int
    audience: tuple[Fell, ...]
    rules: Mapping[int, int]
    later: tuple[int, ...]
    eligible: int

    @classmethod
    def nobody(cls, conditions: int) -> Self:
        """Return the counts of no customers."""
        return cls(0, (Fell(),) * conditions, {}, (0,) * len(LATER), 0)

    @classmethod
    def merged(cls, parts: Sequence[Waterfall]) -> Self:
        """Return the counts of all parts."""
        audience = zip(*(part.audience for part in parts), strict=True)
        return cls(
            sum(part.people for part in parts),
            tuple(Fell(sum(one.customers for one in of), sum(one.unknown for one in of)) for of in audience),
            dict(sum((Counter(part.rules) for part in parts), Counter())),
            tuple(map(sum, zip(*(part.later for part in parts), strict=True))),
            sum(part.eligible for part in parts),
        )

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Self:
        """Return the counts of a dataclass that became JSON."""
        return cls(
            record["people"],
            tuple(Fell(**one) for one in record["audience"]),
            {int(rule): customers for rule, customers in record["rules"].items()},
            tuple(record["later"]),
            record["eligible"],
        )

    def table(self, conditions: Sequence[str], policy: Policy) -> pl.DataFrame:
        """Return rows rule, before, fell, left.

        Args:
            conditions: Texts of the conditions of the audience.
            policy: Its rules have the numbers.
        """
        rows, left = [], self.people
        for name, fell in self._steps(conditions, policy):
            rows.append((name, left, fell, left - fell))
            left -= fell
        return pl.DataFrame(rows, COLUMNS, orient="row")

    def _steps(self, conditions: Sequence[str], policy: Policy) -> Iterator[tuple[str, int]]:
        yield "in the newest snapshot", 0
        for text, fell in zip(conditions, self.audience, strict=True):
            yield f"{text} (unknown of {fell.unknown:,})" if fell.unknown else text, fell.customers
        for number, fallen in sorted(self.rules.items()):
            rule = policy.rules[number - 1] if number else None
            why = f": {rule.reason_code} ({rule.id})" if rule else ""
            yield f"no product allowed{why}", fallen
        yield from ((name, fallen) for name, fallen in zip(LATER, self.later, strict=True) if fallen)
        yield "eligible", 0
