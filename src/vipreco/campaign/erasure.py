"""Export and erasure of a customer in finished campaigns."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import polars as pl

from vipreco.campaign.folder import MANIFEST, CampaignFolder, write_manifest
from vipreco.columns import CUSTOMER_ID
from vipreco.durable import write_bytes
from vipreco.store import Store


def campaign_rows(campaigns: CampaignFolder, customer_id: str) -> dict[str, list[dict[str, Any]]]:
    """Return the rows of a customer in the Parquet files of campaigns, by campaign."""
    found: dict[str, list[dict[str, Any]]] = {}
    for folder in _finished(campaigns):
        rows = [row for path in folder.rglob("*.parquet") for row in _rows(path, customer_id)]
        if rows:
            found[folder.name] = rows
    return found


def erase_from_campaigns(campaigns: CampaignFolder, store: Store, customer_id: str) -> dict[str, int]:
    """Remove a customer from the files of all campaigns, and return the number of files by campaign.

    A workbook cannot be changed without its layout: it is removed, the CSV list beside it stays.

    Raises:
        BusyError: A campaign is being run.
    """
    changed: dict[str, int] = {}
    for folder in _finished(campaigns):
        with campaigns.alone(folder.name):
            files = sum(_erase(path, customer_id) for path in sorted(folder.rglob("*")) if path.is_file())
            if files:
                manifest = campaigns.manifest(folder.name) or {}
                (folder / MANIFEST).unlink()
                manifest = write_manifest(folder, {k: v for k, v in manifest.items() if k != "files"})
                changed[folder.name] = files
                if store.campaigns.read(folder.name) is not None:
                    members = store.campaigns.members(folder.name)
                    rest = members.filter(pl.col(CUSTOMER_ID) != customer_id)
                    store.campaigns.finish(folder.name, manifest, rest)
    return changed


def _finished(campaigns: CampaignFolder) -> list[Path]:
    return sorted(path.parent for path in campaigns.folder.glob(f"*/{MANIFEST}"))


def _rows(path: Path, customer_id: str) -> list[dict[str, Any]]:
    frame = pl.scan_parquet(path)
    if CUSTOMER_ID not in frame.collect_schema().names():
        return []
    return frame.filter(pl.col(CUSTOMER_ID) == customer_id).collect().to_dicts()


def _erase(path: Path, customer_id: str) -> bool:
    """Remove a customer from a file; return whether it held the customer."""
    if path.suffix == ".parquet":
        return _erase_rows(path, customer_id)
    if path.suffix == ".csv":
        return _erase_lines(path, customer_id)
    if path.suffix == ".xlsx":
        return _erase_workbook(path, customer_id)
    return False


def _erase_rows(path: Path, customer_id: str) -> bool:
    if not _rows(path, customer_id):
        return False
    stream = io.BytesIO()
    pl.read_parquet(path).filter(pl.col(CUSTOMER_ID) != customer_id).write_parquet(stream)
    write_bytes(path, stream.getvalue())
    return True


def _erase_lines(path: Path, customer_id: str) -> bool:
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.reader(file))
    kept = [row for row in rows if customer_id not in row]
    if len(kept) == len(rows):
        return False
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(kept)
    write_bytes(path, text.getvalue().encode())
    return True


def _erase_workbook(path: Path, customer_id: str) -> bool:
    import openpyxl  # noqa: PLC0415  for an erasure alone

    book = openpyxl.load_workbook(path, read_only=True)
    named = any(customer_id in row for sheet in book for row in sheet.iter_rows(values_only=True))
    book.close()
    if named:
        path.unlink()
    return named
