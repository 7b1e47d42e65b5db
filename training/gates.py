"""Gates: rules that a model must meet before it may become champion, as data."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Final

from pydantic import AliasChoices, Field, field_validator, model_validator

from vipreco.errors import UsageError
from vipreco.settings import Section

Metrics = Mapping[str, float | None]

FORMER_PARTS: Final = {"leaving": "attrition", "rising": "tier_upgrade"}
"""Parts of the names of metrics in recipes, records and registered versions of before."""

CASES: Final = "acquirers"
ENDS: Final = ("/low", "/high")
BETTER_THAN_CHAMPION: Final = ("map-above-champion", "log-loss-above-champion")
AGAINST_CHAMPION: Final = frozenset({*BETTER_THAN_CHAMPION, "first-offers-changed"})
"""Metrics of a version that only mean something beside the champion that it was compared with."""
BESIDE_CHAMPION: Final = ("/beside-champion", "/champion")
"""Ends of the names of what a version has, and the champion that it was compared with, on the same months."""
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
    "map-above-champion": (
        "it is not shown that its lists are as good as those of the champion on the same customers",
        "judge more months (`rolling_folds`): with more acquirers the interval gets narrower",
    ),
    "log-loss-above-champion": (
        "it is not shown that its probabilities are as good as those of the champion",
        "judge more months (`rolling_folds`), or look for months that differ, by product, on the model card",
    ),
    "first-offers-changed": (
        "relationship managers would see other first offers for most customers than the day before",
        "look at the largest changes in the report; raise the bound on purpose where they are wanted",
    ),
    "calibration-by-product/surely-off": (
        "the probabilities of at least one product are surely too high or too low",
        _CALIBRATION,
    ),
    "calibration-by-tier/surely-off": (
        "the probabilities of at least one tier are surely too high or too low",
        _CALIBRATION,
    ),
    "attrition/auc-above-distance-to-the-line/low": (
        "a simple rule tells better who is at risk of attrition",
        _DATA,
    ),
    "attrition/auc-above-assets-fell-last-month/low": (
        "it is not surely better than calling those whose assets fell",
        _DATA,
    ),
    "tier_upgrade/auc-above-distance-to-the-line/low": (
        "a simple rule tells better who reaches the next tier",
        _DATA,
    ),
    "fairness/differing": (
        "customers of a protected group who acquire are offered less, or their chances are surely off",
        "look for columns that stand for the group (docs/fairness.md); leave one out with `leave_out`",
    ),
    "artifact/loads": (
        "a service could not load it in time, or would compute other scores than here",
        "see the reason in the verdict; train again, on the versions of `constraints.txt`",
    ),
    "artifact/megabytes": (
        "workers would need more memory than they have",
        "fewer rounds or bags in the recipe",
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
        champion_margin: How much worse than the champion still passes; 0 means at least as good. It compares
            values, not intervals: for non-inferiority take a metric against the champion and `surely`.
        higher_is_better: Which direction is worse, for `champion_margin`.
        where_known: A model of which this is not measured passes, such as one without a ladder of tiers.
        or_nearer_than_champion: A bound that the champion breaks too keeps no challenger back that is nearer
            to 1 on the same months: to refuse it would leave the worse of both in force. Lists carry the
            warning all the same.
        unless_surely_better: The bound keeps no challenger back whose lists or probabilities are surely
            better than the champion's: the whole interval of one of the differences is above 0.
    """

    metric: str
    surely: bool = False
    min_value: Annotated[float | None, Field(validation_alias=AliasChoices("min_value", "at_least"))] = None
    max_value: Annotated[float | None, Field(validation_alias=AliasChoices("max_value", "at_most"))] = None
    champion_margin: Annotated[float, Field(ge=0.0)] | None = None
    higher_is_better: bool = True
    where_known: bool = False
    or_nearer_than_champion: bool = False
    unless_surely_better: bool = False

    @property
    def against_champion(self) -> bool:
        """True when the metric compares with the champion: without one it does not apply."""
        return self.metric in AGAINST_CHAMPION

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
    Gate(metric="calibration_ratio", min_value=0.8, max_value=1.25, or_nearer_than_champion=True),
    Gate(metric="calibration_slope", min_value=0.8, max_value=1.25, or_nearer_than_champion=True),
)
"""Gates of a recipe that names none: no champion that is worse than a rule anybody could follow."""


@dataclass(frozen=True)
class Finding:
    """Outcome of one bound.

    Args:
        passed: Whether it holds.
        sentence: With the number found and the number asked for.
        metric: What was measured; empty where it is no number.
        undecided: The value itself holds, and not for sure: more evidence could let it pass.
        bound: The kind of bound: `min`, `max`, `margin` to the champion, or `unknown` without a value.
        numbers: Value, end of its interval that counts, and bound; for a margin the champion's as the second.
    """

    passed: bool
    sentence: str
    metric: str = ""
    undecided: bool = False
    bound: str = ""
    numbers: tuple[float, ...] = ()


