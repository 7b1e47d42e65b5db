"""Lists as the decision log compares them, and what a list of then is made of."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vipreco.assurance import DecisionBasis, MadeList
    from vipreco.explanations import Explainer
    from vipreco.history import View
    from vipreco.project import Project
    from vipreco.recommender import Recommender


@dataclass(frozen=True)
class Again:
    """Everything that a list is made of.

    Args:
        explainer: The model of then, under the rules and weights of then.
        view: The tables of then.
        basis: Rules, weights and settings of then.
        project: The project.
    """

    explainer: Explainer
    view: View
    basis: DecisionBasis
    project: Project


def made_of_frame(explainer: Explainer, view: View, frame: Any) -> MadeList:
    """Return a list of rows with the features of its customers, if they are not too many."""
    from vipreco.assurance import rows_of_frame

    return made_of_rows(explainer.recommender, view, rows_of_frame(frame))


def made_of_frames(explainer: Explainer, view: View, frames: Iterable[Any]) -> MadeList:
    """Return the same of rows that come some at a time."""
    from vipreco.assurance import MadeList

    made = MadeList.of_frames(frames)
    return made if made.hashed else made_of_rows(explainer.recommender, view, made.rows)


def made_of_rows(recommender: Recommender, view: View, rows: tuple[Any, ...]) -> MadeList:
    """Return a list of rows with the features of its customers, if they are not too many."""
    import pyarrow as pa

    from vipreco.assurance import MAX_ROWS, MadeList, features_hash

    customers = sorted({row[0] for row in rows})
    if not customers or len(rows) > MAX_ROWS:
        return MadeList(rows)
    computed = recommender.compute(view.of(pa.array(customers, pa.string())))
    return MadeList(rows, features_hash(computed, customers))
