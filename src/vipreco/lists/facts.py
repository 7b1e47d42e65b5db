"""Contacts, follow-ups, maturities and assessments of the customers of a book, from the tables."""

from __future__ import annotations

import polars as pl

from vipreco.columns import ACTIVITY
from vipreco.history import View
from vipreco.settings import CallListSettings

CALENDAR_DAYS = 3  # at most, for a working day, long holidays included
FRESH_DAYS = 62  # an activity month that ended earlier says nothing about what is due now

# One row a contact with its day, and the day on which the talk shall go on.
TALKS = """
talks AS (
    SELECT *, CAST(contacted_at AS DATE) AS day,
        coalesce(next_date, CASE WHEN outcome = 'postponed'
            THEN CAST(CAST(contacted_at AS DATE) + to_days($follow_up_days) AS DATE) END) AS due
    FROM contacts
)"""

# After a talk with one of these outcomes nothing is to be followed up.
SETTLED = "('accepted', 'do_not_contact')"

# A follow-up is done by a later talk about the same product, any talk on its day or later, an accepted call,
# or the purchase.
FOLLOWS_UP = """l.contacted_at > t.contacted_at AND l.outcome <> 'unreachable' AND (
            l.day >= t.due OR l.product_id = t.product_id
            OR (l.outcome = 'accepted' AND l.channel = 'call')
        )"""

_OPEN = f"""
open AS (
    SELECT t.customer_id, t.product_id, t.day, t.due, t.due <= k.as_of_date AS is_due
    FROM talks t, clock k
    WHERE t.due <= k.as_of_date + to_days($ahead_days) AND t.due >= k.as_of_date - to_days($lapse_days)
        AND t.outcome NOT IN {SETTLED}
        AND NOT EXISTS (SELECT 1 FROM talks l WHERE l.customer_id = t.customer_id AND {FOLLOWS_UP})
        AND NOT EXISTS (
            SELECT 1 FROM holdings h
            WHERE h.customer_id = t.customer_id AND h.product_id = t.product_id AND h.opened_date >= t.day
        )
),
follow_ups AS (
    SELECT customer_id,
        min(due) FILTER (WHERE is_due) AS follow_up_date,
        arg_min_null(product_id, due) FILTER (WHERE is_due) AS follow_up_product_id,
        arg_min(day, due) FILTER (WHERE is_due) AS follow_up_from_date,
        min(due) FILTER (WHERE NOT is_due) AS agreed_date,
        arg_min_null(product_id, due) FILTER (WHERE NOT is_due) AS agreed_product_id,
        arg_min(day, due) FILTER (WHERE NOT is_due) AS agreed_from_date
    FROM open
    GROUP BY customer_id
)"""

# What the customer opened, gave up, and had in assets since the talk that is due was agreed on.
_SINCE = """
since AS (
    SELECT f.customer_id,
        list(DISTINCT h.product_id ORDER BY h.product_id)
            FILTER (h.opened_date > f.follow_up_from_date) AS opened_products,
        list(DISTINCT h.product_id ORDER BY h.product_id)
            FILTER (h.closed_date > f.follow_up_from_date) AS closed_products
    FROM follow_ups f JOIN holdings h USING (customer_id)
    WHERE f.follow_up_from_date IS NOT NULL
    GROUP BY f.customer_id
),
assets_then AS (
    SELECT f.customer_id, arg_max(CAST(c.aum_amount AS DOUBLE), c.snapshot_date) AS agreed_aum_amount
    FROM follow_ups f JOIN customers c USING (customer_id)
    WHERE c.snapshot_date <= f.follow_up_from_date
    GROUP BY f.customer_id
)"""

_LAST = """
last AS (
    SELECT customer_id,
        max(day) AS last_contact_date,
        arg_max(channel, contacted_at) AS last_channel,
        arg_max(outcome, contacted_at) AS last_outcome,
        arg_max(product_id, contacted_at) AS last_product_id,
        max(day) FILTER (WHERE outcome <> 'unreachable') AS reached_date,
        max(day) FILTER (WHERE outcome <> 'unreachable' AND channel = 'call') AS called_date,
        max(day) FILTER (WHERE outcome = 'declined' AND channel = 'call') AS declined_date,
        bool_or(outcome = 'do_not_contact' AND channel = 'call') AS opted_out_of_calls
    FROM talks
    GROUP BY customer_id
)"""

_MATURING = """
maturing AS (
    SELECT customer_id, CAST("{column}" AS DOUBLE) AS maturing_amount, month_date AS maturing_month_date
    FROM activity, clock k
    WHERE "{column}" > 0
        AND month_date = k.newest_month_date
        AND month_date >= k.as_of_date - INTERVAL {days} DAY
)"""

_NOTHING_MATURES = """
maturing AS (
    SELECT customer_id, 0.0 AS maturing_amount, NULL::DATE AS maturing_month_date
    FROM customers_now WHERE false
)"""

_BOOK = """
SELECT c.customer_id, c.tier, CAST(c.aum_amount AS DOUBLE) AS aum_amount, c.risk_level, c.risk_assessed_date,
    c.birth_date, c.joined_date, c.manager_id, c.branch_id, c.consent_call, c.profiling_opt_out,
    datesub('year', c.birth_date, k.as_of_date) AS age,
    last.* EXCLUDE (customer_id), follow_ups.* EXCLUDE (customer_id), maturing.* EXCLUDE (customer_id),
    since.* EXCLUDE (customer_id), assets_then.* EXCLUDE (customer_id)
FROM customers_now c
CROSS JOIN clock k
LEFT JOIN last USING (customer_id)
LEFT JOIN follow_ups USING (customer_id)
LEFT JOIN maturing USING (customer_id)
LEFT JOIN since USING (customer_id)
LEFT JOIN assets_then USING (customer_id)
ORDER BY c.customer_id"""


def book_facts(view: View, settings: CallListSettings) -> pl.DataFrame:
    """Return one row a customer of the view, ordered by id.

    Columns beside those of the customer: `last_contact_date last_channel last_outcome last_product_id`;
    `reached_date`, `called_date`, `declined_date` (last talk in any channel, by a call, declined in a call);
    `opted_out_of_calls`; `follow_up_date follow_up_product_id follow_up_from_date` (an agreed talk that is
    due); `opened_products closed_products agreed_aum_amount` (lists of what the customer opened and gave up
    since that talk was agreed on, and the assets then); the same as `agreed_*` (an agreed talk of a coming
    day: date, product, day it was agreed on); `maturing_amount` (currency) with its
    `maturing_month_date`; `age` in years.
    """
    column = settings.maturing_column
    brought = column and column in view.columns(ACTIVITY)
    maturing = _MATURING.format(column=column, days=FRESH_DAYS) if brought else _NOTHING_MATURES
    parts = ",".join([TALKS, _OPEN, _SINCE, _LAST, maturing])
    days = {name: getattr(settings, name) for name in ("follow_up_days", "lapse_days")}
    days["ahead_days"] = settings.plan_days * CALENDAR_DAYS
    return pl.DataFrame(view.query(f"WITH {parts} {_BOOK}", days, where="call list"))
