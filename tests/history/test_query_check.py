"""The check that keeps SQL to the views of a date."""

import pytest

from vipreco.errors import UsageError
from vipreco.history import check_query

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
