"""The figures of a bank in parts of customers: a job a part, and what all of them tell together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any, Final

from vipreco.engines import PartedBank, Spec, TaskContext
from vipreco.kpi.model_rows import ModelFigures, vip_figures
from vipreco.kpi.rows import FigureInputs, FigureRows, figures_together, part_figures
from vipreco.kpi.stored_rows import read_part, save_part
from vipreco.recommender import ModelInForce

FIGURES_JOB: Final = "vipreco.kpi.figure_parts:figures_of_part"


@dataclass(frozen=True)
class FigureRequest:
    """Figures that are asked for.

    Args:
        as_of: Date whose knowledge is used.
        settings: The record of `FigureInputs`.
        keys: The figures.
        model: The recommender in force; None where none is asked.
        model_missing: Why none is asked.
        branch: Only customers of this branch.
        manager: Only customers of this manager.
        moved: Customers who were handed over, with both managers.
    """

    as_of: str
    settings: Mapping[str, Any]
    keys: Sequence[str]
    model: Mapping[str, Any] | None = None
    model_missing: str = ""
    branch: str | None = None
    manager: str | None = None
    moved: Mapping[str, Sequence[str]] = field(default_factory=dict)


def figures_in_parts(bank: PartedBank, request: FigureRequest) -> FigureRows:
    """Return the figures asked for, whatever the number of parts and the engine."""
    with bank.outputs(FIGURES_JOB, {"request": asdict(request)}) as folders:
        return figures_together([read_part(one) for one in folders], request.keys)


def figures_of_part(spec: Spec, part: int, folder: Path, context: TaskContext) -> Mapping[str, int]:
    """Write the figures of the customers of one part: a `Job`."""
    request = FigureRequest(**spec["request"])
    view = context.history(spec["tables"], part).as_of(date.fromisoformat(request.as_of))
    model: ModelFigures | None = None
    context.step("figures")
    if request.model is not None:
        model = vip_figures(ModelInForce(**request.model).opened(context.limits.threads), view)
    elif request.model_missing:
        model = ModelFigures(missing=request.model_missing)
    inputs = replace(FigureInputs.from_record(request.settings), model=model)
    moved = {customer: (giver, taker) for customer, (giver, taker) in request.moved.items()}
    found = part_figures(view, inputs, request.keys).of(request.branch, request.manager, moved)
    save_part(found, folder)
    return {"rows": found.found.rows.height}
