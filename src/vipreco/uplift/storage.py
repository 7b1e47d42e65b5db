"""The learner of uplift in an artifact: booster texts and a few facts; an artifact without it is whole."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from vipreco.propensity import Booster
from vipreco.uplift.learners import LEARNERS
from vipreco.uplift.model import PairColumns, UpliftModel

BOOSTER: Final = "uplift-{}.txt"


def write_boosters(model: UpliftModel, folder: Path) -> None:
    """Write the booster texts into the folder of an artifact's boosters."""
    for part, booster in model.learner.boosters.items():
        (folder / BOOSTER.format(part)).write_text(booster.text(), encoding="utf-8")


def facts_of(model: UpliftModel) -> dict[str, Any]:
    """Return what stands beside the texts, as JSON values."""
    return {
        "kind": model.kind,
        "treated_rate": model.learner.treated_rate,
        "boosters": {part: list(booster.names) for part, booster in model.learner.boosters.items()},
        "customer_columns": list(model.columns.customer),
        "product_features": list(model.columns.product),
        "average": model.average,
        "reach_rate": model.reach_rate,
    }


def read_model(
    folder: Path, facts: Mapping[str, Any], names: tuple[str, ...], products: tuple[str, ...], threads: int
) -> UpliftModel:
    """Read the model from the folder of a verified artifact's boosters.

    Args:
        folder: Where the texts are.
        facts: What `facts_of` wrote.
        names: Columns of the fit.
        products: Products of the fit.
        threads: Of scoring.

    Raises:
        IntegrityError: A text has other columns, or the fit lacks one.
    """
    boosters = {
        part: Booster.from_text(
            (folder / BOOSTER.format(part)).read_text(encoding="utf-8"), tuple(columns), 1, threads
        )
        for part, columns in facts["boosters"].items()
    }
    learner = LEARNERS[facts["kind"]].of(boosters, facts["treated_rate"])
    columns = PairColumns.bound(facts["customer_columns"], facts["product_features"], names, products)
    return UpliftModel(facts["kind"], learner, columns, facts["average"], facts["reach_rate"])
