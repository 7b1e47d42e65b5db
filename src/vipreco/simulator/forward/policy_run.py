"""Forward simulation: each month a policy chooses contacts and the bank moves on; results are counted."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from vipreco.columns import CUSTOMER_ID
from vipreco.history import History
from vipreco.simulator.acquisitions import with_contacts
from vipreco.simulator.bank import Bank, Block
from vipreco.simulator.contacts import CALL, Contacts
from vipreco.simulator.forward.arms import ChooseContacts
from vipreco.simulator.forward.choices import check_choices, contacts_of
from vipreco.simulator.forward.oracle_policy import (
    best_contacts,
    gained_by_contacts,
    kept_by_call,
    reach_of,
)
from vipreco.simulator.forward.records import deliver_month
from vipreco.simulator.forward.warm_bank import WarmBank
from vipreco.simulator.month import MonthResult, attrition_chance, live
from vipreco.simulator.month_hazards import MonthHazards, hazards_of_month
from vipreco.simulator.parameters import FIRST_VIP_TIER
from vipreco.simulator.state import NOT_LEFT
from vipreco.tables import import_

ORACLE = "oracle"
ASSET_MARGIN = 0.01
Say = Callable[[str], None]
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Counted:
    """Running sums of one policy, a value a customer of a block; moved in place."""

    contacts: Floats
    earned: Floats
    expected: Floats
    gained: Floats
    at_stake: Floats
    kept: Floats

    @classmethod
    def nothing(cls, customers: int) -> Counted:
        """Return the counts before the first month."""
        return cls(*(np.zeros(customers) for _ in fields(cls)))


@dataclass
class Life:
    """The bank under one policy.

    Args:
        warm: The bank that all policies begin with.
        capacity: Contacts that can be made in a month.
        folder: Tables and files of this policy.
    """

    warm: WarmBank
    capacity: int
    folder: Path

    def __post_init__(self) -> None:
        self.blocks = self.warm.copied_blocks()
        self.late = self.warm.late
        self.counted = [Counted.nothing(len(block.skill)) for block in self.blocks]
        self.vip = [in_vip_book(block, self.warm.spec.past_months) for block in self.blocks]
        self.tables = self.folder / "tables"
        shutil.copytree(self.warm.tables, self.tables)

    def live(self, choose: ChooseContacts | None) -> None:
        """Live through all months; without a policy, the oracle chooses."""
        first, spec = self.warm.spec.past_months, self.warm.spec
        with threadpool_limits(1):
            for month in range(first, first + spec.months):
                lived = self.month(month, choose)
                if month + 1 < first + spec.months:
                    self.learn(month, lived)

    def month(self, month: int, choose: ChooseContacts | None) -> list[MonthResult]:
        """Choose the contacts of a month and let it happen."""
        bank = self.warm.bank
        before = [hazards_of_month(bank, block, month) for block in self.blocks]
        chosen = self._chosen(month, before, choose)
        choices = check_choices(chosen, bank, self.blocks, self.capacity)
        return [
            _lived(bank, block, hazards, contacts_of(bank, block, hazards, choices, month), month, counted)
            for block, hazards, counted in zip(self.blocks, before, self.counted, strict=True)
        ]

    def learn(self, month: int, lived: list[MonthResult]) -> None:
        """Give the bank the records of a month."""
        warm, out = self.warm, self.folder / f"month-{month}"
        both = list(zip(self.blocks, lived, strict=True))
        files, self.late = deliver_month(warm.bank, both, month, self.late, out)
        import_(self.tables, warm.mapping, files, warm.settings)

    def frame(self, name: str) -> pl.DataFrame:
        """Return what came of it, a row a customer."""
        parts = zip(self.blocks, self.counted, self.vip, strict=True)
        return pl.concat(_frame(name, *part) for part in parts)

    def _chosen(self, month: int, before: list[MonthHazards], choose: ChooseContacts | None) -> pl.DataFrame:
        bank = self.warm.bank
        if choose is None:
            return best_contacts(bank, self.blocks, before, month, self.capacity, ASSET_MARGIN)
        history = History.open(self.tables, self.warm.spec.threads)
        return choose(history.as_of(bank.calendar.snapshot_date(month - 1)), self.capacity)


def run(
    warm: WarmBank,
    arms: Mapping[str, ChooseContacts],
    capacity: int,
    work: Path,
    *,
    oracle: bool = False,
    say: Say = lambda _sentence: None,
) -> pl.DataFrame:
    """Let the bank live on under each policy for the months of its spec, all with the same luck.

    A policy sees what the bank knows before each month and nothing of the truth; nobody but the policy
    contacts anybody. Draws are keyed by month and customer, so that two policies differ only by what their
    contacts cause.

    Args:
        warm: The bank before the first month.
        arms: Policies by name.
        capacity: Contacts that a policy can make in a month, all with customers of VIP tiers.
        work: Folder for each policy's tables; removed again.
        oracle: Add the policy `oracle`, which sees the true chances of the coming month.
        say: Told what is being done.

    Returns:
        A row for each policy and customer: arm, customer_id, vip (of a VIP tier before the first month),
        contacts, earned_amount (value of acquisitions), expected_amount (the same in expectation, given the
        state before each month), gained_amount (the part of it that the contacts of the month add, whether
        they are answered averaged out), at_stake_amount (assets x chance to leave, summed over the months),
        kept_by_calls_amount (what the calls take from it, averaged likewise), assets_amount (at the end, 0 if
        left), left.

    Raises:
        UsageError: A policy wants what cannot be.
    """
    found: list[pl.DataFrame] = []
    for name, choose in {**arms, **({ORACLE: None} if oracle else {})}.items():
        say(name)
        life = Life(warm, capacity, work / f"policy-{len(found)}")
        life.live(choose)
        found.append(life.frame(name))
        shutil.rmtree(life.folder)
    return pl.concat(found)


def in_vip_book(block: Block, month: int) -> Flags:
    """Return flags of customers in the bank before a month, with a VIP tier."""
    flags: Flags = block.in_snapshot(month - 1) & (block.state.tier >= FIRST_VIP_TIER)
    return flags


def _lived(
    bank: Bank, block: Block, hazards: MonthHazards, contacts: Contacts, month: int, counted: Counted
) -> MonthResult:
    values = bank.catalogue.numbers("value")
    counted.contacts[contacts.customer] += 1
    counted.expected[:] += with_contacts(hazards.hazard, hazards.probability, contacts) @ values
    counted.gained[contacts.customer] += gained_by_contacts(bank, hazards, contacts)
    counted.at_stake[:] += attrition_chance(bank, block, hazards, contacts, month) * block.state.assets
    called = contacts.customer[contacts.channel == CALL]
    counted.kept[called] += reach_of(bank)[CALL] * kept_by_call(bank, block, hazards, month, 1.0)[called]
    result = live(bank, block, hazards, contacts, month)
    counted.earned[:] += result.acquired @ values
    return result


def _frame(name: str, block: Block, counted: Counted, vip: Flags) -> pl.DataFrame:
    left = block.state.left_month != NOT_LEFT
    return pl.DataFrame(
        {
            "arm": pl.repeat(name, len(left), dtype=pl.String, eager=True),
            CUSTOMER_ID: block.ids,
            "vip": vip,
            "contacts": counted.contacts,
            "earned_amount": counted.earned,
            "expected_amount": counted.expected,
            "gained_amount": counted.gained,
            "at_stake_amount": counted.at_stake,
            "kept_by_calls_amount": counted.kept,
            "assets_amount": np.where(left, 0.0, block.state.assets),
            "left": left,
        }
    )
