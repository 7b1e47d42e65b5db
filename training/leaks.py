"""Refuses to learn from columns that know the label, which no cut of time can see."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from typing import Final

from training.result import TrainingJob
from training.unbiased_sample import open_sample
from vipreco.assurance import LabelLeak, find_label_leaks
from vipreco.errors import InputRejectedError
from vipreco.recommender import Panel

REMEDY: Final = (
    "take the column out of the mapping and import again, or bring it as it was at each date; if you know "
    "that it is right, name it: `vipreco train --accept-leak COLUMN`, or accept under [leaks] of the recipe"
)


def check_label_leaks(job: TrainingJob) -> tuple[str, ...]:
    """Return a remark for each column that knows the label and is used knowingly.

    Raises:
        InputRejectedError: A column knows the label and nobody accepted it; each is named with the sign.
    """
    job.say("Looking for columns that know the label")
    found = label_leaks(job)
    refused = [leak for leak in found if not leak.accepted]
    if refused:
        raise InputRejectedError(
            f"{len(refused)} column(s) know at the as-of date what the customer does after it",
            where=", ".join(map(str, job.as_of_dates)),
            remedy=REMEDY,
            code="label-leak",
            examples=[str(leak) for leak in refused],
        )
    return tuple(f"used knowingly: {leak}" for leak in found)


def label_leaks(job: TrainingJob) -> list[LabelLeak]:
    """Return the columns that know the label, of those that the recipe's models see.

    Who acquires at all is learnt from the unbiased sample where the recipe names one, so that is judged too.
    """
    found, sample = _leaks_of(job, Panel(job.history(), job.as_of_dates)), open_sample(job)
    if sample is not None:
        place = f"in {job.recipe.data.rates_tables} "
        found += [replace(leak, what=place + leak.what) for leak in _leaks_of(job, sample)]
    return [leak for leak in found if not _is_left_out(leak.column, job.recipe.recommender.leave_out)]


def _leaks_of(job: TrainingJob, panel: Panel) -> list[LabelLeak]:
    project, recipe = job.project, job.recipe
    return find_label_leaks(
        panel.history, panel.as_of, recipe.recommender, project.settings.tiers, recipe.leaks, project.seed
    )


def _is_left_out(column: str, patterns: Sequence[str]) -> bool:
    """Return whether a pattern leaves out the column with all features that are made of it."""
    name = column.partition(".")[2]
    return any(fnmatchcase(name, one) and fnmatchcase(f"{name}_change", one) for one in patterns)
