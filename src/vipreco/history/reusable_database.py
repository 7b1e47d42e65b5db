"""The database behind reusable views: it stays open, and for the next customers only its rows change.

To open a database, to cut the tables and to plan the queries over them takes many times as long as to run
them over the rows of one customer. Here all of it is done once. The cuts are those of `cuts`.
"""

from __future__ import annotations

import re
import threading
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from typing import Any, Final

import duckdb
import pyarrow as pa

from vipreco.columns import PRODUCTS
from vipreco.errors import VipRecoError
from vipreco.history.as_of_view import derive_table, failed, lock_connection
from vipreco.history.contract import CONTRACTS, VIEWS
from vipreco.history.cuts import BY_DATE, cuts
from vipreco.history.query_check import check_query
from vipreco.history.records import Records
from vipreco.history.sources import connect, describe, text, typed

Rows = Mapping[str, pa.Table]
FEW: Final = 8  # customers up to whom Python objects are the quickest way out of the database
MAX_CHECKED_ROWS: Final = 1_000  # rows up to which Python looks whether a fact has several versions
MAX_PLANS: Final = 256  # queries whose plans are kept
SAME_FOR_ALL: Final = frozenset({"clock", "snapshots"})
TYPES: Final = {
    "VARCHAR": pa.string(),
    "DATE": pa.date32(),
    "DECIMAL(18,2)": pa.decimal128(18, 2),
    "BOOLEAN": pa.bool_(),
    "INTEGER": pa.int32(),
    "TIMESTAMP": pa.timestamp("us"),
    "VARCHAR[]": pa.list_(pa.string()),
}
_PARAMETER: Final = re.compile(r"""--[^\n]*|'(?:[^']|'')*'|"(?:[^"]|"")*"|\$(\w+)""")


