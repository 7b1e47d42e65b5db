"""Settings of the check for fairness; apart from it, since whoever reads a gate file needs no statistics."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from vipreco.settings import Section


class FairnessSettings(Section):
    """Tolerated differences between groups.

    Args:
        max_difference: Difference of two rates, group minus others.
        max_calibration: Difference of calibration, as a logarithm of the ratio.
        false_discovery: Share of false ones among the differences that are told.
        min_customers: Customers of a group below which nothing is judged.
        min_cases: Offers or acquisitions below which nothing is judged.
        top: Length of the lists whose offers count.
    """

    max_difference: Annotated[float, Field(gt=0.0, le=1.0)] = 0.1
    max_calibration: Annotated[float, Field(gt=0.0)] = 0.3
    false_discovery: Annotated[float, Field(gt=0.0, le=1.0)] = 0.01
    min_customers: Annotated[int, Field(ge=10)] = 30
    min_cases: Annotated[int, Field(ge=5)] = 10
    top: Annotated[int, Field(ge=1)] = 3
