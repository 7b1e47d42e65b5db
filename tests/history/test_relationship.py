"""Labels of the relationship: left against unobserved, half of the assets exactly, a ladder that moves."""

from datetime import date

import pyarrow as pa
import pytest
from hypothesis import given, settings, strategies as st

from vipreco.errors import UsageError
from vipreco.history import History
from vipreco.settings import TierLadder
from vipreco.settings.tiers import TierLine

JAN, FEB, MAR, APR = (date(2020, 1, 31), date(2020, 2, 29), date(2020, 3, 31), date(2020, 4, 30))
LADDER = TierLadder(
    vip=("GOLD", "TOP"),
    ladder=(
        TierLine(tier="BASIC", from_amount=0.0),
        TierLine(tier="GOLD", from_amount=100.0),
        TierLine(tier="TOP", from_amount=1000.0),
    ),
)


def line(tier, amount, valid_from=date.min, valid_until=None):
    return TierLine(tier=tier, from_amount=amount, valid_from=valid_from, valid_until=valid_until)


def profiles(*rows):
    """Rows of (customer, snapshot, tier, assets)."""
    customers, days, tiers, amounts = zip(*rows, strict=True)
    return pa.table(
        {
            "customer_id": list(customers),
            "snapshot_date": list(days),
            "tier": pa.array(tiers, pa.string()),
            "aum_amount": pa.array(amounts, pa.float64()),
        }
    )


def held(*intervals):
    customers, opened, closed = zip(*intervals, strict=True)
    return pa.table(
        {
            "customer_id": list(customers),
            "product_id": ["p"] * len(intervals),
            "opened_date": pa.array(opened, pa.date32()),
            "closed_date": pa.array(closed, pa.date32()),
        }
    )


def changes(customers, holdings=None, ladder=LADDER, after=JAN, until=MAR, known=None):
    frames = {"customers": customers} | ({"holdings": holdings} if holdings is not None else {})
    found = History.from_frames(frames).relationship_changes(after, until, ladder, known)
    assert (found.after, found.until) == (after, until)
    return {row.pop("customer_id"): tuple(row.values())[:5] for row in found.changes.to_pylist()}


KINDS = ("attrition", "closure", "outflow", "dip", "lost_share")


def kinds(customers, holdings=None):
    """`(attrition, closure, outflow, dip, lost_share)` of each customer."""
    frames = {"customers": customers} | ({"holdings": holdings} if holdings is not None else {})
    found = History.from_frames(frames).relationship_changes(JAN, MAR, LADDER)
    return {row["customer_id"]: tuple(row[kind] for kind in KINDS) for row in found.changes.to_pylist()}


def labels(*rows, **more):
    """`(attrition, tier_upgrade)` of each customer."""
    return {customer: row[:2] for customer, row in changes(profiles(*rows), **more).items()}


def test_a_vip_who_falls_below_their_tier_is_leaving_and_one_who_climbs_is_rising():
    found = changes(
        profiles(
            *[("fell", JAN, "TOP", 1500), ("fell", MAR, "GOLD", 900)],
            *[("rose", JAN, "GOLD", 900), ("rose", MAR, "TOP", 1500)],
            *[("stayed", JAN, "GOLD", 900), ("stayed", MAR, "GOLD", 800)],
        )
    )
    assert found == {
        "fell": (True, None, False, True, False),  # nobody rises above the highest tier
        "rose": (False, True, False, False, False),
        "stayed": (False, False, False, False, False),
    }


def test_below_vip_nobody_is_leaving_and_everybody_can_rise():
    assert labels(
        ("1", JAN, "BASIC", 90), ("1", MAR, "GOLD", 120), ("2", JAN, "BASIC", 90), ("2", MAR, "BASIC", 10)
    ) == {"1": (None, True), "2": (None, False)}


@pytest.mark.parametrize(
    ("start", "end", "halved"),
    [(900, 450, True), (900, 450.01, False), (900.01, 450, True), (900, 0, True), (900, 901, False)],
)
def test_half_of_the_assets_exactly_is_a_loss_of_half(start, end, halved):
    found = changes(profiles(("1", JAN, "GOLD", start), ("1", MAR, "GOLD", end)))
    assert found["1"] == (halved, False, False, False, halved)


