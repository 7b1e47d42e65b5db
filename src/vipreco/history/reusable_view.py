"""Views of one date in a database that stays open: for the next customers only its rows change.

To open a database, to cut the tables and to plan the queries over them takes many times as long as to run
them over the rows of one customer. Here all of it is done once. The cuts are those of the time door.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date
from functools import lru_cache
from typing import Any, Final

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from vipreco.columns import CUSTOMER_ID, PRODUCTS
from vipreco.history.as_of_view import AsOfView, failed, lock_connection
from vipreco.history.contract import CONTRACTS, VIEWS
from vipreco.history.cuts import BY_DATE, cuts
from vipreco.history.history import History
from vipreco.history.query_check import check_query
from vipreco.history.records import Records
from vipreco.history.sources import FrameSources, connect, describe, text, typed

Rows = Mapping[str, pa.Table]
FEW = 8  # customers up to whom Python objects are the quickest way out of the database
MAX_CHECKED_ROWS: Final = 1_000  # rows up to which Python looks whether a fact has several versions
CHECKPOINT_EVERY: Final = 500  # after so many the rows of those before, which are deleted, are taken out
MANY: Final = 1  # rows of a table where they were not counted
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


class ReusableView(AsOfView):
    """What is known at a date about whoever was asked for last; one question at a time.

    Args:
        records: The rows of the tables.
        day: The date whose knowledge is allowed.
    """

    def __init__(self, records: Records, day: date) -> None:
        snapshots = tuple(sorted((item for item in records.calendar if item <= day), reverse=True))
        super().__init__(History(FrameSources({}), threads=1, calendar=records.calendar), day, snapshots)
        self._records = records
        self._connection = connect(1)
        # Without the optimizer a plan is kept, with it each run plans anew; over so few rows no plan is slow.
        self._connection.execute("PRAGMA disable_optimizer")
        self._sources = {name: _Source(records.schemas.get(name), name) for name in CONTRACTS}
        self._present: frozenset[str] = frozenset()
        self._few, self._usual_products = True, False
        self._asked: frozenset[str] = frozenset()
        self._more: Rows = {}
        self._beyond: frozenset[str] = frozenset()
        self._inner: ReusableView | None = None
        self._questions = self._plans = 0
        self._same: dict[str, pa.Table] = {}
        self._uncut: dict[str, str] = {}
        self._quick: dict[tuple[str, tuple[date, ...]], str] = {}
        self._made_of: dict[str, frozenset[str]] = {}
        self._stale: set[str] = set()
        self._rows_in: dict[str, int] = {}
        self._kept: dict[str, tuple[str, pa.Schema]] = {}
        self._derived: dict[str, str] = {}
        self._columns: dict[str, dict[str, str]] = {}
        self._make(snapshots)

    @property
    def present_tables(self) -> frozenset[str]:
        """Names of the tables with rows of the bank or of whoever asks; the others are empty."""
        return self._present

    @property
    def asked(self) -> frozenset[str]:
        """Whom this knows of, as far as the tables have rows of them."""
        return self._asked

    def beyond(self, records: Records) -> frozenset[str] | None:
        """Return the names of the views with other rows than the tables give; None: of other tables."""
        return self._beyond if records is self._records else None

    def ask(self, customer_ids: Sequence[str], more: Rows | None = None) -> ReusableView:
        """Know of these customers from now on, and of nobody else.

        Args:
            customer_ids: Whose rows are taken from the tables.
            more: Further rows by table, as of `small_history`.
        """
        found, further = self._records.of(customer_ids), more or {}
        self._asked, self._more = frozenset(customer_ids), further
        self._beyond = self._made_with(frozenset(name for name, rows in further.items() if len(rows)))
        for name, source in self._sources.items():
            source.hold([rows for rows in (found.get(name), further.get(name)) if rows is not None])
        self._present, self._few = frozenset({*found, *further}), len(customer_ids) <= FEW
        usual = PRODUCTS not in further
        self._names = VIEWS  # what is derived is of others until it is derived anew
        self._stale |= self._made_of.keys() - {PRODUCTS}
        if not (usual and self._usual_products):
            self._stale.add(PRODUCTS)
            self._same.clear()
        self._usual_products = usual
        self._questions += 1
        if self._questions % CHECKPOINT_EVERY == 0:
            self.connection.execute("CHECKPOINT")
        return self

    def of(self, customers: pa.Array) -> ReusableView:
        """Return the same knowledge about these customers only, until others are asked for."""
        chosen = frozenset(customers.to_pylist()) & self._asked
        if chosen == self._asked:
            return self
        if self._inner is None:
            self._inner = ReusableView(self._records, self.date)
        return self._inner.ask(sorted(chosen), rows_of(self._more, chosen))

    def query(
        self, sql: str, parameters: Sequence[Any] | dict[str, Any] | None = None, where: str = "query"
    ) -> pa.Table:
        """Run one SELECT over the cut views, as `View.query`; the plan of the first time is kept."""
        if parameters is not None and not isinstance(parameters, dict):
            self._fill(check_query(sql, self._names, where))
            return super().query(sql, parameters, where)
        given = tuple(
            (key, tuple(value) if isinstance(value, list) else value)
            for key, value in (parameters or {}).items()
        )
        read, query = check_query(sql, self._names, where), _given(sql, given)
        if query in self._same:
            return self._same[query]
        self._fill(read)
        try:
            table = self._run(query)
        except (duckdb.ProgrammingError, duckdb.DataError) as error:
            raise failed(error, where) from error
        if read <= {*SAME_FOR_ALL, PRODUCTS} and len(self._same) < MAX_PLANS:
            self._same[query] = table
        return table

    def derive(self, name: str, sql: str, where: str) -> None:
        """Keep the result of a SELECT as one more table, as `View.derive`; the next time its rows change."""
        read = check_query(sql, self._names, where)
        if self._derived.get(name) == sql and read <= SAME_FOR_ALL:
            self._names |= {name}
            return
        self._fill(read)
        if self._derived.get(name) != sql:
            super().derive(name, sql, where)
            self._derived[name] = sql
            self._columns.pop(name, None)
            self._rows_in[name] = MANY
            self.connection.execute(f"PREPARE derive_{name} AS INSERT INTO {name} {sql}")
            return
        self._refill(name, f"derive_{name}")
        self._names |= {name}

    def columns(self, view: str) -> dict[str, str]:
        """Return name and DuckDB type of the columns of one of the views."""
        if view not in self._columns:
            self._columns[view] = super().columns(view)
        return self._columns[view]

    def _made_with(self, names: frozenset[str]) -> frozenset[str]:
        """Return some views with all that are made of them."""
        found = names | {name for name, read in self._made_of.items() if read & names}
        return found if found == names else self._made_with(found)

    def _run(self, sql: str) -> pa.Table:
        name, schema = self._kept.pop(sql, ("", None))
        if schema is None:
            name = self._prepared(sql)
        call = f"EXECUTE {name}"
        if schema is not None and self._few:
            self._kept[sql] = name, schema
            return _table(self.connection.execute(call).fetchall(), schema)
        table = self.connection.sql(call).to_arrow_table()
        self._kept[sql] = name, table.schema
        return table

    def _prepared(self, sql: str) -> str:
        """Return the name under which a query is planned; the one that was not asked for longest goes."""
        if len(self._kept) >= MAX_PLANS:
            self.connection.execute(f"DEALLOCATE {self._kept.pop(next(iter(self._kept)))[0]}")
        self._plans += 1
        self.connection.execute(f"PREPARE asked_{self._plans} AS {sql}")
        return f"asked_{self._plans}"

    def _fill(self, read: frozenset[str]) -> None:
        """Fill those views anew that are read, and what they are made of, where they are of others yet."""
        for name in sorted(self._stale & read):
            if name not in self._stale:  # another has needed it
                continue
            self._fill(self._made_of[name])
            self._stale.discard(name)
            empty = name in self._sources and not len(self._sources[name].rows)
            self._refill(name, None if empty else self._filling(name))

    def _refill(self, name: str, filling: str | None) -> None:
        """Put the rows of a statement in the place of those in a table; without a statement, none."""
        if self._rows_in.get(name):
            self.connection.execute(f"DELETE FROM {name}")
            self._rows_in[name] = 0
        if filling:
            counted = self.connection.execute(f"EXECUTE {filling}").fetchone()
            self._rows_in[name] = counted[0] if counted else MANY

    def _filling(self, name: str) -> str:
        """Return the statement that fills a view; where no row has a rival, none is looked for."""
        dates = self._sources[name].rivals() if name in self._sources and self._few else None
        if dates is None:
            return f"fill_{name}"
        if (name, dates) not in self._quick:
            if len(self._quick) >= MAX_PLANS:
                return f"fill_{name}"
            made = cuts(self._uncut, self.date, self.snapshots, {name: dates})
            query = next(cut.query for cut in made if cut.name == name)
            self._quick[name, dates] = f"quick_{len(self._quick)}"
            self.connection.execute(f"PREPARE {self._quick[name, dates]} AS INSERT INTO {name} {query}")
        return self._quick[name, dates]

    def _make(self, snapshots: tuple[date, ...]) -> None:
        """Make the views, all of them empty, and the statements that fill them."""
        connection = self.connection
        for name, source in self._sources.items():
            connection.register(f"raw_{name}", source)
        self._uncut = {
            name: typed(contract, f"raw_{name}", describe(connection, f"raw_{name}"))
            for name, contract in CONTRACTS.items()
        }
        names = VIEWS | {f"raw_{name}" for name in CONTRACTS}
        for cut in cuts(self._uncut, self.date, snapshots, None):
            connection.execute(f"CREATE TABLE {cut.name} AS {cut.query}")
            if cut.name not in SAME_FOR_ALL:
                connection.execute(f"PREPARE fill_{cut.name} AS INSERT INTO {cut.name} {cut.query}")
                self._made_of[cut.name] = check_query(cut.query, names, cut.name) & VIEWS
        lock_connection(connection, [])


def rows_of(rows: Rows, customer_ids: frozenset[str]) -> dict[str, pa.Table]:
    """Return the rows of some customers; tables that are not about customers stay whole."""
    ids = pa.array(sorted(customer_ids), pa.string())
    return {
        name: table.filter(pc.is_in(table[CUSTOMER_ID], ids)) if CUSTOMER_ID in table.column_names else table
        for name, table in rows.items()
    }


class _Source:
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
        """Return the dates at which a fact has several versions; None where that is not told by dates."""
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


@lru_cache(maxsize=MAX_PLANS)
def _given(sql: str, parameters: tuple[tuple[str, Any], ...]) -> str:
    """Return SQL with the values of its parameters: with them outside, each run would plan anew.

    >>> _given("SELECT $a, '$a' -- $a", (("a", 3),))
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
