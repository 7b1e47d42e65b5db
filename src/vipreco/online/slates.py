"""The parts of an answer."""

from __future__ import annotations

from typing import Final, NamedTuple

SNAPSHOT: Final = "snapshot"
FACTS: Final = "facts"
COLD_START: Final = "cold_start"
SWITCHED_OFF: Final = "SWITCHED_OFF"
NOTHING: Final = -1  # behind the last offer of a stored slate
BELOW_FLOOR: Final = "BELOW_FLOOR"  # products are allowed, none of them is worth an offer


class SlateLine(NamedTuple):
    """One offer of a slate.

    Args:
        product_id: The product.
        product: Its name.
        propensity: P(acquire within the horizon), as the bank contacts its customers today.
        value: Of an acquisition, in currency.
        codes: Of the reasons.
        chance_without_contact: The same chance if nobody approaches the customer about it.
        chance_with_contact: The same chance if somebody does, in the channel of the slate.
        effect_basis: `assumed` or `learnt`; empty where neither is known.
    """

    product_id: str
    product: str
    propensity: float | None
    value: float | None
    codes: tuple[str, ...]
    chance_without_contact: float | None = None
    chance_with_contact: float | None = None
    effect_basis: str = ""

    @property
    def expected_gain(self) -> float | None:
        """Amount that the contact is expected to add, in currency."""
        without, with_contact, value = self.chance_without_contact, self.chance_with_contact, self.value
        if without is None or with_contact is None or value is None:
            return None
        return (with_contact - without) * value


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
