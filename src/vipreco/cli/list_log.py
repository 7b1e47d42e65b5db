"""Decision log of commands: each list that is shown can be decided again by its id."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import typer

from vipreco.cli.store_session import actor_named, business_moment

if TYPE_CHECKING:
    from vipreco.assurance import MadeList
    from vipreco.history import View
    from vipreco.online import DaySettings
    from vipreco.project import Project
    from vipreco.recommender import ModelInForce, ModelSplit, Recommender

CALL_LIST, SHEET, OFFERS, BRANCH_LIST = "calllist", "sheet", "offers", "relationships"
CAMPAIGN = "campaign"


@dataclass(frozen=True)
class ListSource:
    """Model, tables and weights behind a list.

    Args:
        project: The project.
        recommender: With the rules and weights in force.
        model: Its name.
        view: Knowledge at the date of the list.
        weights: Share of its weight that each marked template of reasons keeps.
    """

    project: Project
    recommender: Recommender
    model: ModelInForce
    view: View
    weights: Mapping[str, float]


def log_list(
    source: ListSource, kind: str, question: dict[str, Any], made: MadeList, decision_id: str = ""
) -> str:
    """Keep a list in the decision log before it is shown, and tell its id on standard error.

    Under a given id the first list stays.

    Raises:
        VipRecoError: The store does not take it: the list must not be shown.
    """
    from vipreco.assurance import DecisionBasis, save_basis
    from vipreco.store import Store

    project, view = source.project, source.view
    basis = DecisionBasis.of(source.recommender, source.weights, day_settings_of(project))
    record = made.record(
        kind=kind,
        question=question,
        artifact_hash=source.model.artifact_hash,
        snapshot_id=view.snapshot_id,
        policy_version=source.recommender.policy.version,
        basis=save_basis(project.root, basis),
        day=view.date.isoformat(),
    )
    moment = business_moment(project).replace(microsecond=0)
    decision = record.decision(moment, actor_named(None), decision_id)
    with Store.open(project.store_url, checked=True) as store:
        store.decisions.add([decision])
    typer.echo(f"decision {decision.decision_id} (`vipreco replay --decision` makes it again)", err=True)
    return decision.decision_id


def split_question(
    project: Project, rival: tuple[ModelSplit, Recommender, ModelInForce], weights: Mapping[str, float]
) -> dict[str, Any]:
    """Return the part of a question about customers for whom a challenger decides."""
    from vipreco.assurance import DecisionBasis, save_basis

    split, recommender, model = rival
    basis = save_basis(project.root, DecisionBasis.of(recommender, weights, day_settings_of(project)))
    return {"split": split.record(), "challenger": model.artifact_hash, "challenger_basis": basis}


def day_settings_of(project: Project) -> DaySettings:
    """Return the settings of the call lists of a project."""
    from vipreco.online import DaySettings

    settings = project.settings
    return DaySettings(settings.tiers.vip, settings.call_list, settings.project.currency)
