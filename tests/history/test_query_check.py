"""The check that keeps SQL to the views of a date."""

import pytest

from vipreco.errors import UsageError
from vipreco.history import check_query, named_columns

VIEWS = frozenset({"holdings", "population", "clock"})


@pytest.mark.parametrize(
    ("sql", "code"),
    [
        ("SELECT * FROM read_parquet('batches/b1/holdings.parquet')", "table-function"),
        ("SELECT * FROM read_csv('x.csv')", "table-function"),
        ("SELECT * FROM query_table('uncut_holdings')", "table-function"),
        ("SELECT * FROM duckdb_tables()", "table-function"),
        ("SELECT * FROM 'batches/b1/holdings.parquet'", "table"),
        ('WITH "x.parquet" AS (SELECT 1) SELECT * FROM "x.parquet"', "table"),
        ("SELECT * FROM uncut_holdings", "table"),
        ("SELECT * FROM main.holdings", "table"),
        ("SELECT * FROM population WHERE customer_id IN (SELECT customer_id FROM secret)", "table"),
        ("SELECT *, (SELECT max(x) FROM secret) FROM population", "table"),
        ("SELECT 1 UNION ALL SELECT * FROM secret", "table"),
        ("WITH a AS (SELECT * FROM secret) SELECT * FROM a", "table"),
        ("SELECT * FROM population, LATERAL (SELECT * FROM secret)", "table"),
        ("SELECT current_date FROM population", "unstable"),
        ("SELECT today() FROM population", "unstable"),
        ("SELECT customer_id, now() FROM population", "unstable"),
        ("SELECT random() FROM population", "unstable"),
        ("SELECT * FROM population ORDER BY random()", "unstable"),
        ("SELECT getvariable('x')", "unstable"),
        ("SELECT * FROM population TABLESAMPLE 10%", "feature-sql"),
        ("DESCRIBE population", "feature-sql"),
        ("SELECT * FROM (DESCRIBE population)", "feature-sql"),
        ("SELECT 1; SELECT 2", "feature-sql"),
        ("CREATE TABLE x AS SELECT 1", "feature-sql"),
        ("COPY population TO 'x.csv'", "feature-sql"),
        ("SELECT FROM WHERE", "feature-sql"),
    ],
)
def test_sql_that_reads_around_the_door_is_refused_with_the_file(sql, code):
    with pytest.raises(UsageError) as caught:
        check_query(sql, VIEWS, "leak.sql")
    assert (caught.value.code, caught.value.where) == (code, "leak.sql")


@pytest.mark.parametrize(
    ("sql", "read"),
    [
        ("SELECT * FROM population", {"population"}),
        ("SELECT * FROM POPULATION", {"population"}),
        ("WITH a AS (SELECT * FROM holdings) SELECT * FROM a JOIN clock ON true", {"holdings", "clock"}),
        ("SELECT unnest([1, 2]) AS x, row_number() OVER () FROM population", {"population"}),
        ("SELECT * FROM range(3), population", {"population"}),
        ("SELECT * FROM (VALUES (1)) AS v(x)", set()),
        ("SELECT * FROM holdings ASOF JOIN clock ON opened_date >= as_of_date", {"holdings", "clock"}),
    ],
)
def test_sql_over_the_views_passes_and_says_what_it_reads(sql, read):
    assert check_query(sql, VIEWS) == read


def test_the_remedy_of_a_foreign_table_lists_the_views():
    with pytest.raises(UsageError, match="use one of: clock, holdings, population"):
        check_query("SELECT * FROM secret", VIEWS, "leak.sql")


@pytest.mark.parametrize(
    ("sql", "names"),
    [
        ("SELECT a AS b, max(C) FILTER (d > 1) FROM holdings JOIN clock USING (e) WHERE f", "a c d e f"),
        ("SELECT h.a FROM (SELECT * FROM holdings) AS h", "a h"),
        ("WITH p AS (SELECT holdings.* FROM holdings) SELECT a FROM p GROUP BY a", "a"),
        ("SELECT count(*) FROM holdings", ""),
        ("SELECT a FROM holdings UNION SELECT b FROM holdings", "a b"),
        ("SELECT a FROM clock ORDER BY b", "a b"),
        ("SELECT * FROM holdings", None),
        ("SELECT a FROM (SELECT DISTINCT * FROM holdings)", None),
        ("SELECT count(*) FROM (SELECT * FROM holdings UNION SELECT * FROM holdings)", None),
        ("SELECT count(*) FROM (SELECT * FROM holdings GROUP BY ALL)", None),
        ("SELECT count(*) FROM (SELECT * FROM holdings) NATURAL JOIN clock", None),
        ("SELECT a FROM (SELECT * FROM holdings) AS t(a, b)", None),
        ("WITH p(a, b) AS (SELECT * FROM holdings) SELECT a FROM p", None),
        ("SELECT a FROM (SELECT * FROM holdings ORDER BY 2 LIMIT 1)", None),
        ("SELECT count(holdings) FROM holdings", None),
        ("SELECT count(DISTINCT h) FROM holdings AS h", None),
        ("SELECT min(COLUMNS(*)) FROM holdings", None),
    ],
)
def test_the_columns_that_a_query_looks_at_are_told(sql: str, names: str | None) -> None:
    assert named_columns(sql) == (None if names is None else frozenset(names.split()))
