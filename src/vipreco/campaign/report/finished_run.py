"""Reader of finished runs, whose files are verified."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import polars as pl

from vipreco.campaign.campaign_run import ASSIGNMENTS
from vipreco.campaign.folder import CampaignFolder
from vipreco.durable import sha256_of
from vipreco.errors import IntegrityError, UsageError
from vipreco.store import Store


@dataclass(frozen=True)
class FinishedRun:
    """A finished run: who was in it, and its manifest."""

    assignments: pl.DataFrame
    manifest: dict[str, Any]


def open_run(store: Store, campaigns: CampaignFolder, key: str) -> FinishedRun:
    """Return a finished run by its key.

    Raises:
        UsageError: No such campaign was run, or its run is not finished.
        IntegrityError: Its files are not those that were written.
    """
    if store.campaigns.read(key) is None:
        raise UsageError(
            "no campaign with this key was run",
            where=key,
            remedy="list those that were: vipreco campaign list",
            code="unknown-campaign",
        )
    manifest = campaigns.manifest(key)
    if manifest is None:
        raise UsageError(
            "the run is not finished",
            where=key,
            remedy="run it again: vipreco campaign run",
            code="unfinished",
        )
    path = campaigns.path_of(key) / ASSIGNMENTS
    if not path.is_file() or sha256_of(path) != manifest["files"][ASSIGNMENTS]["sha256"]:
        raise IntegrityError(
            "is not the file that the run wrote",
            where=str(path),
            remedy="restore it from a backup, or run the campaign again: it gives the same file",
            code="assignments",
        )
    return FinishedRun(pl.read_parquet(path, glob=False), manifest)
