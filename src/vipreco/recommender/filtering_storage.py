"""Collaborative filtering in an artifact: the prior of the boosters, and the pool of artifacts of before."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vipreco.artifact import read_arrays, write_arrays
from vipreco.collaborative import SOURCES, Source
from vipreco.propensity import AcquisitionModel, HoldingColumns, Hybrid, LookAlikes, PairPrior, PairScores

HYBRID, HYBRID_FORMAT = "hybrid", 1
HYBRID_ARRAYS = ("centre", "spread", "thin", "families", "weights")
"""Collaborative filtering above the boosters, in artifacts of before; these stay readable."""
PRIOR, PRIOR_FORMAT = "prior", 1
PRIOR_ARRAYS = ("families", "intercepts", "weights")
SCORES_ARRAYS = ("centre", "spread")
LOOK_ALIKE_ARRAYS = ("columns", "knots", "centre", "weights")
Arrays = dict[str, NDArray[Any]]


def write_sources(folder: Path, model: AcquisitionModel) -> None:
    """Write the sources of prior and pool, each into a folder of its own."""
    if model.hybrid:
        write_arrays(folder, HYBRID, numbers(model.hybrid.source))
    if model.product.prior:
        write_arrays(folder, PRIOR, numbers(model.product.prior.scores.source))


def formats(model: AcquisitionModel) -> dict[str, int]:
    """Return which of them there are, with the formats in which they are written."""
    hybrid = {HYBRID: HYBRID_FORMAT} if model.hybrid else {}
    return hybrid | ({PRIOR: PRIOR_FORMAT} if model.product.prior else {})


def filtering_arrays(model: AcquisitionModel) -> Arrays:
    """Return the arrays of prior and pool, by name."""
    return {**_hybrid_arrays(model.hybrid), **_prior_arrays(model.product.prior)}


def _hybrid_arrays(hybrid: Hybrid | None) -> Arrays:
    if hybrid is None:
        return {}
    return {f"{HYBRID}_{name}": np.asarray(getattr(hybrid, name)) for name in HYBRID_ARRAYS}


def _prior_arrays(prior: PairPrior | None) -> Arrays:
    if prior is None:
        return {}
    parts = (
        (PRIOR, prior, PRIOR_ARRAYS),
        (f"{PRIOR}_scores", prior.scores, SCORES_ARRAYS),
        (f"{PRIOR}_look_alikes", prior.scores.look_alikes, LOOK_ALIKE_ARRAYS),
    )
    return {
        f"{head}_{name}": np.asarray(getattr(part, name)) for head, part, names in parts for name in names
    }


def numbers(source: Source) -> Arrays:
    """Return the source's arrays but the product ids, which are text and stand in the JSON."""
    return {name: array for name, array in source.arrays().items() if name != "product_ids"}


def read_source(folder: Path, facts: dict[str, Any], name: str = "source") -> Source:
    """Return a source, by the name of the fit's, from one of its folders."""
    ids = np.array(sorted(facts["product_ids"]), np.str_)
    return SOURCES[facts["source"]].from_arrays({"product_ids": ids, **read_arrays(folder, name)})


def read_prior(folder: Path, facts: dict[str, Any], arrays: Arrays) -> PairPrior | None:
    """Return the shares that the boosters start from; None in an artifact of before, or without holdings."""
    if PRIOR not in facts and f"{PRIOR}_weights" not in arrays:
        return None
    if facts[PRIOR] != PRIOR_FORMAT:
        raise ValueError(f"a prior of format {facts[PRIOR]}")
    holdings = HoldingColumns.of(tuple(facts["names"]), tuple(facts["product_ids"]))
    if holdings is None:
        raise KeyError("columns of what customers held")

    def named(head: str, names: tuple[str, ...]) -> Arrays:
        return {name: arrays[f"{head}_{name}"] for name in names}

    look_alikes = LookAlikes(**named(f"{PRIOR}_look_alikes", LOOK_ALIKE_ARRAYS))
    source = read_source(folder, facts, PRIOR)
    scores = PairScores(source, look_alikes, **named(f"{PRIOR}_scores", SCORES_ARRAYS))
    return PairPrior(scores, holdings, **named(PRIOR, PRIOR_ARRAYS))


def read_hybrid(folder: Path, facts: dict[str, Any], arrays: Arrays) -> Hybrid | None:
    """Return collaborative filtering as it enters the shares; None in an artifact of before it did."""
    if HYBRID not in facts and f"{HYBRID}_weights" not in arrays:
        return None
    if facts[HYBRID] != HYBRID_FORMAT:
        raise ValueError(f"collaborative filtering of format {facts[HYBRID]}")
    holdings = HoldingColumns.of(tuple(facts["names"]), tuple(facts["product_ids"]))
    if holdings is None:
        raise KeyError("columns of what customers held")
    parts = {name: arrays[f"{HYBRID}_{name}"] for name in HYBRID_ARRAYS}
    return Hybrid(read_source(folder, facts, HYBRID), holdings, **parts)
