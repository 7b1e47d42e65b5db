"""Releases of the bank of fourteen customers: in one part and in several, of all products or the first."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from tests.online.parted_bank import IDS, LEFT, Bank, bank_in_parts
from tests.online.small_bank import VIP
from tests.shared import BuiltOnce, new_store
from vipreco.engines import LocalEngine
from vipreco.kpi import FigureInputs
from vipreco.online import DaySettings, EngineFill, NightlyBuild, OnlineService, Releases
from vipreco.online.nightly import publish
from vipreco.settings import CallListSettings, KpiSettings, TierLadder
from vipreco.store import Store

PARTS = 7
TOP = 2
PRESENT = [customer for customer in IDS if customer != LEFT]


@dataclass(frozen=True)
class Night:
    """Releases of the same bank, each with the service that reads it.

    Args:
        folders: By number of parts: all products of every customer.
        services: Of these.
        tops: By number of parts: services of releases with the first `TOP` offers alone.
        stores: Of the service of all products, and of the first offers, in `PARTS` parts.
    """

    folders: dict[int, Path]
    services: dict[int, OnlineService]
    tops: dict[int, OnlineService]
    stores: tuple[Store, Store]

    @property
    def both(self) -> tuple[OnlineService, OnlineService]:
        return self.services[1], self.services[PARTS]


def released_nights(built_once: BuiltOnce, home: Path) -> Night:
    """Build the releases in a folder."""
    bank = bank_in_parts(built_once, home)
    folders, services, stores = {}, {}, {}
    for key in [(parts, top) for parts in (1, PARTS) for top in (None, TOP)]:
        shutil.copy(new_store(built_once), home / f"store-{key}.db")
        stores[key] = Store.open(f"sqlite:///{home}/store-{key}.db")
        folders[key] = _released(bank, stores[key], *key)
        services[key] = OnlineService(folders[key], stores[key], DaySettings(VIP, CallListSettings()))
    return Night(
        {parts: folders[parts, None] for parts in (1, PARTS)},
        {parts: services[parts, None] for parts in (1, PARTS)},
        {parts: services[parts, TOP] for parts in (1, PARTS)},
        (stores[PARTS, None], stores[PARTS, TOP]),
    )


def _released(bank: Bank, store: Store, parts: int, top: int | None) -> Path:
    fill = EngineFill(LocalEngine(str(bank.folder / "runs")), bank.parts(parts), bank.model, lambda *_: None)
    figures = FigureInputs(TierLadder(vip=VIP), CallListSettings(), KpiSettings())
    build = NightlyBuild(
        bank.recommender, bank.artifact, bank.history, bank.view, VIP, days=2, figures=figures, top=top
    )
    folder = publish(Releases(bank.folder / f"serving-{parts}-{top}"), store, build, fill=fill)
    fill.discard()
    return folder
