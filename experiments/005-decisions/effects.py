"""Estimate what a call does from a bank's past contacts, as a bank would: no truth is read.

    python experiments/005-decisions/effects.py            # prints one line of JSON

Among VIP customers whom the bank might call (consent to calls), who is called in a month is random: those who
are called are compared with those who are not, in the same month.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from vipreco.history import History
from vipreco.project import Project
from vipreco.simulator import TIERS, VIP_TIERS, simulate
from vipreco.tables import import_

SEED, CUSTOMERS, MONTHS = 911, 100_000, 18
PROJECT = Project.find(ROOT)

# A month of a customer: in the snapshot, then seen or not in the next one.
RISK = f"""
WITH days AS (
    SELECT snapshot_date, lead(snapshot_date) OVER (ORDER BY snapshot_date) AS next_date
    FROM (SELECT DISTINCT snapshot_date FROM customers)
)
SELECT c.customer_id, c.snapshot_date, d.next_date, c.aum_amount,
    n.customer_id IS NULL AS has_left,
    n.customer_id IS NOT NULL AND n.tier <> c.tier AND n.aum_amount > c.aum_amount AS has_risen,
    EXISTS (
        SELECT 1 FROM contacts k WHERE k.customer_id = c.customer_id AND k.channel = 'call'
            AND CAST(k.contacted_at AS DATE) > d.snapshot_date AND CAST(k.contacted_at AS DATE) <= d.next_date
    ) AS called
FROM customers c JOIN days d USING (snapshot_date)
LEFT JOIN customers n ON n.customer_id = c.customer_id AND n.snapshot_date = d.next_date
WHERE c.tier IN {VIP_TIERS} AND c.consent_call AND d.next_date IS NOT NULL"""

LEFT = """
SELECT count(*) FILTER (WHERE called) AS called, count(*) FILTER (WHERE NOT called) AS others,
    avg(has_left::INT) FILTER (WHERE called) AS left_called,
    avg(has_left::INT) FILTER (WHERE NOT called) AS left_others,
    avg(has_risen::INT) FILTER (WHERE called) AS risen_called,
    avg(has_risen::INT) FILTER (WHERE NOT called) AS risen_others
FROM risk"""

# What was talked about is acquired by the next snapshot; the same product by customers who were not called.
BOUGHT = """
WITH talks AS (
    SELECT DISTINCT r.customer_id, r.snapshot_date, r.next_date, k.product_id
    FROM risk r JOIN contacts k ON k.customer_id = r.customer_id AND k.channel = 'call'
        AND CAST(k.contacted_at AS DATE) > r.snapshot_date AND CAST(k.contacted_at AS DATE) <= r.next_date
), opened AS (
    SELECT r.customer_id, r.snapshot_date, h.product_id, r.called
    FROM risk r JOIN holdings h ON h.customer_id = r.customer_id
        AND h.opened_date > r.snapshot_date AND h.opened_date <= r.next_date
), with_call AS (
    SELECT t.product_id, count(*) AS talks, count(o.customer_id) AS bought
    FROM talks t LEFT JOIN (SELECT DISTINCT customer_id, snapshot_date, product_id FROM opened) o
        USING (customer_id, snapshot_date, product_id) GROUP BY 1
), without AS (
    SELECT product_id, count(*) / (SELECT count(*) FROM risk WHERE NOT called) AS rate
    FROM opened WHERE NOT called GROUP BY 1
)
SELECT sum(talks) AS talks, sum(bought) AS bought, sum(talks * coalesce(rate, 0)) AS bought_without
FROM with_call LEFT JOIN without USING (product_id)"""


# Who leaves, falls below their tier or loses half of their assets in three months: P(attrition) is about it.
SUNK = f"""
WITH days AS (
    SELECT snapshot_date, lead(snapshot_date, 3) OVER (ORDER BY snapshot_date) AS later_date
    FROM (SELECT DISTINCT snapshot_date FROM customers)
)
SELECT avg((n.customer_id IS NULL OR n.aum_amount * 2 <= c.aum_amount
    OR list_position({list(TIERS)}, n.tier) < list_position({list(TIERS)}, c.tier))::INT) AS sunk
FROM customers c JOIN days d USING (snapshot_date)
LEFT JOIN customers n ON n.customer_id = c.customer_id AND n.snapshot_date = d.later_date
WHERE c.tier IN {VIP_TIERS} AND c.consent_call AND d.later_date IS NOT NULL"""


def main() -> None:
    with TemporaryDirectory() as work:
        bank = simulate(CUSTOMERS, MONTHS, SEED, Path(work) / "bank", threads=PROJECT.threads)
        import_(Path(work) / "tables", bank.mapping, list(bank.sources), PROJECT.settings)
        history = History.open(Path(work) / "tables", PROJECT.threads)
        print(json.dumps(measured(history), default=float))


def measured(history: History) -> dict[str, float]:
    """Return rates with and without a call, and how many times as likely a product is acquired with one."""
    view = history.as_of(history.snapshot_dates[-1])
    risk = f"WITH risk AS MATERIALIZED ({RISK})"
    left = view.query(f"{risk} {LEFT}").to_pylist()[0]
    bought = view.query(f"{risk}, {BOUGHT.removeprefix(chr(10) + 'WITH ')}").to_pylist()[0]
    sunk = view.query(SUNK).to_pylist()[0]
    return {**left, **sunk, **bought, "times_as_likely": float(bought["bought"]) / bought["bought_without"]}


if __name__ == "__main__":
    main()
