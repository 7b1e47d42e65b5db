"""An empty store on each engine: SQLite in a file, and a real PostgreSQL server."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import polars as pl
import pytest

from tests.store import postgres
from vipreco.store import Database, Store
from vipreco.store.migrating import upgrade

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
def empty_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite store without content, to be copied."""
    path = tmp_path_factory.mktemp("empty") / "store.db"
    Store.open(f"sqlite:///{path}").close()
    return path


@pytest.fixture(scope="session")
def template(server: postgres.Server) -> str:
    """Name of a PostgreSQL database with the tables of an empty store, to be copied."""
    name = f"template_{next(NUMBERS)}_{id(server)}"
    execute(server, f"CREATE DATABASE {name}")
    database = Database(server.url(name))
    upgrade(database)
    database.engine.dispose()
    return name


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest) -> str:
    """Name of the engine."""
    return str(request.param)


@pytest.fixture
def url(engine: str, request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Address of a store without content, of this test alone."""
    if engine == "sqlite":
        shutil.copy(request.getfixturevalue("empty_file"), tmp_path / "store.db")
        return f"sqlite:///{tmp_path}/store.db"
    server: postgres.Server = request.getfixturevalue("server")
    known = request.getfixturevalue("template")
    name = f"{known}_{next(NUMBERS)}"
    execute(server, f"CREATE DATABASE {name} TEMPLATE {known}")
    request.addfinalizer(lambda: execute(server, f"DROP DATABASE {name} WITH (FORCE)"))
    return server.url(name)


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


def execute(server: postgres.Server, statement: str) -> None:
    """Run one statement outside of any transaction."""
    import psycopg

    with psycopg.connect(f"host={server.folder} dbname=postgres user=tester", autocommit=True) as connection:
        connection.execute(statement.encode())