def test_nothing_to_lose_is_no_loss():
    assert labels(("1", JAN, "GOLD", 0), ("1", MAR, "GOLD", 0)) == {"1": (False, False)}


def test_who_is_gone_with_all_holdings_closed_has_left_and_who_is_only_not_seen_is_unobserved():
    found = changes(
        profiles(("left", JAN, "GOLD", 500), ("unseen", JAN, "GOLD", 500), ("no holding", JAN, "GOLD", 500)),
        held(("left", JAN, FEB), ("left", FEB, MAR), ("unseen", JAN, FEB), ("unseen", FEB, None)),
    )
    assert found == {
        "left": (True, False, True, None, None),
        "no holding": (None, None, None, None, None),
        "unseen": (None, None, None, None, None),
    }


def test_holdings_closed_before_the_window_or_after_it_say_nothing_about_leaving():
    found = labels(
        ("before", JAN, "GOLD", 500),
        ("after", JAN, "GOLD", 500),
        holdings=held(("before", date(2019, 1, 1), JAN), ("after", JAN, APR)),
    )
    assert found == {"before": (None, None), "after": (None, None)}


def test_who_closed_everything_and_is_still_seen_has_not_left():
    found = changes(profiles(("1", JAN, "GOLD", 500), ("1", MAR, "GOLD", 400)), held(("1", JAN, FEB)))
    assert found["1"] == (False, False, False, False, False)


def test_a_closing_that_was_not_known_yet_is_not_used():
    rows = held(("1", JAN, None), ("1", JAN, FEB)).append_column(
        "recorded_date", pa.array([JAN, APR], pa.date32())
    )
    start = profiles(("1", JAN, "GOLD", 500))
    assert changes(start, rows, known=MAR)["1"][:2] == (None, None)
    assert changes(start, rows, known=APR)["1"][:2] == (True, False)


def test_only_the_last_month_of_the_window_tells_how_it_ended():
    found = labels(
        *[("early", JAN, "GOLD", 500), ("early", FEB, "TOP", 1500)],
        *[("late", JAN, "GOLD", 500), ("late", FEB, "TOP", 1500), ("late", MAR, "GOLD", 400)],
        *[("past", JAN, "GOLD", 500), ("past", APR, "TOP", 1500)],
    )
    assert found == {"early": (None, None), "late": (False, False), "past": (None, None)}


def test_the_last_of_two_snapshots_in_the_last_month_counts():
    rows = [("1", JAN, "GOLD", 500), ("1", date(2020, 3, 10), "TOP", 1500), ("1", MAR, "GOLD", 500)]
    assert labels(*rows) == {"1": (False, False)}


def test_an_unknown_tier_or_unknown_assets_leave_the_label_open():
    found = labels(
        *[("no tier", JAN, None, 500), ("no tier", MAR, "GOLD", 500)],
        *[("strange", JAN, "NEW", 500), ("strange", MAR, "GOLD", 500)],
        *[("no assets", JAN, "GOLD", None), ("no assets", MAR, "BASIC", 50)],
        *[("lost track", JAN, "GOLD", 500), ("lost track", MAR, "BASIC", None)],
        *[("no end", JAN, "GOLD", 500), ("no end", MAR, None, 500)],
    )
    assert found == {
        "no tier": (None, None),
        "strange": (None, None),
        "no assets": (None, False),
        "lost track": (None, False),
        "no end": (None, None),
    }


def test_whom_the_new_lines_alone_put_elsewhere_has_not_moved():
    """GOLD begins at 200 from March on: 150 is now BASIC; who goes from 150 to 250 climbs."""
    moved = TierLadder(
        vip=("GOLD",), ladder=(line("BASIC", 0.0), line("GOLD", 100.0), line("GOLD", 200.0, MAR))
    )
    found = labels(
        *[("sank by law", JAN, "GOLD", 150), ("sank by law", MAR, "BASIC", 160)],
        *[("climbed", JAN, "GOLD", 150), ("climbed", MAR, "GOLD", 250)],
        *[("fell", JAN, "GOLD", 250), ("fell", MAR, "BASIC", 190)],
        ladder=moved,
    )
    assert found == {"sank by law": (False, False), "climbed": (False, True), "fell": (True, None)}


