"""Decision log of campaigns: a run is kept under an id that follows from its inputs; replay uses it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from vipreco.cli.list_log import CAMPAIGN, ListSource, log_list, split_question
from vipreco.cli.made_lists import Again, made_of_rows
from vipreco.errors import UsageError

if TYPE_CHECKING:
    import polars as pl

    from vipreco.assurance import MadeList
    from vipreco.campaign import RunResult
    from vipreco.explanations import Explainer
    from vipreco.history import View
    from vipreco.recommender import ModelInForce, ModelSplit, Recommender

ID_DIGITS = 32
NUMBERS = (
    "propensity",
    "chance_with_contact",
    "value_amount",
    "expected_gain",
    "priority",
    "arm_probability",
    "action_probability",
)


def log_campaign(
    source: ListSource,
    after: int,
    rival: tuple[ModelSplit, Recommender, ModelInForce] | None,
    result: RunResult,
) -> str:
    """Keep a finished run in the decision log, and return its id; run again, it has the same id.

    Args:
        source: Model, tables and rules.
        after: Number of the last change of the store that the tables hold.
        rival: Decides for a part of the customers.
        result: The run.
    """
    import polars as pl

    from vipreco.campaign import ASSIGNMENTS, PRODUCTS_OFF, SEQUENCE

    manifest = result.manifest
    question: dict[str, Any] = {
        "campaign": manifest["campaign"],
        "after": after,
        "until": int(manifest["inputs"][SEQUENCE]),
        PRODUCTS_OFF: manifest.get(PRODUCTS_OFF, []),
        "exact": manifest["inputs"]["solver"] == "exact",
        "salt": manifest["salt_id"],
    }
    if rival is not None:
        question |= split_question(source.project, rival, source.weights)
    frame = pl.read_parquet(result.folder / ASSIGNMENTS, glob=False)
    made = made_of_assignments(source.recommender, source.view, frame)
    return log_list(source, CAMPAIGN, question, made, manifest["inputs_hash"][:ID_DIGITS])


def made_of_assignments(recommender: Recommender, view: View, frame: pl.DataFrame) -> MadeList:
    """Return the assignments of a campaign as a list: each eligible customer with arm, offer and numbers."""
    told = frame.select("customer_id", "product_id", "channel", "arm", *NUMBERS)
    rows = tuple(
        (customer, f"{product} by {channel}, {arm}" if product else arm, None, tuple(numbers))
        for customer, product, channel, arm, *numbers in told.iter_rows()
    )
    return made_of_rows(recommender, view, rows)


def assigned_again(
    again: Again, question: dict[str, Any], rival: tuple[ModelSplit, Explainer] | None
) -> pl.DataFrame:
    """Return the assignments of a campaign as they are made by model, tables, rules and store of then.

    Raises:
        UsageError: The salt of the control groups is another one.
    """
    from vipreco.artifact import verify
    from vipreco.campaign import (
        PRODUCTS_OFF,
        Bank,
        Campaign,
        Challenger,
        RunOptions,
        StoreChanges,
        assignments,
    )
    from vipreco.cli.project_inputs import folder_of_hash
    from vipreco.cli.store_session import actor_named
    from vipreco.folds import salt_id, salt_of
    from vipreco.store import Store

    project = again.project
    salt = salt_of(project.settings.campaign.control_salt, project.seed)
    if salt_id(salt) != question["salt"]:
        raise UsageError(
            "the campaign was run with another salt of the control groups",
            where="[campaign] control_salt",
            remedy="set the salt of then, and replay again",
            code="salt-differs",
        )
    challenger = None
    if rival is not None:
        split, explainer = rival
        model = verify(folder_of_hash(project, question["challenger"])).artifact_hash
        challenger = Challenger(explainer.recommender, model, split)
    bank = Bank(
        again.explainer.recommender, "", again.view, salt, project.seed, question["after"], challenger
    )
    with Store.open(project.store_url) as store:
        off = frozenset(question[PRODUCTS_OFF])
        changes = StoreChanges.read(store, off, question["after"], question["until"])
    campaign = Campaign.model_validate_json(json.dumps(question["campaign"]))
    options = RunOptions("decision log", actor_named(None), exact=question["exact"], threads=project.threads)
    return assignments(bank, campaign, changes, options)
