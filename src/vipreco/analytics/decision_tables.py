"""Tables of a decision frame, summed chunk by chunk: the funnel, and products against each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from vipreco.policy import ALLOWED
from vipreco.recommender import Decisions

FUNNEL_SCHEMA = pl.Schema(
    {
        "stage": pl.String(),
        "reason_code": pl.String(),
        "pairs": pl.Int64(),
        "pairs_rate": pl.Float64(),
        "customers": pl.Int64(),
        "left_pairs": pl.Int64(),
        "value_amount": pl.Float64(),
    }
)
WIN_SCHEMA = pl.Schema(
    {
        "product_id": pl.String(),
        "other_id": pl.String(),
        "both_allowed": pl.Int64(),
        "wins": pl.Int64(),
        "losses": pl.Int64(),
        "win_rate": pl.Float64(),
        "behind_amount": pl.Float64(),
    }
)


@dataclass
class Funnel:
    """Counts of all pairs of customer and product by the stage and reason at which they ended."""

    names: dict[tuple[str, str], NDArray[np.float64]] = field(default_factory=dict)
    pairs: int = 0

    def add(self, decisions: Decisions, top: int) -> None:
        """Add the decisions about some customers."""
        named = list(zip(decisions.stages, decisions.reasons, strict=True))  # rules may share a reason
        kinds = list(dict.fromkeys(named))
        places = np.array([kinds.index(name) for name in named])[decisions.outcomes(top)]
        value = np.maximum(decisions.factors.money.priority, 0.0)
        size, count = len(kinds), len(places)
        self.pairs += places.size
        pairs = np.bincount(places.ravel(), minlength=size)
        amounts = np.bincount(places.ravel(), weights=value.ravel(), minlength=size)
        present = np.zeros((count, size), bool)
        present[np.arange(count)[:, None], places] = True
        rows = np.stack([pairs, present.sum(axis=0), amounts], axis=1)
        for kind, row in zip(kinds, rows, strict=True):
            self.names[kind] = self.names.get(kind, 0.0) + row

    def frame(self, stages: Sequence[str]) -> pl.DataFrame:
        """Return a row for each reason by stage, offers last, with the pairs that are left after it."""
        order = {stage: place for place, stage in enumerate(stages)}
        found = [(stage, reason, *row) for (stage, reason), row in self.names.items() if row[0]]
        found.sort(key=lambda row: (order[row[0]], -row[2], row[1]))
        left, lines = self.pairs, []
        for stage, reason, pairs, customers, amount in found:
            left -= 0 if stage == stages[-1] else int(pairs)
            rate = pairs / self.pairs if self.pairs else None
            lines.append((stage, reason, int(pairs), rate, int(customers), left, amount))
        return pl.DataFrame(lines, FUNNEL_SCHEMA, orient="row")


@dataclass
class Duels:
    """First offers against every other product that the rules allow the same customer."""

    product_ids: tuple[str, ...] = ()
    both: NDArray[np.int64] = field(default_factory=lambda: np.zeros((0, 0), np.int64))
    wins: NDArray[np.int64] = field(default_factory=lambda: np.zeros((0, 0), np.int64))
    behind: NDArray[np.float64] = field(default_factory=lambda: np.zeros((0, 0)))

    def add(self, decisions: Decisions) -> None:
        """Add the decisions about some customers."""
        if not self.product_ids:
            size = len(decisions.product_ids)
            self.product_ids = decisions.product_ids
            self.both = np.zeros((size, size), np.int64)
            self.wins, self.behind = self.both.copy(), np.zeros((size, size))
        allowed = (decisions.verdict == ALLOWED).astype(np.float64)
        first = (decisions.slate(1) == 1).astype(np.float64)
        money = np.maximum(decisions.factors.money.priority, 0.0)
        leads = (first * money).sum(axis=1, keepdims=True)
        self.both += (allowed.T @ allowed).astype(np.int64)
        self.wins += (first.T @ allowed).astype(np.int64)
        self.behind += first.T @ (allowed * (leads - money))

    def frame(self) -> pl.DataFrame:
        """Return a row for each two products that meet: wins of the one, wins of the other, and the margin.

        `both_allowed` counts customers to whom the rules allow both; `wins` those whose first offer is
        `product_id`, `losses` those whose first offer is `other_id`; `win_rate` is the share of wins among
        both; `behind_amount` is by how much the other is behind in expected value where it loses, on average.
        """
        rows, columns = np.nonzero((self.wins + self.wins.T) * ~np.eye(len(self.wins), dtype=bool))
        wins, losses = self.wins[rows, columns], self.wins[columns, rows]
        with np.errstate(divide="ignore", invalid="ignore"):
            behind = self.behind[rows, columns] / wins
        ids = pl.Series(self.product_ids, dtype=pl.String)
        found: dict[str, Any] = {
            "product_id": ids.gather(rows),
            "other_id": ids.gather(columns),
            "both_allowed": self.both[rows, columns],
            "wins": wins,
            "losses": losses,
            "win_rate": wins / (wins + losses),
            "behind_amount": behind,
        }
        frame = pl.DataFrame(found, nan_to_null=True).cast(WIN_SCHEMA)
        return frame.sort("product_id", "wins", "other_id", descending=[False, True, False])
