"""The figures of each branch against SQL of another hand over the bare tables of small banks."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from functools import cache

import duckdb
import pyarrow as pa
import pytest

from tests.kpi.counted_bank import CALLS, LADDER, frames
from tests.kpi.drawn_bank import drawn_frames
from vipreco.history import History
from vipreco.kpi import FigureInputs, FigureRows, figure_rows, measures
from vipreco.settings import KpiSettings

Found = dict[date, tuple[float, float]]
# Every observation of a customer with the branch of the last one, and the months before it.
SEEN = """
WITH months AS (SELECT DISTINCT snapshot_date AS day FROM customers),
seen AS (
    SELECT customer_id, snapshot_date AS day, tier IN ('GOLD', 'TOP') AS vip, aum_amount AS amount,
        joined_date,
        last_value(branch_id) OVER (PARTITION BY customer_id ORDER BY snapshot_date
            ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) AS branch
    FROM customers
),
mine AS (SELECT * FROM seen WHERE branch = $branch),
pairs AS (
    SELECT m.day, (SELECT max(day) FROM months b WHERE b.day < m.day) AS before FROM months m
    WHERE m.day > (SELECT min(day) FROM months)
),
newest AS (SELECT max(day) AS day FROM months),
period AS (SELECT day, (day - INTERVAL 3 MONTH)::DATE AS start FROM newest),
talks AS (
    SELECT customer_id, contacted_at::DATE AS day, contacted_at, outcome, product_id FROM contacts
    WHERE outcome <> 'unreachable'
),
answers AS (
    SELECT t.customer_id, arg_max(t.outcome, t.contacted_at) AS outcome
    FROM talks t, period p
    WHERE t.day > p.start AND t.day <= p.day AND t.customer_id IN (
        SELECT customer_id FROM mine WHERE vip AND day > (SELECT start FROM period))
    GROUP BY t.customer_id
),
windows AS (
    SELECT e.day, s.day AS start FROM months e JOIN months s
        ON (SELECT count(*) FROM months x WHERE x.day > s.day AND x.day <= e.day) = 2
    WHERE (SELECT count(*) FROM months x WHERE x.day > e.day) % 2 = 0
),
flows AS (
    SELECT w.day, w.start, s.customer_id, s.amount - coalesce(e.amount, 0) AS fall,
        coalesce((SELECT sum(a.maturing_amount) FROM activity a
            WHERE a.customer_id = s.customer_id AND a.month_date = w.start), 0) AS maturing
    FROM windows w JOIN mine s ON s.day = w.start AND s.vip
    LEFT JOIN mine e ON e.day = w.day AND e.customer_id = s.customer_id
)
"""
BY_SQL = {
    "vip_customers": "SELECT day, count(*), sum(amount) FROM mine WHERE vip GROUP BY day",
    "vip_gained": """
        SELECT p.day, count(*), sum(n.amount) FROM pairs p JOIN mine n ON n.day = p.day AND n.vip
        WHERE n.customer_id NOT IN (SELECT customer_id FROM seen WHERE day = p.before) GROUP BY p.day""",
    "vip_risen": """
        SELECT p.day, count(*), sum(n.amount) FROM pairs p JOIN mine n ON n.day = p.day AND n.vip
        JOIN mine b ON b.day = p.before AND b.customer_id = n.customer_id AND NOT b.vip GROUP BY p.day""",
    "vip_sunk": """
        SELECT p.day, count(*), sum(b.amount) FROM pairs p JOIN mine b ON b.day = p.before AND b.vip
        JOIN mine n ON n.day = p.day AND b.customer_id = n.customer_id AND NOT n.vip GROUP BY p.day""",
    "vip_left": """
        SELECT p.day, count(*), sum(b.amount) FROM pairs p JOIN mine b ON b.day = p.before AND b.vip
        WHERE b.customer_id NOT IN (SELECT customer_id FROM seen WHERE day = p.day) GROUP BY p.day""",
    "products_used": """
        SELECT day, avg((SELECT count(DISTINCT product_id) FROM holdings h
            WHERE h.customer_id = v.customer_id AND h.opened_date <= v.day
                AND coalesce(h.closed_date, DATE '2999-01-01') > v.day)), sum(amount)
        FROM mine v WHERE vip GROUP BY day""",
    "flow_came_in": "SELECT day, count(*), sum(-fall) FROM flows WHERE fall < 0 GROUP BY day",
    "flow_matured_left": """
        SELECT day, count(*), sum(least(maturing, fall)) FROM flows
        WHERE fall > 0 AND maturing > 0 GROUP BY day""",
    "flow_moved_out": """
        SELECT day, count(*), sum(fall - maturing) FROM flows
        WHERE fall > maturing AND fall > 0 GROUP BY day""",
    "flow_matured_stayed": """
        SELECT day, count(*), sum(maturing - greatest(fall, 0)) FROM flows
        WHERE maturing > greatest(fall, 0) GROUP BY day""",
    "flow_bought": """
        SELECT f.day, count(DISTINCT f.customer_id), sum(h.balance_amount) FROM flows f JOIN holdings h
            ON h.customer_id = f.customer_id AND h.opened_date > f.start AND h.opened_date <= f.day
        WHERE h.product_id IN ('deposit', 'fund') GROUP BY f.day""",
    "not_reached_3_months": """
        SELECT day, avg((coalesce((SELECT max(t.day) FROM talks t WHERE t.customer_id = v.customer_id
            AND t.day <= v.day), joined_date) <= day - INTERVAL 3 MONTH)::INT), NULL
        FROM mine v WHERE vip GROUP BY day""",
    "not_reached_6_months": """
        SELECT day, avg((coalesce((SELECT max(t.day) FROM talks t WHERE t.customer_id = v.customer_id
            AND t.day <= v.day), joined_date) <= day - INTERVAL 6 MONTH)::INT), NULL
        FROM mine v WHERE vip GROUP BY day""",
    "contacts_reached": "SELECT day, count(*), NULL FROM answers, newest GROUP BY day HAVING count(*) > 0",
    "contacts_considering": """
        SELECT day, count(*), NULL FROM answers, newest WHERE outcome = 'postponed' GROUP BY day""",
    "contacts_declined": """
        SELECT day, count(*), NULL FROM answers, newest
        WHERE outcome IN ('declined', 'complaint', 'do_not_contact') GROUP BY day""",
    "contacts_bought": """
        SELECT p.day, count(DISTINCT a.customer_id), NULL FROM answers a JOIN talks t USING (customer_id)
        JOIN holdings h ON h.customer_id = a.customer_id AND h.product_id = t.product_id
            AND h.opened_date >= t.day
        CROSS JOIN period p WHERE t.day > p.start AND t.day <= p.day GROUP BY p.day""",
}


BANKS = {"counted": frames, "drawn": lambda: drawn_frames(1)}


# The same of a manager since hand-overs; in the drawn bank each branch is the book of one manager.
OF_BRANCH = "mine AS (SELECT * FROM seen WHERE branch = $branch),"
SINCE = """
mine AS (
    SELECT s.* FROM seen s LEFT JOIN hand_overs h ON h.customer_id = s.customer_id AND h.giver = s.branch
    WHERE coalesce(h.taker, s.branch) = $branch
),
"""


def by_sql(tables: Mapping[str, pa.Table], key: str, branch: str, seen: str = SEEN) -> Found:
    """Return number and amount of a figure of a branch by month, from the bare tables."""
    with duckdb.connect() as connection:
        for name, table in tables.items():
            connection.register(name, table)
        rows = connection.execute(seen + BY_SQL[key], {"branch": branch}).fetchall()
    return {day: (number, amount or 0.0) for day, number, amount in rows}


@cache
def rows_of(bank: str) -> FigureRows:
    history = History.from_frames(dict(BANKS[bank]()))
    return figure_rows(history.as_of(history.snapshot_dates[-1]), FigureInputs(LADDER, CALLS, KpiSettings()))


def told(rows: FigureRows) -> Mapping[str, Found]:
    """Return number and amount of each figure by month, as pages and `vipreco kpi` tell them."""
    found: dict[str, Found] = {}
    for row in measures(rows).to_dicts():
        pair = (row["number"], row["total_amount"] or 0.0)
        found.setdefault(row["figure"], {})[row["month_date"]] = pair
    return found


def compare(tables: Mapping[str, pa.Table], rows: FigureRows, of: str, seen: str = SEEN) -> int:
    """Compare all figures with SQL over the bare tables, and return how many numbers there were."""
    figures, compared = told(rows), 0
    for key in BY_SQL:
        expected = by_sql(tables, key, of, seen)
        for day, found in figures[key].items():
            number, amount = expected.get(day, (0, 0.0))
            if not key.startswith("flow_"):
                assert found[0] == pytest.approx(number), (key, day)
            if key.startswith(("vip_", "flow_")):
                assert found[1] == pytest.approx(amount), (key, day)
            compared += found != (0, 0.0)
    return compared


@pytest.mark.parametrize("branch", ["B1", "B2"])
@pytest.mark.parametrize("bank", BANKS)
def test_each_figure_of_a_branch_is_that_of_the_bare_tables(bank: str, branch: str) -> None:
    compared = compare(BANKS[bank](), rows_of(bank).of(branch), branch)
    assert compared >= (13 if bank == "counted" else 30)


@pytest.mark.parametrize("manager", ["B1", "B3"])
def test_each_figure_of_a_manager_follows_hand_overs(manager: str) -> None:
    """Half a book goes to a new manager; of every third the tables name another giver by now."""
    tables = BANKS["drawn"]()
    ids = sorted(set(tables["customers"]["customer_id"].to_pylist()))
    moved = {one: ("B2" if place % 3 == 0 else "B1", "B3") for place, one in enumerate(ids[:40])}
    givers, takers = zip(*moved.values(), strict=True)
    hand_overs = pa.table({"customer_id": [*moved], "giver": givers, "taker": takers})
    rows = rows_of("drawn").handed_over(moved).of(None, manager)
    assert OF_BRANCH in SEEN
    seen = SEEN.replace(OF_BRANCH, SINCE)
    assert compare({**tables, "hand_overs": hand_overs}, rows, manager, seen) >= 20
    assert set(rows.rows["manager_id"]) == {manager}
