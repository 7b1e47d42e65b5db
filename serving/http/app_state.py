"""State of the application: store, audit spool, keys, settings, and the release that answers."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol, Self

from serving.http.problems import unavailable
from serving.http.shared_limits import Rate, SharedLimits, Slots, run_folder
from vipreco.errors import BusyError, DependencyDownError
from vipreco.kpi import FigureRows
from vipreco.lists import Moved
from vipreco.online import Releases, ShownSheet, Slate, SlateLine
from vipreco.recommender import ProductEvidence
from vipreco.settings import ServingSettings
from vipreco.store import AuditRecord, Event, Keys, Scope, Store

__all__ = ["AppState", "Release", "Slate", "SlateLine", "age_days", "clock", "releases_of"]


PSEUDONYM_DIGITS = 16
DAY_SECONDS = 86_400
MAX_SEEN = 10_000  # customers of books that are known while the store does not answer


class Release(Protocol):
    """The answers of one nightly build; one object for as long as the release is served."""

    model_version: str
    snapshot_id: str
    snapshot_date: date
    policy_version: str
    warnings: tuple[str, ...]

    def knows(self, customer_id: str) -> bool:
        """Return whether the customer is in the snapshot."""

    def decided_on(self, customer_ids: Iterable[str]) -> dict[str, Any]:
        """Return the basis and the state of the store that decisions about some customers rest on."""

    def cached_offers(self, customer_id: str, channel: str, limit: int, moment: datetime) -> Slate | None:
        """Return the cached offers of a known customer, or None where they have to be decided."""

    def offers(self, customer_id: str, channel: str, limit: int, moment: datetime) -> Slate:
        """Return the offers of a known customer by the rules and facts of the moment."""

    def with_facts(
        self, customer_id: str | None, facts: Mapping[str, Any], channel: str, limit: int, moment: datetime
    ) -> Slate:
        """Return the offers under facts that the caller brings."""

    def popular(self, segment: str, channel: str, limit: int) -> Slate:
        """Return the popular products of a segment."""

    def sheet(
        self, customer_id: str, language: str, moment: datetime, manager_id: str | None = None
    ) -> ShownSheet:
        """Return the sheet of a known customer under a manager, with the day behind it."""

    def figures(self, branch: str | None, manager: str | None, moved: Moved) -> FigureRows | None:
        """Return the figures of a branch, or of a manager's book since hand-overs; None without any."""

    @property
    def product_ids(self) -> Collection[str]:
        """Ids of all products of the tables."""

    @property
    def evidence(self) -> Mapping[str, ProductEvidence]:
        """Evidence behind the chances of each product of the model."""

    def refresh(self) -> None:
        """Apply what changed in the store."""

    def check_files(self) -> None:
        """Check that the files of the release are what they were; raises `IntegrityError`."""


@dataclass(frozen=True)
class Rates:
    """Requests that a caller may send.

    Args:
        token: Of one token, a second.
        quota: Of one token, a day; None without a quota.
        person: Of one person, a second.
    """

    token: Rate
    quota: Rate | None
    person: Rate

    @classmethod
    def of(cls, settings: ServingSettings) -> Self:
        """Return the rates of the settings."""
        token, person = float(settings.requests_per_second), float(settings.requests_per_second_of_people)
        daily = settings.requests_per_day
        quota = None if daily is None else Rate(float(daily), daily / DAY_SECONDS)
        return cls(Rate(token, token), quota, Rate(person, person))


class AuditSink(Protocol):
    """Takes audit records before the answers leave that they are about."""

    def put(self, records: Sequence[AuditRecord]) -> None:
        """Take the records of one answer, all or none; they reach the store soon."""

    def through(self, record: AuditRecord) -> None:
        """Write one record into the store itself."""

    def flush(self) -> None:
        """Hand over what was taken."""

    def close(self) -> None:
        """Hand over what was taken, and stop."""


