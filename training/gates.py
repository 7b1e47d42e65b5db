"""Gates: rules that a model must meet before it may become champion, as data."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Final

from pydantic import AliasChoices, Field, field_validator, model_validator

from vipreco.errors import UsageError
from vipreco.settings import Section

Metrics = Mapping[str, float | None]

FORMER_PARTS: Final = {"leaving": "attrition", "rising": "tier_upgrade"}
"""Parts of the names of metrics in recipes, records and registered versions of before."""


class Gate(Section):
    """One rule about one metric of the backtest; every bound that is given must hold.

    Args:
        metric: Name of a summary metric. A model without it does not pass.
        min_value: Lowest value that passes.
        max_value: Highest value that passes.
        champion_margin: How much worse than the champion still passes; 0 means at least as good.
        higher_is_better: Which direction is worse, for `champion_margin`.
    """

    metric: str
    min_value: Annotated[float | None, Field(validation_alias=AliasChoices("min_value", "at_least"))] = None
    max_value: Annotated[float | None, Field(validation_alias=AliasChoices("max_value", "at_most"))] = None
    champion_margin: Annotated[float, Field(ge=0.0)] | None = None
    higher_is_better: bool = True

    @field_validator("metric")
    @classmethod
    def _in_present_words(cls, metric: str) -> str:
        return present_name(metric)

    @model_validator(mode="after")
    def _has_a_bound(self) -> Gate:
        if self.min_value is None and self.max_value is None and self.champion_margin is None:
            raise ValueError("give min_value, max_value or champion_margin")
        return self


@dataclass(frozen=True)
class Finding:
    """Outcome of one bound: the sentence has the number found and the number asked for."""

    passed: bool
    sentence: str


def judge(gates: Iterable[Gate], metrics: Metrics, champion: Metrics | None = None) -> list[Finding]:
    """Compare a model's summary metrics with every gate; fail closed on what is missing or no number.

    Args:
        gates: The rules.
        metrics: Of the model that wants to become champion.
        champion: Of the present champion; None when there is none, then margins do not apply.
    """
    mine, theirs = _present_names(metrics), None if champion is None else _present_names(champion)
    return [finding for gate in gates for finding in _findings(gate, mine, theirs)]


def present_name(metric: str) -> str:
    """Return the name that a metric has now.

    >>> present_name("distance-to-the-line/rising/auc")
    'distance-to-the-line/tier_upgrade/auc'
    """
    return "/".join(FORMER_PARTS.get(part, part) for part in metric.split("/"))


def _present_names(metrics: Metrics) -> dict[str, float | None]:
    return {present_name(name): value for name, value in metrics.items()}


def refusals(findings: Iterable[Finding]) -> list[str]:
    """Return the sentences of the bounds that do not hold."""
    return [finding.sentence for finding in findings if not finding.passed]


def require(findings: Iterable[Finding], name: str) -> None:
    """Do nothing when every bound holds.

    Raises:
        UsageError: Promotion is refused; lists each broken bound with both numbers.
    """
    broken = refusals(findings)
    if broken:
        remedy = "the champion stays; train a better model, or change the gates in the recipe on purpose"
        raise UsageError(
            f"{name} does not pass the gate", remedy=remedy, code="gate-refused", examples=broken
        )


def _findings(gate: Gate, metrics: Metrics, champion: Metrics | None) -> list[Finding]:
    value = metrics.get(gate.metric)
    if value is None or not math.isfinite(value):
        return [Finding(False, f"{gate.metric} is not known")]
    found = []
    if gate.min_value is not None:
        found.append(_bound(gate.metric, value, "at least", gate.min_value, value >= gate.min_value))
    if gate.max_value is not None:
        found.append(_bound(gate.metric, value, "at most", gate.max_value, value <= gate.max_value))
    if gate.champion_margin is not None and champion is not None:
        found.append(_against_champion(gate, value, champion.get(gate.metric)))
    return found


def _bound(metric: str, value: float, word: str, bound: float, passed: bool) -> Finding:
    return Finding(passed, f"{metric} is {value:.6g}, needed is {word} {bound:.6g}")


def _against_champion(gate: Gate, value: float, champion: float | None) -> Finding:
    if champion is None or not math.isfinite(champion):
        return Finding(True, f"{gate.metric} is {value:.6g}, the champion has no such number")
    worse_by = champion - value if gate.higher_is_better else value - champion
    passed = worse_by <= (gate.champion_margin or 0.0)
    sentence = (
        f"{gate.metric} is {value:.6g}, the champion has {champion:.6g}; "
        f"allowed is to be worse by {gate.champion_margin:.6g}"
    )
    return Finding(passed, sentence)
