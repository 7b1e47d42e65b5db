"""Explainers of commands: templates of reasons that were often marked as not useful have less weight."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vipreco.cli.store_session import business_moment, store_if_any

if TYPE_CHECKING:
    from vipreco.explanations import Explainer
    from vipreco.project import Project
    from vipreco.recommender import Recommender


def open_explainer(project: Project, recommender: Recommender) -> Explainer:
    """Return what gives reasons; templates that were often marked as not useful have less weight."""
    from vipreco.explanations import Explainer

    return Explainer(recommender, reason_weights(project))


def reason_weights(project: Project) -> dict[str, float]:
    """Return the share of its weight that each marked template keeps, by the marks in the store."""
    with store_if_any(project) as store:
        if store is None or store.feedback.is_empty():
            return {}
        return store.feedback.weights(business_moment(project).date())
