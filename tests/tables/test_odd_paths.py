"""Project folders whose names mean something else to a URL, a glob or a partitioned data set.

Cases B119.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from sqlalchemy.engine import make_url

from tests.tables.test_bad_input import GOOD_CUSTOMERS, TIER, customers_mapping
from vipreco.history import VIEWS, History
from vipreco.project import Project, Settings, read_settings, sqlite_url
from vipreco.tables import import_

SETTINGS = Settings.model_validate({"project": {"name": "test"}})


def imported(folder: Path, text: str) -> History:
    folder.mkdir()
    (folder / "mapping.toml").write_text(customers_mapping(TIER))
    (folder / "customers.csv").write_text(text)
    import_(folder / "tables", folder / "mapping.toml", [folder / "customers.csv"], SETTINGS)
    return History.open(folder / "tables")


@pytest.mark.parametrize(
    ("name", "neighbour"),
    [("q?mark", "qxmark"), ("st*r", "star"), ("b[ae]d", "bad"), ("year=2025", "year=2024")],
)
def test_only_the_tables_of_the_project_itself_are_read(name: str, neighbour: str, tmp_path: Path) -> None:
    imported(tmp_path / neighbour, GOOD_CUSTOMERS.replace("A1", "N1"))
    view = imported(tmp_path / name, GOOD_CUSTOMERS).as_of(date(2025, 1, 31))
    population = view.population()
    assert population["customer_id"].to_pylist() == ["A1", "B2", "C3"]
    assert "year" not in population.column_names
    for name_of_view in sorted(VIEWS):  # some read their files only when they are asked
        assert view.query(f"SELECT count(*) FROM {name_of_view}").num_rows == 1


@pytest.mark.parametrize(
    "name", ["q?mark", "per%25cent", "100%", "My Bank #1 (100%25)", "a b", "中文", "at@x:y"]
)
def test_the_databases_of_a_project_lie_inside_it(name: str, tmp_path: Path) -> None:
    (tmp_path / name).mkdir()
    (tmp_path / name / "vipreco.toml").write_text('[project]\nname = "test"\n')
    project = Project(tmp_path / name, read_settings(tmp_path / name / "vipreco.toml"))
    for url, file in ((project.store_url, "store.db"), (project.tracking_uri, "tracking.db")):
        assert make_url(url).database == str(tmp_path / name / "data" / file)
    assert make_url(sqlite_url(tmp_path / name)).query == {}
