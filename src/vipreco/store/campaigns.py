"""Campaign runs, begun once under a key, and their members."""

from __future__ import annotations

import json
from dataclasses import dataclass

import polars as pl
from sqlalchemy import RowMapping, delete, insert, select, update

from vipreco.errors import BusyError
from vipreco.store.connection import Database
from vipreco.store.failures import retry_if_taken
from vipreco.store.schema import campaign_members, campaign_runs

BATCH = 10_000
MEMBER_COLUMNS = ("customer_id", "arm", "product_id", "channel", "manager_id")


@dataclass(frozen=True)
class Run:
    """A campaign run; `manifest` is None until it is finished."""

    campaign_id: str
    inputs_hash: str
    inputs: dict[str, str]
    manifest: dict[str, object] | None


class Campaigns:
    """Campaign runs by key, with their members."""

    def __init__(self, database: Database) -> None:
        self.database = database

    @retry_if_taken
    def begin(self, actor: str, campaign_id: str, inputs: dict[str, str], inputs_hash: str) -> Run:
        """Begin a run, or return the existing one with the same inputs.

        Args:
            actor: User who runs it.
            campaign_id: Key of the campaign.
            inputs: Name and hash of every input of the result.
            inputs_hash: Hash of all inputs.

        Raises:
            BusyError: The key belongs to other inputs; the differing ones are named.
        """
        with self.database.writing() as connection:
            row = connection.execute(
                select(campaign_runs).where(campaign_runs.c.campaign_id == campaign_id)
            ).first()
            if row is None:
                known = {"campaign_id": campaign_id, "inputs_hash": inputs_hash, "actor": actor}
                connection.execute(insert(campaign_runs), {**known, "inputs": json.dumps(inputs)})
                return Run(campaign_id, inputs_hash, inputs, None)
        run = _run(row._mapping)
        if run.inputs_hash != inputs_hash:
            raise _other_inputs(run, inputs)
        return run

    @retry_if_taken
    def finish(self, campaign_id: str, manifest: dict[str, object], members: pl.DataFrame) -> None:
        """Store the members and the manifest of a run in one transaction; repeating it changes nothing."""
        with self.database.writing() as connection:
            mine = campaign_members.c.campaign_id == campaign_id
            connection.execute(delete(campaign_members).where(mine))
            for part in members.select(MEMBER_COLUMNS).iter_slices(BATCH):
                rows = [{**row, "campaign_id": campaign_id} for row in part.to_dicts()]
                connection.execute(insert(campaign_members), rows)
            changed = update(campaign_runs).where(campaign_runs.c.campaign_id == campaign_id)
            connection.execute(changed.values(manifest=json.dumps(manifest)))

    def read(self, campaign_id: str) -> Run | None:
        """Return a run by its key."""
        query = select(campaign_runs).where(campaign_runs.c.campaign_id == campaign_id)
        with self.database.reading() as connection:
            row = connection.execute(query).first()
        return None if row is None else _run(row._mapping)

    def all(self) -> list[Run]:
        """Return all runs by key."""
        query = select(campaign_runs).order_by(campaign_runs.c.campaign_id)
        with self.database.reading() as connection:
            return [_run(row._mapping) for row in connection.execute(query)]

    def members(self, campaign_id: str) -> pl.DataFrame:
        """Return the members of a run, by customer."""
        columns = [campaign_members.c[name] for name in MEMBER_COLUMNS]
        query = select(*columns).where(campaign_members.c.campaign_id == campaign_id)
        with self.database.reading() as connection:
            rows = connection.execute(query.order_by(campaign_members.c.customer_id)).all()
        schema = dict.fromkeys(MEMBER_COLUMNS, pl.String())
        return pl.DataFrame([tuple(row) for row in rows], schema, orient="row")


def _run(row: RowMapping) -> Run:
    manifest = row["manifest"]
    return Run(
        row["campaign_id"],
        row["inputs_hash"],
        json.loads(row["inputs"]),
        None if manifest is None else json.loads(manifest),
    )


def _other_inputs(run: Run, inputs: dict[str, str]) -> BusyError:
    names = sorted({*run.inputs, *inputs})
    changed = [name for name in names if run.inputs.get(name) != inputs.get(name)]
    return BusyError(
        f"the key {run.campaign_id} exists with other inputs",
        where="campaign",
        remedy="give the changed campaign a key of its own",
        code="other-inputs",
        examples=[
            f"{name}: was {run.inputs.get(name, 'missing')[:40]}, is {inputs.get(name, 'missing')[:40]}"
            for name in changed
        ],
    )
