"""Rows of the figures that a model gives: expected drain, offers stopped by a rule."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import polars as pl
from numpy.typing import NDArray

from vipreco.columns import CUSTOMER_ID
from vipreco.errors import InputRejectedError
from vipreco.history import View
from vipreco.lists import Audience
from vipreco.policy import ALLOWED, Language, Stage
from vipreco.propensity import ATTRITION
from vipreco.recommender import Decisions, Recommender, Relations

LANGUAGES: tuple[Language, ...] = ("en", "zh")
DRAIN, STOPPED = "drain_expected", "offers_stopped"
MODEL_SCHEMA = pl.Schema(
    {
        "figure": pl.String(),
        "customer_id": pl.String(),
        "amount": pl.Float64(),
        "value": pl.Float64(),
        "part": pl.String(),
    }
)


@dataclass(frozen=True)
class ModelFigures:
    """Rows of the figures that a model expects of the VIP customers.

    Args:
        rows: Columns of `MODEL_SCHEMA`.
        horizon_months: Months ahead for which attrition is told.
        missing: Cause for which nothing is told; empty where it is.
        rule_names: What each reason code is about, by language.
    """

    rows: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=MODEL_SCHEMA))
    horizon_months: int = 0
    missing: str = ""
    rule_names: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


class ModelRows:
    """Collects, chunk by chunk of a decision frame, what a model expects of the VIP customers.

    Args:
        recommender: The model.
        relations: How all customers of the frame stand.
    """

    def __init__(self, recommender: Recommender, relations: Relations) -> None:
        self.recommender, self.relations = recommender, relations
        vip = np.array(recommender.features.ladder.vip, np.str_)
        self.is_vip = np.isin(relations.tiers.astype(np.str_), vip)
        self.tells = recommender.relationship is not None and recommender.relationship.gives(ATTRITION)
        self._rows = [pl.DataFrame(schema=MODEL_SCHEMA)]

    def add(self, rows: slice, decisions: Decisions) -> None:
        """Add the decisions about some customers of the frame."""
        vip = self.is_vip[rows]
        if not vip.any():
            return
        self._rows.append(_stopped_rows(decisions, vip))
        if self.tells:
            self._rows.append(_drain_rows(decisions, vip, self.relations.aum[rows]))

    def figures(self) -> ModelFigures:
        """Return what was collected."""
        months = self.recommender.settings.relationship_horizon_months if self.tells else 0
        names = {
            rule.reason_code: {str(language): rule.named(language) for language in LANGUAGES}
            for rule in self.recommender.policy.rules
        }
        return ModelFigures(pl.concat(self._rows), months, rule_names=names)


def vip_figures(recommender: Recommender, view: View) -> ModelFigures | None:
    """Return what a model expects of the VIP customers of a view; None where there are none."""
    try:
        vip = Audience(tiers=recommender.features.ladder.vip).of(view)
    except InputRejectedError:  # the figures say so
        return None
    known = recommender.context(vip)
    found, start = ModelRows(recommender, known.relations), 0
    for decisions in recommender.decisions(known):
        rows = slice(start, start + len(decisions.customer_ids))
        found.add(rows, decisions)
        start = rows.stop
    return found.figures()


def _drain_rows(decisions: Decisions, vip: NDArray[np.bool_], assets: NDArray[np.float64]) -> pl.DataFrame:
    """Return chance and expected loss of each VIP customer; null where no chance is told."""
    chance, kinds = decisions.attrition_probability, decisions.factors.economics.kinds
    share = chance if kinds is None else (kinds.probabilities * kinds.lost_shares).sum(axis=1)
    found = {
        CUSTOMER_ID: decisions.customer_ids[vip].tolist(),
        "amount": (share * assets)[vip],
        "value": chance[vip],
    }
    return _modelled(DRAIN, pl.DataFrame(found, nan_to_null=True))


def _stopped_rows(decisions: Decisions, vip: NDArray[np.bool_]) -> pl.DataFrame:
    """Return, for each VIP customer and reason, how many products rules stop and what they are worth.

    A product that is held, or lacks its prerequisite, is not stopped: it is not relevant now.
    """
    rules = decisions.policy.rules
    stops = [
        ALLOWED,
        *(0 if rule.stage is Stage.APPLICABILITY else number for number, rule in enumerate(rules, 1)),
    ]
    verdict = np.array(stops)[decisions.verdict] * vip[:, None]
    rows, columns = np.nonzero(verdict)
    frame = pl.DataFrame(
        {
            CUSTOMER_ID: pl.Series(decisions.customer_ids.tolist(), dtype=pl.String).gather(rows),
            "part": pl.Series([rule.reason_code for rule in rules], dtype=pl.String).gather(
                verdict[rows, columns] - 1
            ),
            "amount": np.maximum(decisions.factors.money.priority[rows, columns], 0.0),
        },
        nan_to_null=True,
    )
    grouped = frame.group_by(CUSTOMER_ID, "part").agg(
        pl.col("amount").sum(), pl.len().cast(pl.Float64).alias("value")
    )
    return _modelled(STOPPED, grouped.sort(CUSTOMER_ID, "part"))


def _modelled(key: str, rows: pl.DataFrame) -> pl.DataFrame:
    part = [] if "part" in rows.columns else [pl.lit(None, pl.String).alias("part")]
    return rows.with_columns(pl.lit(key).alias("figure"), *part).select(list(MODEL_SCHEMA)).cast(MODEL_SCHEMA)
