"""An empty store on each engine: SQLite in a file, and a real PostgreSQL server."""

from __future__ import annotations

import itertools
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import polars as pl
import pytest
from sqlalchemy import delete

from tests.store import postgres
from vipreco.store import Database, Store, upgrade
from vipreco.store.schema import metadata

ENGINES = ("sqlite", "postgresql")
NUMBERS = itertools.count(1)
MEMBERS = pl.DataFrame(
    {
        "customer_id": ["0001", "0002", "0003", "0004"],
        "manager_id": ["M1", "M1", "M2", None],
        "branch_id": ["B1", "B1", "B2", None],
    }
)


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[postgres.Server]:
    """A PostgreSQL server, the same one for all processes of a test run."""
    reason = postgres.missing()
    if reason:
        pytest.skip(reason)
    own = tmp_path_factory.getbasetemp()
    common = own.parent if own.name.startswith("popen-") else own
    with postgres.shared(common) as running:
        yield running


@pytest.fixture(scope="session")
def shared_database(server: postgres.Server) -> str:
    """Address of a PostgreSQL database with the tables of a store; tests empty it before they use it."""
    url = new_database(server)
    database = Database(url)
    upgrade(database)
    database.engine.dispose()
    return url


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest) -> str:
    """Name of the engine."""
    return str(request.param)


@pytest.fixture
def url(engine: str, request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Address of a store without content, of this test alone."""
    if engine == "sqlite":
        shutil.copy(request.getfixturevalue("empty_store"), tmp_path / "store.db")
        return f"sqlite:///{tmp_path}/store.db"
    found: str = request.getfixturevalue("shared_database")
    _empty(found)
    return found


def _empty(url: str) -> None:
    """Take all rows out, as nobody but the owner of the database can: the audit has triggers against it."""
    database = Database(url)
    with database.engine.begin() as connection:
        connection.exec_driver_sql("SET LOCAL session_replication_role = replica")
        for table in reversed(metadata.sorted_tables):
            connection.execute(delete(table))
        for counter in ("changes_sequence_seq", "covers_cover_id_seq"):
            connection.exec_driver_sql(f"ALTER SEQUENCE {counter} RESTART")
    database.engine.dispose()


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    """A store with two books, and a customer whom nobody cares for."""
    with Store.open(url) as opened:
        opened.books.replace("snapshot-1", MEMBERS)
        yield opened


@pytest.fixture
def again(url: str) -> Iterator[Callable[[], Store]]:
    """Open the same store once more, as another process does."""
    found: list[Store] = []

    def opened() -> Store:
        found.append(Store.open(url))
        return found[-1]

    yield opened
    for one in found:
        one.close()


def new_database(server: postgres.Server) -> str:
    """Make an empty database and return its address."""
    import psycopg

    name = f"store_{os.getpid()}_{next(NUMBERS)}"
    with psycopg.connect(f"host={server.folder} dbname=postgres user=tester", autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
    return server.url(name)