class ReusableDatabase:
    """The cut views of one date, filled with the rows of some customers at a time.

    Each filling is a transaction that the next one rolls back. To delete the rows of the customers before,
    table by table, left more to skip with each customer: the fillings of a request took 6.9 to 9.1 ms of
    CPU, and take 5.0 to 6.6. Products alone stay, and what is made of the clock.

    Who fills it and queries it holds `lock` meanwhile.

    Args:
        records: The rows of the tables.
        day: The date whose knowledge is allowed.
    """

    def __init__(self, records: Records, day: date) -> None:
        self.records, self.date = records, day
        self.snapshots = tuple(sorted((item for item in records.calendar if item <= day), reverse=True))
        self.newest_month = records.newest_month(day)
        self.lock = threading.RLock()
        self._narrower: ReusableDatabase | None = None
        self._connection = connect(1)
        # Without the optimizer a plan is kept, with it each run plans anew; over so few rows no plan is slow.
        self._connection.execute("PRAGMA disable_optimizer")
        self._sources = {name: RowSource(records.schemas.get(name), name) for name in CONTRACTS}
        self._few, self._usual_products, self._has_products = True, True, False
        self._names = VIEWS
        self.filling = self._plans = 0
        # What is kept here is defended by the CPU of a decision about one customer, with it and without it
        # (3,000 customers, medians of changed customers, facts, strangers and the next day): plans 1.5-1.8
        # times, Python objects for few rows 1.3-1.6, columns 1.15-1.24, fills without rivals 1.16-1.25,
        # products that stay filled 1.03-1.15, results that read products and clock alone 0.97-1.16.
        self._same: dict[str, pa.Table] = {}
        self._uncut: dict[str, str] = {}
        self._quick: dict[tuple[str, tuple[date, ...]], str] = {}
        self._made_of: dict[str, frozenset[str]] = {}
        self._stale: set[str] = set()
        self._planned: dict[str, tuple[str, pa.Schema]] = {}
        self._derived: dict[str, str] = {}
        self._filled: dict[str, frozenset[str]] = {}
        self._columns: dict[str, dict[str, str]] = {}
        self._make_views()
        self._connection.execute("BEGIN")

    def narrower(self) -> ReusableDatabase:
        """Return a second database of the same date, for views of some of the customers in this one."""
        with self.lock:
            if self._narrower is None:
                self._narrower = ReusableDatabase(self.records, self.date)
            return self._narrower

    def fill(self, customers: int, known: Rows, further: Rows) -> int:
        """Put the rows of some customers in the place of those before; each table is filled when it is read.

        Args:
            customers: Number of the customers.
            known: Their rows of the tables.
            further: Further rows by table, in the columns of the contracts; missing columns are NULL.

        Returns:
            The number of this filling, which `filling` is until the next one.
        """
        for name, source in self._sources.items():
            source.hold([rows for rows in (known.get(name), further.get(name)) if rows is not None])
        self._few = customers <= FEW
        usual = PRODUCTS not in further
        self._names = VIEWS  # what was derived is of the customers before
        self._filled.clear()
        if not (usual and self._usual_products):
            self._same.clear()
        self._usual_products = usual
        self._empty()
        self.filling += 1
        return self.filling

    def query(self, sql: str, parameters: Sequence[Any] | dict[str, Any] | None, where: str) -> pa.Table:
        """Run one SELECT over the cut views, as `View.query`; its plan is kept where it has no `?`."""
        read = check_query(sql, self._names, where)
        with self._recovering():
            return self._answer(sql, parameters, read, where)

    def _answer(
        self,
        sql: str,
        parameters: Sequence[Any] | dict[str, Any] | None,
        read: frozenset[str],
        where: str,
    ) -> pa.Table:
        try:
            if parameters is not None and not isinstance(parameters, dict):
                self._fill(read)
                return self._connection.sql(sql, params=parameters).to_arrow_table()
            given = tuple(
                (key, tuple(value) if isinstance(value, list) else value)
                for key, value in (parameters or {}).items()
            )
            return self._result(_with_literals(sql, given), read)
        except (duckdb.ProgrammingError, duckdb.DataError) as error:
            raise failed(error, where) from error

    def derive(self, name: str, sql: str, where: str) -> None:
        """Store the result of a SELECT as one more table, as `View.derive`; the next time its rows change."""
        read = check_query(sql, self._names, where)
        with self._recovering():
            if self._derived.get(name) != sql:
                self._filled.pop(name, None)
                self._create(name, sql, read, where)
            if not read <= SAME_FOR_ALL and name not in self._filled:
                self._filled[name] = read
                self._derive(name)
        self._names |= {name}

    def columns(self, view: str) -> dict[str, str]:
        """Return name and DuckDB type of the columns of one of the views."""
        if view not in self._columns:
            self._columns[view] = describe(self._connection, view)
        return self._columns[view]

    def made_with(self, names: frozenset[str]) -> frozenset[str]:
        """Return some views with all that are made of them."""
        found = names | {name for name, read in self._made_of.items() if read & names}
        return found if found == names else self.made_with(found)

    def _result(self, query: str, read: frozenset[str]) -> pa.Table:
        if query in self._same:
            return self._same[query]
        self._fill(read)
        table = self._run(query)
        if read <= {*SAME_FOR_ALL, PRODUCTS} and len(self._same) < MAX_PLANS:
            self._same[query] = table
        return table

    def _derive(self, name: str) -> None:
        self._fill(self._filled[name])
        self._connection.execute(f"EXECUTE derive_{name}")

    def _create(self, name: str, sql: str, read: frozenset[str], where: str) -> None:
        """Make a table for good, empty unless its rows are the same for all; the others are filled anew."""
        self._connection.execute("ROLLBACK")
        try:
            derive_table(self._connection, name, sql, where)
            if not read <= SAME_FOR_ALL:
                self._connection.execute(f"DELETE FROM {name}")
            self._derived[name] = sql
            self._columns.pop(name, None)
            self._connection.execute(f"PREPARE derive_{name} AS INSERT INTO {name} {sql}")
        finally:
            self._begin()
        for one in self._filled:
            self._derive(one)

    def _empty(self) -> None:
        """Take all rows of customers out again, whatever became of the transaction."""
        self._connection.execute("ROLLBACK")
        self._begin()

    def _begin(self) -> None:
        if self._usual_products and not self._has_products:
            self._connection.execute(f"EXECUTE fill_{PRODUCTS}")
            self._has_products = True
        self._connection.execute("BEGIN")
        self._stale = {*self._made_of}
        if self._usual_products:
            self._stale.discard(PRODUCTS)

    @contextmanager
    def _recovering(self) -> Iterator[None]:
        """Begin a new transaction after an error, which ends the one before: all views fill it again."""
        try:
            yield
        except (VipRecoError, duckdb.Error):
            self._empty()
            self._names = VIEWS
            self._filled.clear()
            self.filling += 1
            raise

    def _run(self, sql: str) -> pa.Table:
        name, schema = self._planned.pop(sql, ("", None))
        if schema is None:
            name = self._prepare(sql)
        call = f"EXECUTE {name}"
        if schema is not None and self._few:
            self._planned[sql] = name, schema
            return _table(self._connection.execute(call).fetchall(), schema)
        table = self._connection.sql(call).to_arrow_table()
        self._planned[sql] = name, table.schema
        return table

    def _prepare(self, sql: str) -> str:
        """Return the name under which a query is planned; the one that was not asked for longest goes."""
        if len(self._planned) >= MAX_PLANS:
            self._connection.execute(f"DEALLOCATE {self._planned.pop(next(iter(self._planned)))[0]}")
        self._plans += 1
        self._connection.execute(f"PREPARE query_{self._plans} AS {sql}")
        return f"query_{self._plans}"

    def _fill(self, read: frozenset[str]) -> None:
        """Fill those views anew that are read, and what they are made of, where they are of others yet."""
        for name in sorted(self._stale & read):
            if name not in self._stale:  # another has needed it
                continue
            self._fill(self._made_of[name])
            self._stale.discard(name)
            if name == PRODUCTS:  # others than usual: those that stay come back with the next filling
                self._connection.execute(f"DELETE FROM {PRODUCTS}")
            if name not in self._sources or len(self._sources[name].rows):
                self._connection.execute(f"EXECUTE {self._filling(name)}")

    def _filling(self, name: str) -> str:
        """Return the statement that fills a view; where no row has a rival, none is looked for."""
        dates = self._sources[name].rivals() if name in self._sources and self._few else None
        if dates is None:
            return f"fill_{name}"
        if (name, dates) not in self._quick:
            if len(self._quick) >= MAX_PLANS:
                return f"fill_{name}"
            made = cuts(self._uncut, self.date, self.snapshots, self.newest_month, {name: dates})
            query = next(cut.query for cut in made if cut.name == name)
            self._quick[name, dates] = f"quick_{len(self._quick)}"
            self._connection.execute(f"PREPARE {self._quick[name, dates]} AS INSERT INTO {name} {query}")
        return self._quick[name, dates]

    def _make_views(self) -> None:
        """Make the views, all of them empty, and the statements that fill them."""
        connection = self._connection
        for name, source in self._sources.items():
            connection.register(f"raw_{name}", source)
        self._uncut = {
            name: typed(contract, f"raw_{name}", describe(connection, f"raw_{name}"))
            for name, contract in CONTRACTS.items()
        }
        names = VIEWS | {f"raw_{name}" for name in CONTRACTS}
        for cut in cuts(self._uncut, self.date, self.snapshots, self.newest_month, None):
            connection.execute(f"CREATE TABLE {cut.name} AS {cut.query}")
            if cut.name not in SAME_FOR_ALL:
                connection.execute(f"PREPARE fill_{cut.name} AS INSERT INTO {cut.name} {cut.query}")
                self._made_of[cut.name] = check_query(cut.query, names, cut.name) & VIEWS
        lock_connection(connection, [])


