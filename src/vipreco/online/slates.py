"""The parts of an answer."""

from __future__ import annotations

from typing import Final, NamedTuple

SNAPSHOT: Final = "snapshot"
FACTS: Final = "facts"
COLD_START: Final = "cold_start"


class SlateLine(NamedTuple):
    """One offer of a slate."""

    product_id: str
    product: str
    propensity: float | None
    value: float | None
    codes: tuple[str, ...]


class Slate(NamedTuple):
    """Offers of a customer, the best first.

    Args:
        lines: The offers.
        personalised: False for who opted out of profiling, and for popular lists.
        source: `snapshot`, `facts` or `cold_start`.
    """

    lines: tuple[SlateLine, ...]
    personalised: bool
    source: str
