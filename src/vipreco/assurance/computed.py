"""Hashes of everything that is computed for customers as of a date, of which two can be compared."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Final, Self

import numpy as np
import polars as pl
import pyarrow as pa

from vipreco.engines import Spec, TaskContext
from vipreco.explanations import Explainer
from vipreco.history import View
from vipreco.lists import reasoned_offers
from vipreco.recommender import ModelInForce, Recommender

COMPUTED_JOB: Final = "vipreco.assurance.computed:computed_of_part"
COMPUTED: Final = "computed.json"
LIST_LENGTH: Final = 7


@dataclass(frozen=True)
class Computed:
    """Hashes of what is computed for some customers.

    Args:
        customers: How many they are.
        ids: Of their ids.
        columns: Of each feature, by name.
        scores: Of chances and verdicts; empty where only features were computed.
        lists: Of offers with their reasons; empty where only features were computed.
    """

    customers: int
    ids: str
    columns: Mapping[str, str]
    scores: str = ""
    lists: str = ""

    @classmethod
    def read(cls, content: bytes) -> Self:
        """Return what was written as JSON."""
        return cls(**json.loads(content))

    @property
    def features(self) -> tuple[str, tuple[tuple[str, str], ...]]:
        """Hash of the customers, and names and hashes of the features in their order."""
        return self.ids, tuple(self.columns.items())

    def differing(self, other: Computed) -> list[str]:
        """Return the features that differ for the same customers."""
        if self.ids != other.ids or list(self.columns) != list(other.columns):
            return []
        return [name for name, known in self.columns.items() if other.columns[name] != known]


def computed_of(view: View, recommender: Recommender, *, whole: bool = True) -> Computed:
    """Return the hashes of what is computed for the customers of a view.

    Args:
        view: As of a date.
        recommender: Its features and models are used.
        whole: With scores and lists.
    """
    if not view.population().num_rows:
        return Computed(0, "", {})
    computed = recommender.features.compute(view, recommender.product_ids)
    matrix = computed.encoded(recommender.vocabulary).matrix()
    columns = {
        name: _hash(np.ascontiguousarray(matrix.values[:, place]).tobytes())
        for place, name in enumerate(matrix.names)
    }
    ids = _hash("\n".join(map(str, matrix.customer_ids.tolist())).encode())
    found = Computed(len(matrix.customer_ids), ids, columns)
    if not whole:
        return found
    return Computed(found.customers, ids, columns, _scores(view, recommender), _lists(view, recommender))


def computed_of_part(spec: Spec, part: int, folder: Path, context: TaskContext) -> Mapping[str, int]:
    """Write the hashes of the customers of one part: a `Job`."""
    view = context.history(spec["tables"], part).as_of(date.fromisoformat(spec["day"]))
    if spec["customers"] is not None:
        view = view.of(pa.array(spec["customers"], pa.string()))
    recommender = ModelInForce(**spec["model"]).opened(context.limits.threads)
    found = computed_of(view, recommender, whole=spec["whole"])
    # the order of the features counts, so that keys are not sorted
    (folder / COMPUTED).write_text(json.dumps(asdict(found)))
    return {"rows": found.customers}


def _scores(view: View, recommender: Recommender) -> str:
    scores = hashlib.sha256()
    for decisions in recommender.decide(view):
        scores.update(decisions.propensity.tobytes() + decisions.verdict.tobytes())
        scores.update(
            decisions.attrition_probability.tobytes() + decisions.tier_upgrade_probability.tobytes()
        )
    return scores.hexdigest()


def _lists(view: View, recommender: Recommender) -> str:
    lists = hashlib.sha256()
    for offers in reasoned_offers(Explainer(recommender), view, LIST_LENGTH):
        lists.update(_frame_bytes(offers))
    return lists.hexdigest()


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _frame_bytes(frame: pl.DataFrame) -> bytes:
    return frame.write_ipc(None, compression="uncompressed").getvalue()
