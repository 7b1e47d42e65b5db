"""Gates: rules that a model must meet before it may become champion, as data."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Final

from pydantic import AliasChoices, Field, field_validator, model_validator

from vipreco.errors import UsageError
from vipreco.settings import Section

Metrics = Mapping[str, float | None]

FORMER_PARTS: Final = {"leaving": "attrition", "rising": "tier_upgrade"}
"""Parts of the names of metrics in recipes, records and registered versions of before."""

CASES: Final = "acquirers"
ENDS: Final = ("/low", "/high")
FEW_CASES: Final = 300
"""Acquirers among the judged customers below which a metric's own luck decides about its bounds.

With 300 of them, the 95 % interval of a difference in MAP is about 0.04 wide to each side.
"""
_DATA = "more months (`newest` in the recipe), more customers, or the recipe `default` instead of `quick`"
_CALIBRATION = (
    "judge more months (`rolling_folds`); look for months that differ, by product, on the model card"
)
MEANINGS: Final = {
    "map-above-popularity": (
        "its lists are not surely better than offering everybody what is acquired most",
        _DATA,
    ),
    "map-above-held-before": (
        "its lists are not surely better than offering again what a customer held before",
        _DATA,
    ),
    "auc": ("it hardly tells acquirers from others", _DATA),
    "calibration_ratio": (
        "its probabilities add up to too many or too few acquisitions, so expected values are wrong",
        _CALIBRATION,
    ),
    "calibration_slope": (
        "its high probabilities are too high and its low ones too low, or the other way round",
        _CALIBRATION,
    ),
}
"""By metric: what a broken bound means for the people who call, and what would help."""
OTHERWISE: Final = ("the model is not as good as its recipe asks for", _DATA)


def present_name(metric: str) -> str:
    """Return the name that a metric has now.

    >>> present_name("distance-to-the-line/rising/auc")
    'distance-to-the-line/tier_upgrade/auc'
    """
    return "/".join(FORMER_PARTS.get(part, part) for part in metric.split("/"))


class Gate(Section):
    """One rule about one metric of the backtest; every bound that is given must hold.

    Where a metric has an interval and fewer than `FEW_CASES` judged customers acquired something, chance
    decides about its value: then it is enough that some of the interval holds, in every recipe, and lists
    carry the warning.

    Args:
        metric: Name of a summary metric. A model without it does not pass.
        surely: The whole interval of the metric must hold, not its value alone.
        min_value: Lowest value that passes.
        max_value: Highest value that passes.
        champion_margin: How much worse than the champion still passes; 0 means at least as good.
        higher_is_better: Which direction is worse, for `champion_margin`.
    """

    metric: str
    surely: bool = False
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


DEFAULT_GATES: Final = (
    Gate(metric="map-above-popularity", min_value=0.0, surely=True),
    Gate(metric="map-above-held-before", min_value=0.0, surely=True),
    Gate(metric="calibration_ratio", min_value=0.8, max_value=1.25),
    Gate(metric="calibration_slope", min_value=0.8, max_value=1.25),
)
"""Gates of a recipe that names none: no champion that is worse than a rule anybody could follow."""


@dataclass(frozen=True)
class Finding:
    """Outcome of one bound: the sentence has the number found and the number asked for."""

    passed: bool
    sentence: str
    metric: str = ""


def judge(gates: Iterable[Gate], metrics: Metrics, champion: Metrics | None = None) -> list[Finding]:
    """Compare a model's summary metrics with every gate; fail closed on what is missing or no number.

    Args:
        gates: The rules.
        metrics: Of the model that wants to become champion.
        champion: Of the present champion; None when there is none, then margins do not apply.
    """
    mine, theirs = _present_names(metrics), None if champion is None else _present_names(champion)
    return [finding for gate in gates for finding in _findings(gate, mine, theirs)]


def _present_names(metrics: Metrics) -> dict[str, float | None]:
    return {present_name(name): value for name, value in metrics.items()}


def warnings(gates: Sequence[Gate], metrics: Metrics) -> list[str]:
    """Return the sentences that lists, sheets and answers of a model carry.

    An interval that reaches a bound lets a model pass where cases are few. Its value may be wrong all the
    same, and whoever calls by it is told. Margins to a champion are no matter of theirs.
    """
    values = {name: value for name, value in metrics.items() if not name.endswith(ENDS)}
    of_values = [finding for finding in judge(gates, values) if not finding.passed]
    told = {finding.metric for finding in of_values}
    of_intervals = [finding for finding in judge(gates, metrics) if finding.metric not in told]
    return list(dict.fromkeys(refusals([*of_values, *of_intervals])))


def refusals(findings: Iterable[Finding]) -> list[str]:
    """Return the sentences of the bounds that do not hold."""
    return [finding.sentence for finding in findings if not finding.passed]


def explain(findings: Iterable[Finding]) -> list[str]:
    """Return three lines on the gates that refused a model: which, what it means, what would help.

    Empty when none did.
    """
    broken = [finding for finding in findings if not finding.passed]
    if not broken:
        return []
    known = [MEANINGS[finding.metric] for finding in broken if finding.metric in MEANINGS] or [OTHERWISE]
    means, helps = (list(dict.fromkeys(part)) for part in zip(*known, strict=True))
    return [
        f"gate not passed: {'; '.join(finding.sentence for finding in broken)}",
        f"this means: {'; '.join(means)}",
        f"what would help: {'; '.join(helps)}",
    ]


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
        return [Finding(False, f"{gate.metric} is not known", gate.metric)]
    found, low, high = [], *_ends(gate, metrics, value)
    if gate.min_value is not None:
        found.append(_bound(gate.metric, (value, low), "at least", gate.min_value, low >= gate.min_value))
    if gate.max_value is not None:
        found.append(_bound(gate.metric, (value, high), "at most", gate.max_value, high <= gate.max_value))
    if gate.champion_margin is not None and champion is not None:
        found.append(_against_champion(gate, value, champion.get(gate.metric)))
    return found


def _ends(gate: Gate, metrics: Metrics, value: float) -> tuple[float, float]:
    """Return the values that the lowest and the highest bound are compared with."""
    low, high, cases = (metrics.get(name) for name in (f"{gate.metric}/low", f"{gate.metric}/high", CASES))
    if low is None or high is None or cases is None:
        return value, value
    if cases < FEW_CASES:
        return high, low
    return (low, high) if gate.surely else (value, value)


def _bound(metric: str, values: tuple[float, float], word: str, bound: float, passed: bool) -> Finding:
    value, end = values
    of_interval = "" if end == value else f" (the end of its interval that counts is {end:.6g})"
    return Finding(passed, f"{metric} is {value:.6g}{of_interval}, needed is {word} {bound:.6g}", metric)


def _against_champion(gate: Gate, value: float, champion: float | None) -> Finding:
    if champion is None or not math.isfinite(champion):
        return Finding(True, f"{gate.metric} is {value:.6g}, the champion has no such number", gate.metric)
    worse_by = champion - value if gate.higher_is_better else value - champion
    passed = worse_by <= (gate.champion_margin or 0.0)
    sentence = (
        f"{gate.metric} is {value:.6g}, the champion has {champion:.6g}; "
        f"allowed is to be worse by {gate.champion_margin:.6g}"
    )
    return Finding(passed, sentence, gate.metric)
