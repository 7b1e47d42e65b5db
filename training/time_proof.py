"""Proof, on a fresh artifact, that nothing known later reaches a feature, score or list."""

from __future__ import annotations

from typing import Final

from training.result import TrainingJob
from vipreco.assurance import LeakBank, leakcheck
from vipreco.errors import IntegrityError
from vipreco.recommender import Recommender

CUSTOMERS: Final = 2_000
"""Sample of customers: two changed copies of the tables are computed again."""


def prove_time(job: TrainingJob) -> None:
    """Do nothing where nothing known after the newest as-of date reaches what is computed as of it.

    The artifact of the fit is used, since its features are those that will be served.

    Raises:
        IntegrityError: A feature, score or list changes with the future.
    """
    job.say("Proving that no future reaches a feature")
    project = job.project
    recommender = Recommender.load(job.artifact_folder, project.threads)
    bank = LeakBank(project.tables, recommender, project.threads)
    day = job.as_of_dates[-1]
    report = leakcheck(bank, day, seed=project.seed, step=job.say, customers=CUSTOMERS)
    if not report.passed:
        differing = (one for one in report.checks if not one.identical)
        wrong = [f"{one.what}, future {one.mode}: {', '.join(one.columns)}" for one in differing]
        raise IntegrityError(
            f"what became known after {report.as_of} reaches what is computed as of it",
            where=str(project.features),
            remedy="`vipreco leakcheck` shows all of it; the challenger was not kept",
            code="leak",
            examples=wrong or ["a planted leak was not found"],
        )
