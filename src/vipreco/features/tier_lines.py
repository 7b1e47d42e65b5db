"""The bank's ladder of tiers as one more table beside the views: `tier_lines`."""

from __future__ import annotations

from datetime import date
from typing import Final

from vipreco.history import text
from vipreco.settings import TierLadder

TIER_LINES: Final = "tier_lines"
TIERS_FILE: Final = "tiers.json"
"""The ladder among the files of a definition; it travels in the artifact."""

_NO_LINE = "SELECT ''::VARCHAR AS tier, 0 AS tier_rank, 0.0::DOUBLE AS from_amount WHERE false"


def tier_lines(ladder: TierLadder, day: date) -> str:
    """Return SQL of the lines valid at a date: tier, tier_rank (0 = lowest), from_amount."""
    rows = ", ".join(
        f"({text(tier)}, {ladder.rank(tier)}, {amount!r}::DOUBLE)"
        for tier, amount in ladder.thresholds(day).items()
    )
    return f"SELECT * FROM (VALUES {rows}) AS lines(tier, tier_rank, from_amount)" if rows else _NO_LINE
