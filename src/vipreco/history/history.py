"""The history of a bank: its imported tables behind the one place that cuts time."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path

import duckdb
import pyarrow as pa

from vipreco.columns import (
    ACTIVITY,
    CUSTOMER_ID,
    CUSTOMERS,
    MONTH_DATE,
    OBSERVATIONS,
    RECORDED_DATE,
    SNAPSHOT_DATE,
)
from vipreco.errors import UsageError
from vipreco.history.as_of_view import AsOfView, create_views, lock_connection
from vipreco.history.bank_calendar import NO_CALENDAR, BankCalendar
from vipreco.history.calendar import label_window, window
from vipreco.history.contacts import called_of, contacts_of
from vipreco.history.contract import CONTRACTS
from vipreco.history.cuts import Contested, Cut, contested_query, cuts, oldest_profiles
from vipreco.history.labels import BankFacts, Labels, anybody_observed, labels_of, mass_reopenings
from vipreco.history.records import write_records
from vipreco.history.relationship import RelationshipLabels, Span, relationship_labels
from vipreco.history.sources import (
    FrameSources,
    ParquetSources,
    Sources,
    connect,
    describe,
    table_names,
    typed,
)
from vipreco.settings import TierLadder
from vipreco.signatures import NO_SIGNATURES, Signatures
from vipreco.tables import Reopening, Tables, literal_path

# The big tables stay in their files: a query reads the columns and dates that it needs.
_LAZY = frozenset({CUSTOMERS, OBSERVATIONS, ACTIVITY})
_CHOSEN = "chosen_customers"


@dataclass(frozen=True)
class PartOfBank:
    """The tables of some customers of a bank.

    Args:
        folder: Below which the files are.
        files: Files of each table of the bank; a table without rows of these customers has an empty one.
        own: SQL condition that a customer is one of them: files may hold earlier versions of others' rows.
        calendar: Of the whole bank.
        snapshot_id: Fingerprint of the tables of the bank.
        decisions: Mass reopenings that were decided to be acquisitions.
    """

    folder: Path
    files: Mapping[str, list[Path]]
    own: str
    calendar: BankCalendar
    snapshot_id: str
    decisions: tuple[str, ...] = ()


class History:
    """The imported tables; `as_of` is the only view of them, `acquisitions` the only source of labels."""

    def __init__(
        self,
        sources: Sources,
        threads: int = 2,
        snapshot_id: str = "",
        calendar: BankCalendar = NO_CALENDAR,
        decisions: Collection[str] = (),
        *,
        memory: int | None = None,
        own: str = "",
    ) -> None:
        self.threads, self._memory, self._own = threads, memory, own
        self._calendar = calendar
        self._until: date | None = None
        self.snapshot_id = snapshot_id
        self._decisions = tuple(decisions)
        self._sources = sources

    @classmethod
    def open(
        cls,
        tables: Path,
        threads: int = 2,
        snapshot_id: str | None = None,
        signatures: Signatures = NO_SIGNATURES,
        memory: int | None = None,
    ) -> History:
        """Open the tables folder that `vipreco import` wrote.

        Args:
            tables: The folder.
            threads: Threads for queries.
            snapshot_id: The tables as they were when this was their fingerprint; later imports are not seen.
            signatures: Checks who wrote their manifest.
            memory: Bytes of the process, of which a query may take a share; None: those of the machine.

        Raises:
            UsageError: Nothing was imported there.
            InputRejectedError: They never had this fingerprint.
        """
        imported = Tables.open(tables, snapshot_id, signatures)
        files = {table: imported.files(table) for table in CONTRACTS}
        sources, known = ParquetSources(Path(tables), files), imported.snapshot_id
        return cls(sources, threads, known, decisions=imported.decisions, memory=memory)

    @classmethod
    def of_part(cls, part: PartOfBank, threads: int = 1, memory: int | None = None) -> History:
        """Open the tables of some customers, with the calendar of the bank."""
        sources = ParquetSources(part.folder, part.files)
        return cls(
            sources, threads, part.snapshot_id, part.calendar, part.decisions, memory=memory, own=part.own
        )

    @classmethod
    def from_frames(
        cls, frames: Mapping[str, pa.Table], threads: int = 1, calendar: Sequence[date] = ()
    ) -> History:
        """Make a history of Arrow tables by the names of the contract; missing columns are NULL.

        Without `observations`, the customer rows are the observations. `recorded_date` defaults to the
        date of the fact.

        Args:
            frames: Tables by name.
            threads: Threads for queries.
            calendar: The bank's snapshot dates, where the frames hold only some customers: lags are counted
                in the bank's snapshots, not in those of a customer.
        """
        tables = dict(frames)
        if OBSERVATIONS not in tables and CUSTOMERS in tables:
            clocks = [
                name for name in tables[CUSTOMERS].column_names if name in CONTRACTS[OBSERVATIONS].types
            ]
            tables[OBSERVATIONS] = tables[CUSTOMERS].select(clocks)
        return cls(FrameSources(tables), threads, calendar=BankCalendar.of_snapshots(calendar))

    def known_until(self, day: date | None) -> History:
        """Return the same tables without anything that became known after a date; None: with everything.

        Snapshots, labels and contacts are those that were known then, so that what is learnt from them is
        what would have been learnt then.
        """
        given = (self._sources, self.threads, self.snapshot_id, self._calendar, self._decisions)
        found = History(*given, memory=self._memory, own=self._own)
        found._until = day
        return found

    @property
    def present_tables(self) -> frozenset[str]:
        """Names of the imported tables."""
        return frozenset(table_names(self._sources))

    @cached_property
    def snapshot_dates(self) -> list[date]:
        """The dates at which customers were observed, ascending."""
        every = self.calendar
        return sorted(every.snapshots if self._until is None else every.known_snapshots(self._until))

    @cached_property
    def customers(self) -> int:
        """The number of rows of customers in the newest snapshot: a little more than of customers."""
        newest = f"SELECT max({SNAPSHOT_DATE}) FROM ({self._uncut[OBSERVATIONS]})"
        query = f"SELECT count(*) FROM ({self._uncut[OBSERVATIONS]}) WHERE {SNAPSHOT_DATE} = ({newest})"
        return int(self._base.execute(query).fetchall()[0][0])

    @cached_property
    def calendar(self) -> BankCalendar:
        """The bank's snapshots and activity months."""
        own = BankCalendar(self._known(OBSERVATIONS, SNAPSHOT_DATE), self._known(ACTIVITY, MONTH_DATE))
        return own.merged(self._calendar)

    def as_of(self, day: date) -> AsOfView:
        """Return the view of all that was known at the end of `day`.

        Raises:
            UsageError: No snapshot was known then.
        """
        late = self._until is not None and day > self._until
        if late or not self.calendar.known_snapshots(day):
            raise self._no_snapshot(day)
        return AsOfView(self, day)

    def acquisitions(
        self,
        after: date,
        until: date,
        known: date | None = None,
        reopenings: Collection[Reopening] | None = None,
    ) -> Labels:
        """Return who acquired what in the window `(after, until]`: the only source of labels.

        Args:
            after: The window opens after this date; a product held at it is not acquired, unless repeatable.
            until: The window's last date.
            known: Date whose knowledge is used (default: all that is known).
            reopenings: `mass_reopenings` of the bank, where the tables are those of some customers.

        Raises:
            UsageError: The window is empty.
        """
        _check_window(after, until)
        bank = BankFacts(self._newest_snapshot(after), self._decisions, reopenings)
        return labels_of(self._base, self._uncut, after, until, known or self._until, bank)

    def mass_reopenings(self, after: date, until: date, known: date | None = None) -> list[Reopening]:
        """Return the mass reopenings around a label window that are no acquisitions, as `acquisitions`."""
        return mass_reopenings(self._base, self._uncut, after, until, known or self._until, self._decisions)

    def contacts(self, after: date, until: date) -> pa.Table:
        """Return who was contacted about which product in the window `(after, until]`, for learning alone.

        Returns:
            Rows customer_id, product_id, channel, contacted_date, outcome.

        Raises:
            UsageError: The window is empty.
        """
        _check_window(after, until)
        return contacts_of(self._base, self._uncut, after, until, self._own, self._until)

    def called(self, after: date, until: date) -> pa.Table:
        """Return who was called in a window that is not empty, as rows of customer_id, for learning alone."""
        _check_window(after, until)
        return called_of(self._base, self._uncut, after, until, self._until)

    def label_window(self, as_of: date, horizon_months: int, gap_months: int = 0) -> tuple[date, date]:
        """Return `(after, until)` of the label window of a date, as far as the snapshots allow."""
        nominal = window(as_of, horizon_months, gap_months)
        return label_window(as_of, self.snapshot_dates, horizon_months, gap_months) or nominal

    def unusable_dates(self, horizon_months: int, gap_months: int = 0) -> dict[date, str]:
        """Return the snapshot dates that nothing can be learnt from, each with its reason.

        The newest dates, whose window has not ended yet, are not among them.
        """
        found: dict[date, str] = {}
        for day in self.snapshot_dates:
            ends = label_window(day, self.snapshot_dates, horizon_months, gap_months)
            until = window(day, horizon_months, gap_months)[1]
            if ends is None and until <= self.snapshot_dates[-1]:
                found[day] = f"no snapshot near {until}, the end of its label window"
            elif ends is not None and not self._anybody_observed(*ends):
                found[day] = f"none of its customers was observed again by {ends[1]}"
        return found

    def _anybody_observed(self, after: date, until: date) -> bool:
        newest = self._newest_snapshot(after)
        return anybody_observed(self._base, self._uncut, after, until, self._until, newest)

    def _newest_snapshot(self, day: date) -> date | None:
        return next(iter(self.calendar.known_snapshots(day)), None)

    def relationship_changes(
        self, after: date, until: date, ladder: TierLadder, known: date | None = None
    ) -> RelationshipLabels:
        """Return which customers of `after` left, sank or rose by `until`: the other source of labels.

        Tier and assets at the start are those known at `after`; at the end, those of the last snapshot in
        the window's last month. Who is not in one is unobserved, unless all their holdings ended.

        Args:
            after: Date of the population.
            until: The window's last date.
            ladder: The bank's tiers with their lines.
            known: Date whose knowledge of the window is used (default: all that is known).

        Raises:
            UsageError: The window is empty.
        """
        _check_window(after, until)
        span = Span(after, until, known or self._until, self._newest_snapshot(after))
        return relationship_labels(self._base, self._uncut, self._contested, span, ladder)

    def is_corrected(self, day: date) -> bool:
        """Return whether rows of a snapshot came in several deliveries."""
        return any(day in self._contested.get(table, ()) for table in (CUSTOMERS, ACTIVITY))

    def first_delivered(self, day: date) -> pa.Table | None:
        """Return the customers of a snapshot, in order, as the bank delivered them first; for checks alone.

        None where no row of that snapshot has a later version.
        """
        if day not in self._contested.get(CUSTOMERS, ()):
            return None
        return self._base.sql(oldest_profiles(self._uncut[CUSTOMERS], day)).to_arrow_table()

    def save_records(self, folder: Path, customers: pa.Array, *, packed: bool = False) -> None:
        """Write the rows of some customers, ordered by customer, for `Records`.

        Args:
            folder: Existing and empty.
            customers: Ids, ascending.
            packed: As of `write_records`.
        """
        present = {table: self._uncut[table] for table in self.present_tables}
        write_records(self._base, present, folder, customers, packed=packed)

    def open_view(self, day: date, customers: pa.Array | None = None) -> duckdb.DuckDBPyConnection:
        """Return a new database with nothing in it but the views cut at `day` (see `AsOfView.connection`)."""
        connection = connect(self.threads, self._memory)
        self._sources.attach(connection)
        uncut = self._uncut if customers is None else self._only(customers, connection)
        lazy = _LAZY if self._sources.folder and customers is None else frozenset()
        known, newest_month = self.calendar.known_snapshots(day), self.calendar.newest_month(day)
        every = cuts(uncut, day, known, newest_month, self._contested)
        if customers is not None or self._own:
            chosen = _of_chosen if customers is not None else self._of_part
            every = [_narrowed(cut, chosen) for cut in every]
        create_views(connection, every, lazy)
        self._sources.detach(connection)
        connection.unregister(_CHOSEN)
        folder = self._sources.folder
        # The lazy views name their files by `literal_path`, the file system by the path itself.
        lock_connection(connection, [str(folder), literal_path(folder)] if folder else [])
        return connection

    @cached_property
    def _base(self) -> duckdb.DuckDBPyConnection:
        """The database in which the uncut tables can be read; it never leaves this room."""
        return connect(self.threads, self._memory)

    @cached_property
    def _uncut(self) -> dict[str, str]:
        relations = self._sources.attach(self._base)
        columns = {table: describe(self._base, relation) for table, relation in relations.items()}
        return {
            table: typed(contract, relations.get(table), columns.get(table, {}))
            for table, contract in CONTRACTS.items()
        }

    @cached_property
    def _contested(self) -> Contested:
        queries = {table: contested_query(table, self._uncut[table]) for table in self.present_tables}
        found = {table: self._base.execute(query).fetchall() for table, query in queries.items() if query}
        return {table: [row[0] for row in rows] for table, rows in found.items()}

    def _known(self, table: str, day: str) -> dict[date, date]:
        """Return the dates of a table that is kept by date, with the day on which each was known first."""
        query = f"SELECT {day}, min({RECORDED_DATE}) FROM ({self._uncut[table]}) GROUP BY {day}"
        return dict(self._base.execute(query).fetchall())

    def _only(self, customers: pa.Array, connection: duckdb.DuckDBPyConnection) -> dict[str, str]:
        connection.register(_CHOSEN, pa.table({CUSTOMER_ID: customers}))
        return {table: _only_chosen(table, sql) for table, sql in self._uncut.items()}

    def _of_part(self, rows: str) -> str:
        return f"SELECT * FROM ({rows}) WHERE {self._own}"

    def _no_snapshot(self, day: date) -> UsageError:
        dates = self.snapshot_dates
        span = f"snapshots go from {dates[0]} to {dates[-1]}" if dates else "there is no snapshot at all"
        return UsageError(
            f"no snapshot was known at {day}",
            remedy=f"take a later date; {span}",
            code="no-snapshot",
        )


def _check_window(after: date, until: date) -> None:
    if until <= after:
        raise UsageError(
            f"the window after {after} until {until} is empty", code="window", remedy="set until > after"
        )


def _only_chosen(table: str, uncut: str) -> str:
    """Return the rows of the chosen customers, with all rivals of these rows, of all customers."""
    contract = CONTRACTS[table]
    if CUSTOMER_ID not in contract.types:
        return uncut
    own = _of_chosen(uncut)
    if CUSTOMER_ID in contract.key:
        return own
    return f"SELECT * FROM ({uncut}) SEMI JOIN ({own}) AS own USING ({', '.join(contract.key)})"


def _narrowed(cut: Cut, chosen: Callable[[str], str]) -> Cut:
    """Leave out what the newest version says of other customers than those that are chosen."""
    contract = CONTRACTS.get(cut.name)
    if contract is None or CUSTOMER_ID not in contract.types or CUSTOMER_ID in contract.key:
        return cut
    return Cut(cut.name, chosen(cut.query))


def _of_chosen(rows: str) -> str:
    return f"SELECT * FROM ({rows}) SEMI JOIN {_CHOSEN} USING ({CUSTOMER_ID})"
