"""The tables behind a training as MLflow datasets: digest, columns and numbers of rows, never a row."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from vipreco.project import Project
from vipreco.settings import Section
from vipreco.tables import CONTRACTS, Kind, Tables

if TYPE_CHECKING:
    from mlflow.entities import DatasetInput

CONTEXT_TAG: Final = "mlflow.data.context"
SOURCE_TYPE: Final = "vipreco_tables"
TYPES: Final = {
    Kind.AMOUNT: "double",
    Kind.NUMBER: "double",
    Kind.DATE: "datetime",
    Kind.MOMENT: "datetime",
    Kind.FLAG: "boolean",
}


class DatasetFacts(Section):
    """Imported tables as a dataset.

    Args:
        name: What they are to the training.
        digest: Their fingerprint.
        rows: Number of stored rows of each present table.
        columns: Type of each column, by `table.column`.
    """

    name: str
    digest: str
    rows: dict[str, int]
    columns: dict[str, str]


def dataset_of(project: Project, name: str, snapshot_id: str) -> DatasetFacts:
    """Return the facts about the tables of a project as they were at a fingerprint.

    Raises:
        InputRejectedError: They never had it.
    """
    tables = Tables.open(project.tables, snapshot_id, project.signatures)
    rows = {table: tables.rows(table) for table in CONTRACTS if tables.rows(table)}
    columns = {
        f"{table}.{column.name}": TYPES.get(column.kind, "string")
        for table in rows
        for column in CONTRACTS[table].columns
    }
    return DatasetFacts(name=name, digest=snapshot_id, rows=rows, columns=columns)


def dataset_input(facts: DatasetFacts) -> DatasetInput:
    """Return a dataset as MLflow logs it."""
    from mlflow.entities import Dataset, DatasetInput, InputTag  # noqa: PLC0415 - takes seconds

    columns = [{"name": name, "type": kind, "required": False} for name, kind in facts.columns.items()]
    dataset = Dataset(
        name=facts.name,
        digest=facts.digest,
        source_type=SOURCE_TYPE,
        source=json.dumps({"snapshot_id": facts.digest}),
        schema=json.dumps({"mlflow_colspec": columns}),
        profile=json.dumps({f"{table} rows": count for table, count in facts.rows.items()}),
    )
    return DatasetInput(dataset, [InputTag(CONTEXT_TAG, "training")])
