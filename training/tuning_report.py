"""Result of a search among the settings of a recipe."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path

from training.search_space import Value
from vipreco.stats import Estimate


@dataclass(frozen=True)
class TuningReport:
    """Result of a search.

    Args:
        trials: Trials that were finished.
        pruned: Trials that were broken off since their first date was below the median.
        metric: What was searched for.
        former: The metric of the recipe as it was, on the validation dates.
        best: That of the best trial.
        settings: Of the best trial.
        opened_date: The newest labelled date, which no trial saw.
        opened_at: When it was opened, UTC.
        former_newest: The metric of the recipe as it was, on the newest date.
        best_newest: That of the best trial.
        difference: In MAP on the newest date, best minus former, paired by customer.
        recipe: File of the best settings; None where those of the recipe are the best.
    """

    trials: int
    pruned: int
    metric: str
    former: float
    best: float
    settings: dict[str, Value]
    opened_date: date
    opened_at: str
    former_newest: float
    best_newest: float
    difference: Estimate
    recipe: Path | None

    @property
    def lines(self) -> list[str]:
        """The report as sentences."""
        found = [
            f"{self.trials} trials finished, {self.pruned} broken off early",
            f"validation dates: {self.metric} {self.best:.4f}, {self.former:.4f} with the recipe as it is",
            f"newest date {self.opened_date}, which no trial saw, was opened once, at {self.opened_at} UTC",
            f"there: {self.metric} {self.best_newest:.4f}, {self.former_newest:.4f} with the recipe as it is",
            f"there, MAP by customer: {_signed(self.difference)}",
        ]
        if self.recipe is None:
            return [*found, "no trial was better than the recipe: nothing was written"]
        return [
            *found,
            f"written: {self.recipe}",
            *(f"  {name} = {_toml(value)}" for name, value in self.settings.items()),
        ]


def _signed(difference: Estimate) -> str:
    if not difference.known:
        return str(difference)
    return f"{difference.value:+.4f} [{difference.low:+.4f}, {difference.high:+.4f}]"


def _toml(value: Value) -> str:
    return f'"{value}"' if isinstance(value, str) else str(value).lower()