@dataclass
class AppState:
    """Resources that all requests share.

    Args:
        root: Folder of the project.
        settings: `[serving]` of `vipreco.toml`.
        store: Operational records.
        spool: Takes audit records and decisions on their way into the store.
        keys: For pseudonyms.
        release: Gives the answers; swapped as a whole.
        pages: Caches of the pages.
        deciding: Requests that are being decided, or wait for it.
        store_down: Whether the store did not answer when it was last asked for changes.
        revoked: Ids of the tokens that were revoked, as of the last answer of the store.
        erased: Pseudonyms of erased customers, as of then: a release still has them until the next night.
    """

    root: Path
    settings: ServingSettings
    store: Store
    spool: AuditSink
    keys: Keys
    release: Release | None = None
    pages: dict[str, Any] = field(default_factory=dict)
    deciding: int = 0
    store_down: bool = False
    revoked: frozenset[str] = frozenset()
    erased: frozenset[str] = frozenset()
    _seen: OrderedDict[tuple[object, ...], float] = field(default_factory=OrderedDict)

    @cached_property
    def limits(self) -> SharedLimits:
        """Rate limits that all workers share."""
        return SharedLimits(run_folder(self.root) / "limits")

    @cached_property
    def rates(self) -> Rates:
        """Rates of the settings."""
        return Rates.of(self.settings)

    @cached_property
    def password_checks(self) -> Slots:
        """Places for password checks that all workers share: each check takes 64 MiB and a core."""
        return Slots(run_folder(self.root) / "password-checks", places=2, waiting=8, seconds=5.0)

    def served(self, moment: datetime) -> Release:
        """Return the release in force, for one whole request: a swap meanwhile counts for the next one.

        Raises:
            Problem: There is none, or its snapshot is too old.
        """
        release = self.release
        if release is None:
            raise unavailable("not-ready")
        if age_days(release, moment) > self.settings.fresh_days + self.settings.stale_days:
            raise unavailable("snapshot-too-old")
        return release

    def is_stale(self, release: Release, moment: datetime) -> bool:
        """Return whether the snapshot is older than it should be."""
        return age_days(release, moment) > self.settings.fresh_days

    def refresh(self) -> None:
        """Apply what changed in the store, and hand over waiting audit records."""
        self.spool.flush()
        self.revoked = self.store.tokens.revoked(clock())
        if self.store.subjects.count() != len(self.erased):  # nobody is ever taken off that list
            self.erased = self.store.subjects.suppressed()
        if self.release is not None:
            self.release.refresh()

    @property
    def product_ids(self) -> Collection[str] | None:
        """Ids of all products of the release; None without one."""
        return None if self.release is None else self.release.product_ids

    def today(self) -> date:
        """Return the business date: the clock's, or the date of the snapshot that is served."""
        return self.now().date()

    def now(self) -> datetime:
        """Return the business date with the clock's time, to the second: the moment that dates contacts."""
        clock = datetime.now()  # noqa: DTZ005 - the business lives by local time
        if self.settings.business_date == "clock" or self.release is None:
            return clock.replace(microsecond=0)
        day = self.release.snapshot_date
        return clock.replace(day.year, day.month, day.day, microsecond=0)

    def figures(self, branch: str | None, manager: str | None) -> FigureRows | None:
        """Return the figures of a branch, or of a manager's book, as of the nightly build; None without any.

        They count each customer for who has the customer now: hand-overs of the store hold at once.

        Raises:
            Problem: There is no release, or its snapshot is too old.
        """
        moment = self.now()
        return self.served(moment).figures(branch, manager, self.store.hand_overs.moved(moment.date()))

    def knows(self, release: Release, customer_id: str) -> bool:
        """Return whether a customer is in the snapshot of a release, and was not erased since."""
        return release.knows(customer_id) and not self.is_erased(customer_id)

    def is_erased(self, customer_id: str) -> bool:
        """Return whether a customer was erased."""
        return bool(self.erased) and self.keys.pseudonym_of(customer_id) in self.erased

    def note(self, event: Event) -> None:
        """Put a read of a customer into the audit spool before its answer leaves, as `note_all`."""
        self.note_all([AuditRecord(event)])

    def note_all(self, records: Sequence[AuditRecord]) -> None:
        """Put the audit records of an answer into the spool before it leaves, all or none.

        Raises:
            VipRecoError: The spool takes no more: the answer must not leave.
        """
        self.spool.put(records)

    def note_at_once(self, event: Event) -> None:
        """Write an event into the store itself before its answer leaves.

        Raises:
            VipRecoError: The store does not take it: the answer must not leave.
        """
        self.spool.through(AuditRecord(event))

    def find_member(self, scope: Scope, customer_id: str) -> bool:
        """Return whether a customer is in the book of a scope.

        While the store does not answer, a customer who was in it within `store_away_minutes` still is.

        Raises:
            VipRecoError: The store does not answer, and the customer was not looked up before.
        """
        seen_by = (scope.role, scope.manager_id, scope.branch_id, scope.day)
        key, moment = (*seen_by, customer_id), time.monotonic()
        try:
            seen = self.store.books.find(scope, customer_id) is not None
        except (DependencyDownError, BusyError):
            if self._seen.get(key, 0.0) < moment:
                raise
            return True
        if seen:
            self._seen[key] = moment + self.settings.store_away_minutes * 60
            while len(self._seen) > MAX_SEEN:
                self._seen.popitem(last=False)
        else:
            self._seen.pop(key, None)
        return seen

    def reason(self, code: str, address: str) -> str:
        """Return why something was refused, and from where: the address as a pseudonym."""
        return f"{code} {self.keys.pseudonym_of('address:' + address)[:PSEUDONYM_DIGITS]}"

    def read_of(self, scope: Scope, action: str, customer_id: str, result: str = "ok") -> Event:
        """Return the audit record of a read of a customer, who is named by a pseudonym."""
        version = "" if self.release is None else self.release.model_version
        return Event(scope.actor, action, self.keys.pseudonym_of(customer_id), result, model_version=version)


def clock() -> datetime:
    """Return the moment now in UTC, as the store keeps moments."""
    return datetime.now(UTC).replace(tzinfo=None)


def age_days(release: Release, moment: datetime) -> int:
    """Return how many days old the snapshot of a release is."""
    return moment.toordinal() - release.snapshot_date.toordinal()


def releases_of(root: Path) -> Releases:
    """Return the releases of a project, to be read."""
    return Releases(root / "data" / "serving")
