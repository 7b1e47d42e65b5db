"""Sample size that a campaign needs to show an effect, and the power of a campaign of a given size."""

from __future__ import annotations

import math

from scipy.stats import norm

from vipreco.errors import UsageError

ALPHA = 0.05
POWER = 0.8


def detection_power(
    treated: int, control: int, base_rate: float, effect: float, alpha: float = ALPHA
) -> float:
    """Chance that the two-sided test of two rates finds an effect of this size.

    The test is the one of pooled rates; its power is the normal approximation, both tails.

    Args:
        treated: Customers with an offer.
        control: Customers without.
        base_rate: Rate of acquisition without an offer.
        effect: Rate with an offer minus rate without.
        alpha: Chance of a false alarm.

    Returns:
        The power; 0 without customers in either arm.

    Raises:
        UsageError: A rate or alpha is not between 0 and 1.
    """
    with_offer = _rates(base_rate, effect, alpha)
    if treated <= 0 or control <= 0:
        return 0.0
    pooled = (treated * with_offer + control * base_rate) / (treated + control)
    null = math.sqrt(pooled * (1 - pooled) * (1 / treated + 1 / control))
    spread = math.sqrt(_variance(with_offer) / treated + _variance(base_rate) / control)
    border = float(norm.ppf(1 - alpha / 2)) * null
    if spread == 0:
        return float(abs(effect) > border)
    return float(norm.cdf((abs(effect) - border) / spread) + norm.cdf((-abs(effect) - border) / spread))


def customers_needed(
    base_rate: float, effect: float, control_share: float, power: float = POWER, alpha: float = ALPHA
) -> int:
    """Customers in all, control group included, that a campaign needs to show an effect.

    Args:
        base_rate: Rate of acquisition without an offer.
        effect: Rate with an offer minus rate without; not 0.
        control_share: Share of the customers who are left without an offer.
        power: Chance to find the effect if it is there.
        alpha: Chance of a false alarm.

    Raises:
        UsageError: A rate, share, alpha or power is not between 0 and 1, or the effect is 0.
    """
    with_offer = _rates(base_rate, effect, alpha)
    _between("control_share", control_share)
    _between("power", power)
    if effect == 0:
        raise UsageError("an effect of 0 cannot be shown by any number", where="effect", code="range")
    treated_share = 1 - control_share
    pooled = treated_share * with_offer + control_share * base_rate
    null = math.sqrt(_variance(pooled) * (1 / treated_share + 1 / control_share))
    spread = math.sqrt(_variance(with_offer) / treated_share + _variance(base_rate) / control_share)
    border = float(norm.ppf(1 - alpha / 2)) * null + float(norm.ppf(power)) * spread
    return math.ceil(max(border / effect, border / -effect) ** 2)


def _variance(rate: float) -> float:
    return rate * (1 - rate)


def _rates(base_rate: float, effect: float, alpha: float) -> float:
    """Return the rate with an offer, after a look at all three."""
    _between("alpha", alpha)
    for name, rate in (("base_rate", base_rate), ("base_rate + effect", base_rate + effect)):
        if not 0 <= rate <= 1:
            raise UsageError(f"{name} must be a rate from 0 to 1", where=name, code="range")
    return base_rate + effect


def _between(name: str, share: float) -> None:
    if not 0 < share < 1:
        raise UsageError(f"{name} must lie between 0 and 1", where=name, code="range")
