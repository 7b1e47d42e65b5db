"""The books of a release in the store, which says whose customer is whose."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl

from vipreco.online.release import BOOKS, MANIFEST, Releases
from vipreco.store import Store


def roll_back(releases: Releases, store: Store) -> Path:
    """Put the release before in force again, with its books; no registry is asked.

    Raises:
        UsageError: There is none.
    """
    folder = releases.roll_back()
    fill_books(store, folder)
    return folder


def sync_books(store: Store, folder: Path) -> None:
    """Fill the books where the store has those of another snapshot, or none: it may be a new one."""
    if store.books.snapshot_id() != _snapshot_id(folder):
        fill_books(store, folder)


def fill_books(store: Store, folder: Path) -> None:
    """Fill the store with the books of a prepared folder; a customer keeps their handle."""
    paths = sorted([*folder.glob(BOOKS), *folder.glob(f"p*/{BOOKS}")])
    store.books.replace_by_parts(
        _snapshot_id(folder), lambda: (pl.read_parquet(path, glob=False) for path in paths)
    )


def _snapshot_id(folder: Path) -> str:
    return str(json.loads((folder / MANIFEST).read_bytes())["snapshot_id"])