def test_a_tier_that_opens_lifts_nobody_by_itself():
    opened = TierLadder(vip=("GOLD", "TOP"), ladder=(line("GOLD", 100.0), line("TOP", 500.0, MAR)))
    found = labels(
        *[("opened", JAN, "GOLD", 600), ("opened", MAR, "TOP", 600)],
        *[("climbed", JAN, "GOLD", 400), ("climbed", MAR, "TOP", 600)],
        ladder=opened,
    )
    assert found == {"opened": (False, None), "climbed": (False, True)}


def test_the_start_is_told_as_it_was_known_then():
    rows = profiles(("1", JAN, "GOLD", 500), ("1", JAN, "TOP", 1500), ("1", MAR, "TOP", 1500)).append_column(
        "recorded_date", pa.array([JAN, FEB, MAR], pa.date32())
    )
    assert changes(rows)["1"][:2] == (False, True)


def test_an_empty_window_is_refused():
    with pytest.raises(UsageError, match="is empty"):
        labels(("1", JAN, "GOLD", 500), after=MAR, until=MAR)


money = st.one_of(st.none(), st.integers(0, 3000))
standing = st.tuples(st.sampled_from(["BASIC", "GOLD", "TOP", None, "NEW"]), money)
customer = st.tuples(standing, st.one_of(st.none(), standing), st.sampled_from([None, FEB, APR]))


def by_hand(start, end, closed):
    """`(attrition, tier_upgrade)` in plain Python."""
    ranks = {"BASIC": 0, "GOLD": 1, "TOP": 2}
    first, left = ranks.get(start[0]), end is None and closed == FEB
    last = ranks.get(end[0]) if end else None
    tier_upgrade = None if first in {None, 2} else False if left else None if last is None else last > first
    if start[0] not in LADDER.vip or start[1] is None:
        return None, tier_upgrade
    known = last is not None and end[1] is not None
    lost = (last < first or (start[1] > 0 and end[1] * 2 <= start[1])) if known else None
    return (True if left else lost), tier_upgrade


@settings(max_examples=60, deadline=None)
@given(st.lists(customer, min_size=1, max_size=6))
def test_labels_agree_with_plain_python(bank):
    rows = [(str(number), JAN, *start) for number, (start, _, _) in enumerate(bank)]
    rows += [(str(number), MAR, *end) for number, (_, end, _) in enumerate(bank) if end]
    intervals = held(*[(str(number), JAN, closed) for number, (_, _, closed) in enumerate(bank)])
    assert labels(*rows, holdings=intervals) == {
        str(number): by_hand(*states) for number, states in enumerate(bank)
    }


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        (("GOLD", 200), ("BASIC", 20), (True, True, False, False, 0.9)),
        (("GOLD", 200), ("BASIC", 20.1), (True, False, True, False, 0.8995)),
        (("GOLD", 200), ("GOLD", 100), (True, False, True, False, 0.5)),
        (("GOLD", 150), ("BASIC", 90), (True, False, False, True, 0.4)),
        (("GOLD", 200), ("GOLD", 150), (False, False, False, False, 0.25)),
        (("GOLD", 200), ("TOP", 1500), (False, False, False, False, 0.0)),
        (("BASIC", 90), ("BASIC", 1), (None, None, None, None, None)),
        (("GOLD", 0), ("BASIC", 0), (True, False, False, True, None)),
    ],
)
def test_attrition_is_one_of_three_kinds_and_the_share_that_went_is_known(start, end, expected):
    found = kinds(profiles(("1", JAN, *start), ("1", MAR, *end)))["1"]
    assert found[:4] == expected[:4]
    assert found[4] == (None if expected[4] is None else pytest.approx(expected[4]))


def test_who_left_has_closed_and_taken_everything():
    found = kinds(profiles(("left", JAN, "GOLD", 500)), held(("left", JAN, FEB)))
    assert found == {"left": (True, True, False, False, 1.0)}
