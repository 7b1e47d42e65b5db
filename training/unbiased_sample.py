"""Opens the unbiased sample from which a recipe learns how often anything is acquired."""

from __future__ import annotations

from typing import Final

from training.recipe import training_dates
from training.result import TrainingJob
from vipreco.recommender import Panel

ALL_DATES: Final[dict[str, object]] = {"as_of_dates": (), "newest": 1_000}


def open_sample(job: TrainingJob) -> Panel | None:
    """Return the tables of the sample with all of their labelled dates; None where the recipe names none."""
    recipe = job.recipe
    if not recipe.data.rates_tables:
        return None
    history = job.history(job.project.root / recipe.data.rates_tables)
    every = recipe.model_copy(update={"data": recipe.data.model_copy(update=ALL_DATES)})
    return Panel(history, tuple(training_dates(every, history.snapshot_dates)))
