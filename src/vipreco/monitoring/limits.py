"""Limits of the monitoring, and who answers for which finding: `training/monitoring.toml`."""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Annotated

from pydantic import Field

from vipreco.settings import Section

Share = Annotated[float, Field(gt=0.0, le=1.0)]
Positive = Annotated[float, Field(gt=0.0)]


class MonitoringSettings(Section):
    """Tolerances: an effect below them is no alarm, however sure it is.

    Args:
        input_shift: Distance between two distributions of a column: the largest difference of cumulative
            shares for numbers, half the sum of differences of shares for categories.
        score_shift: The same for the chances of a product.
        outcome_shift: Difference between two shares of contacts.
        offer_shift: Difference between two shares of customers or offers.
        broken_shift: Distance from the month before at which a feed counts as broken, at once.
        missing_shift: Rise of the share without a value at which a feed counts as broken, at once.
        customers_drop: Share of the customers of the month before whose absence is told at once.
        calibration_shift: Distance of expected from observed acquisitions, as a logarithm of their ratio.
        ranking_fall: Fall of the AUC below its mean of the months before.
        month_luck: Standard deviation by which whole months differ from what was expected of them.
        at_once: Standard errors beyond which the level of all chances is an alarm without a second month.
        cusum_slack: Standard errors that the running sum forgives each month.
        cusum_limit: Running sum of standard errors that is an alarm.
        false_discovery: Share of false ones among the shifts that are told, over all columns together.
        min_cases: Expected acquisitions, contacts or customers below which nothing is judged.
        max_model_days: Age at which a model is told to be old.
        max_table_days: Age of the newest snapshot at which the tables are told to be stale.
        max_assumed: Share of assumed effects of contacts that is told.
        max_refused: Share of the service's recorded answers that were refused or failed, which is told.
        history_months: Matured months that the running sum looks back on.
        owners: Who answers, by pattern of the code (`calibration-*`); `*` for the rest.
    """

    input_shift: Share = 0.1
    score_shift: Share = 0.1
    outcome_shift: Share = 0.08
    offer_shift: Share = 0.05
    broken_shift: Share = 0.5
    missing_shift: Share = 0.3
    customers_drop: Share = 0.3
    calibration_shift: Positive = 0.25
    ranking_fall: Share = 0.05
    month_luck: Positive = 0.1
    at_once: Positive = 3.5
    cusum_slack: Positive = 0.5
    cusum_limit: Positive = 5.0
    false_discovery: Share = 0.01
    min_cases: Annotated[int, Field(ge=5)] = 30
    max_model_days: Annotated[int, Field(ge=1)] = 180
    max_table_days: Annotated[int, Field(ge=1)] = 45
    max_assumed: Share = 0.5
    max_refused: Share = 0.05
    history_months: Annotated[int, Field(ge=2, le=36)] = 6
    owners: Mapping[str, str] = {}

    def owner(self, code: str) -> str:
        """Return who answers for a finding; empty where nobody is named."""
        return next((who for pattern, who in self.owners.items() if fnmatchcase(code, pattern)), "")