class RowSource:
    """Rows that a database reads anew each time that it is asked.

    Args:
        schema: Of the bank's table, where there is one; columns of the contract are added to it.
        name: Of the table.
    """

    def __init__(self, schema: pa.Schema | None, name: str) -> None:
        own = list(schema or [])
        names = {field.name for field in own}
        types = CONTRACTS[name].types.items()
        self.schema = pa.schema(
            [*own, *(pa.field(key, TYPES[kind]) for key, kind in types if key not in names)]
        )
        self.rows = self.schema.empty_table()
        self._key, self._date = CONTRACTS[name].key, BY_DATE.get(name)

    def rivals(self) -> tuple[date, ...] | None:
        """Return the dates at which a fact has several versions; None where dates do not say it."""
        if len(self.rows) > MAX_CHECKED_ROWS:
            return None
        keys = list(zip(*(self.rows[name].to_pylist() for name in self._key), strict=True))
        if len(set(keys)) == len(keys):
            return ()
        if self._date is None:
            return None
        place = self._key.index(self._date)
        return tuple(sorted({key[place] for key, times in Counter(keys).items() if times > 1 and key[place]}))

    def hold(self, parts: Sequence[pa.Table]) -> None:
        """Have these rows from now on."""
        whole = [part if part.schema.equals(self.schema) else _as(part, self.schema) for part in parts]
        self.rows = pa.concat_tables(whole) if whole else self.schema.empty_table()

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return self.rows.__arrow_c_stream__(requested_schema)


def _as(rows: pa.Table, schema: pa.Schema) -> pa.Table:
    """Return rows in the columns of a schema; missing ones are NULL."""
    there = frozenset(rows.column_names)
    return pa.table(
        [
            rows[field.name].cast(field.type) if field.name in there else pa.nulls(len(rows), field.type)
            for field in schema
        ],
        schema=schema,
    )


def _table(rows: Sequence[tuple[Any, ...]], schema: pa.Schema) -> pa.Table:
    """Return rows in the columns of a schema: as one array of structs, which takes one call."""
    names = schema.names
    found = pa.array([dict(zip(names, row, strict=True)) for row in rows], pa.struct(list(schema)))
    return pa.Table.from_batches([pa.RecordBatch.from_struct_array(found)], schema)


def _with_literals(sql: str, parameters: tuple[tuple[str, Any], ...]) -> str:
    """Return SQL with the values of its parameters: with them outside, each run would plan anew.

    >>> _with_literals("SELECT $a, '$a' -- $a", (("a", 3),))
    "SELECT 3, '$a' -- $a"
    """
    if not parameters:
        return sql

    known = dict(parameters)

    def value(found: re.Match[str]) -> str:
        return _literal(known[found[1]]) if found[1] in known else found[0]

    return _PARAMETER.sub(value, sql)


def _literal(value: Any) -> str:
    """Return a value as SQL.

    >>> _literal(["a", "o'b"]), _literal(3)
    ("['a', 'o''b']", '3')
    """
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_literal, value))}]"
    return text(value) if isinstance(value, str) else repr(value)
