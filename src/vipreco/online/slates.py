"""The parts of an answer."""

from __future__ import annotations

from typing import Final, NamedTuple

SNAPSHOT: Final = "snapshot"
FACTS: Final = "facts"
COLD_START: Final = "cold_start"
SWITCHED_OFF: Final = "SWITCHED_OFF"
BELOW_FLOOR: Final = "BELOW_FLOOR"  # products are allowed, none of them is worth an offer


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
        cause: Why there is no offer, as a code; None where there are some.
    """

    lines: tuple[SlateLine, ...]
    personalised: bool
    source: str
    cause: str | None = None