def judge(gates: Iterable[Gate], metrics: Metrics, champion: Metrics | None = None) -> list[Finding]:
    """Compare a model's summary metrics with every gate; fail closed on what is missing or no number.

    Args:
        gates: The rules.
        metrics: Of the model that wants to become champion.
        champion: Of the present champion; None when there is none: then gates against it do not apply.
    """
    mine, theirs = _present_names(metrics), None if champion is None else _present_names(champion)
    apply = [gate for gate in gates if theirs is not None or not gate.against_champion]
    return [finding for gate in apply for finding in _findings(gate, mine, theirs)]


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
        beside = " beside the present champion" if gate.against_champion else ""
        return [
            Finding(gate.where_known, f"{gate.metric} is not known{beside}", gate.metric, bound="unknown")
        ]
    found, low, high = [], *_ends(gate, metrics, value)
    if (least := gate.min_value) is not None:
        holds = (low >= least, value >= least)
        found.append(_bound(gate.metric, "min", (value, low, least), holds))
    if (most := gate.max_value) is not None:
        holds = (high <= most, value <= most)
        found.append(_bound(gate.metric, "max", (value, high, most), holds))
    if gate.or_nearer_than_champion and champion is not None:
        found = [one if one.passed else _nearer(one, metrics) for one in found]
    if gate.unless_surely_better:
        found = [one if one.passed else _better(one, metrics) for one in found]
    if gate.champion_margin is not None and champion is not None:
        found.append(_against_champion(gate, value, champion.get(gate.metric)))
    return found


def _nearer(broken: Finding, metrics: Metrics) -> Finding:
    """Return the finding as passed where the champion breaks the same bound and is farther from 1."""
    ours, theirs = (metrics.get(f"{broken.metric}{end}") for end in BESIDE_CHAMPION)
    if not (ours and theirs and 0 < ours < math.inf and 0 < theirs < math.inf):
        return broken
    asked = broken.numbers[-1]
    breaks = theirs > asked if broken.bound == "max" else theirs < asked
    if not breaks or abs(math.log(ours)) > abs(math.log(theirs)):
        return broken
    both = f"on the same months it is {ours:.6g}, the champion {theirs:.6g}, farther from 1"
    return replace(broken, passed=True, undecided=False, sentence=f"{broken.sentence}; {both}")


def _better(broken: Finding, metrics: Metrics) -> Finding:
    """Return the finding as passed where lists or probabilities are surely better than the champion's."""
    lows = {name: metrics.get(f"{name}/low") for name in BETTER_THAN_CHAMPION}
    better = [f"{name} is surely {low:.6g} or more" for name, low in lows.items() if low and low > 0]
    if not better:
        return broken
    sentence = f"{broken.sentence}, or to be better: {' and '.join(better)}"
    return replace(broken, passed=True, undecided=False, sentence=sentence)


def _ends(gate: Gate, metrics: Metrics, value: float) -> tuple[float, float]:
    """Return the values that the lowest and the highest bound are compared with."""
    low, high, cases = (metrics.get(name) for name in (f"{gate.metric}/low", f"{gate.metric}/high", CASES))
    if gate.against_champion and gate.surely:
        # A champion is replaced on evidence alone: few cases never speak for the challenger, and an interval
        # that nobody measured holds no bound.
        return (math.nan if low is None else low), (math.nan if high is None else high)
    if low is None or high is None or cases is None:
        return value, value
    if cases < FEW_CASES:
        return high, low
    return (low, high) if gate.surely else (value, value)


def _bound(metric: str, bound: str, numbers: tuple[float, float, float], holds: tuple[bool, bool]) -> Finding:
    """Return the finding about a bound; `holds` says whether the end that counts meets it, and the value."""
    (value, end, asked), (passed, by_value) = numbers, holds
    of_interval = "" if end == value else f" (the end of its interval that counts is {end:.6g})"
    needed = f"at {'least' if bound == 'min' else 'most'} {asked:.6g}"
    sentence = f"{metric} is {value:.6g}{of_interval}, needed is {needed}"
    return Finding(passed, sentence, metric, by_value and not passed, bound, numbers)


def _against_champion(gate: Gate, value: float, champion: float | None) -> Finding:
    if champion is None or not math.isfinite(champion):
        return Finding(True, f"{gate.metric} is {value:.6g}, the champion has no such number", gate.metric)
    worse_by = champion - value if gate.higher_is_better else value - champion
    passed = worse_by <= (gate.champion_margin or 0.0)
    sentence = (
        f"{gate.metric} is {value:.6g}, the champion has {champion:.6g}; "
        f"allowed is to be worse by {gate.champion_margin:.6g}"
    )
    numbers = (value, champion, gate.champion_margin or 0.0)
    return Finding(passed, sentence, gate.metric, bound="margin", numbers=numbers)
