"""Tables of the model card and the validation report, from a backtest and a fitted recommender."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

from training.result import CALIBRATION, CHANGES, IMPORTANCE, CardTable
from vipreco.backtest import BacktestResult
from vipreco.propensity import ATTRITION_KINDS
from vipreco.recommender import Recommender, importance_by_family

if TYPE_CHECKING:
    from pandas import DataFrame

SHOWN: Final = 5
MIN_CUSTOMERS: Final = 30
SHOWN_AS: Final = {"ratio": "expected / observed", "rows": "pairs"}
COUNTED: Final = frozenset({"rows", "observed"})
ABOVE: Final = " above "
Cell = str | int | float | None


def quality(found: BacktestResult, list_length: int) -> str:
    """Show the ranking of every slice, a row a model: no number without its baselines."""
    metric = f"map@{list_length}"
    shown = large_slices(found.metrics)
    shown = shown[shown["metric"] == metric]
    slices = list(dict.fromkeys(shown["slice"]))
    most = {part: int(shown[shown["slice"] == part]["customers"].max()) for part in slices}
    head = ["model", *(f"{part} ({most[part]:,} customers)" for part in slices)]
    lines = [head, ["---"] * len(head)]
    for model, rows in shown.groupby("model", sort=False):
        cells = rows.set_index("slice").reindex(slices)
        ends = zip(cells["value"], cells["low"], cells["high"], strict=True)
        lines.append([str(model), *(str(_interval(*one) or "-") for one in ends)])
    told = "\n".join("| " + " | ".join(line) + " |" for line in lines)
    return f"### {metric} of each slice, 95 % intervals over customers\n{told}\n"


def large_slices(metrics: DataFrame) -> DataFrame:
    """Leave out slices of a few customers, whose figures are luck."""
    return metrics[(metrics["customers"] >= MIN_CUSTOMERS) | (metrics["slice"] == "all")]


def furthest(found: BacktestResult) -> dict[str, str]:
    """Return, by metric, the products and tiers whose calibration is surely off, the furthest first."""
    told: dict[str, str] = {}
    for kind, parts in found.parts.items():
        off = sorted((part for part in parts if part.surely_off > 1), key=lambda part: -part.surely_off)
        if off:
            shown = (f"{one.part}: sum {one.ratio}, slope {one.slope}" for one in off[:SHOWN])
            told[f"calibration-by-{kind}/surely-off"] = "; ".join(shown)
    return told


def calibration(found: BacktestResult) -> CardTable:
    """Show the calibration of all chances and of the listed ones."""
    parts = list(found.calibration.values())
    names = [name for name in found.calibration["all"] if not name.endswith(("/low", "/high"))]
    rows = tuple(
        (SHOWN_AS.get(name, name.replace("_", " ")), *(_with_ends(part, name) for part in parts))
        for name in names
    )
    return CardTable("Calibration of the chances", ("measure", *found.calibration), rows, CALIBRATION)


def _with_ends(part: Mapping[str, float], name: str) -> Cell:
    value, low, high = part.get(name), part.get(f"{name}/low"), part.get(f"{name}/high")
    if value is not None and name in COUNTED:
        return int(value)
    return value if value is None or low is None or high is None else f"{value:.3f} [{low:.3f}, {high:.3f}]"


def changes(found: BacktestResult) -> tuple[CardTable, ...]:
    """Show attrition and tier upgrades, a row a change and measure, each simple rule beside the model."""
    frame = found.changes.metrics
    if frame.empty:
        return ()
    frame = frame[(frame["customers"] >= MIN_CUSTOMERS) & ~frame["metric"].str.contains(ABOVE)]
    models = list(dict.fromkeys(frame["model"]))
    rows = [
        (str(change), str(metric), int(group["customers"].max()), *_beside(group, models))
        for (change, metric), group in frame.groupby(["slice", "metric"], sort=False)
    ]
    columns = ("change", "measure", "customers", *models)
    return (CardTable("Attrition and tier upgrades, 95 % intervals", columns, tuple(rows), CHANGES),)


def _beside(group: DataFrame, models: Sequence[str]) -> list[Cell]:
    found = {
        str(model): (value, low, high)
        for model, value, low, high in zip(
            group["model"], group["value"], group["low"], group["high"], strict=True
        )
    }
    return [_interval(*found[model]) if model in found else None for model in models]


def _interval(value: float, low: float, high: float) -> Cell:
    if value != value:  # noqa: PLR0124 - NaN alone differs from itself
        return None
    return f"{value:.3f}" if low != low else f"{value:.3f} [{low:.3f}, {high:.3f}]"  # noqa: PLR0124


def rules(recommender: Recommender) -> tuple[CardTable, ...]:
    """Show for each kind of attrition whether model or simple rule is used, and why."""
    model = recommender.relationship
    if model is None or not model.has_kinds:
        return ()
    columns = ("kind", "used", "cases", "auc of the model", "auc of the rule", "difference", "share lost")
    rows = []
    for kind in ATTRITION_KINDS:
        own, rule = model.models[kind], model.rule(kind)
        judged = own.judged
        figures: tuple[Cell, ...] = (None, None, None)
        if judged is not None:
            figures = (judged.auc, judged.rule_auc, f"[{judged.low:.3f}, {judged.high:.3f}]")
        used = f"simple rule: {rule}" if rule else "model"
        rows.append((kind, used, own.positives, *figures, model.lost_shares[kind]))
    title = "Attrition by kind: model or simple rule, on unseen customers"
    return (CardTable(title, columns, tuple(rows), CHANGES),)


def importance(recommender: Recommender) -> tuple[CardTable, ...]:
    """Show by model in which families of features its trees find their gain."""
    shares = importance_by_family(recommender)
    if not shares:
        return ()
    families = list(next(iter(shares.values())))
    rows = tuple((family, *(f"{own[family]:.1%}" for own in shares.values())) for family in families)
    title = "Importance of features by family: share of the gain of the trees"
    return (CardTable(title, ("family", *shares), rows, IMPORTANCE),)
