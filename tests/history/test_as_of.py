"""The view of a date shows what was known by both clocks, on tables that can be followed by eye."""

from datetime import date

import pyarrow as pa
import pytest

from vipreco.errors import UsageError
from vipreco.history import History

JAN, FEB, MAR, APR = (date(2020, 1, 31), date(2020, 2, 29), date(2020, 3, 31), date(2020, 4, 30))
MID_FEB = date(2020, 2, 15)


def rows(**columns):
    return pa.table({name: pa.array(values) for name, values in columns.items()})


def seen(*pairs):
    return rows(customer_id=[pair[0] for pair in pairs], snapshot_date=[pair[1] for pair in pairs])


def holdings(*versions):
    names = ("opened_date", "closed_date", "recorded_date", "batch_sequence")
    columns = list(zip(*versions, strict=True))
    types = [pa.date32()] * 3 + [pa.int32()]
    return pa.table(
        {
            "customer_id": ["1"] * len(versions),
            "product_id": ["card"] * len(versions),
            **{
                name: pa.array(values, kind) for name, values, kind in zip(names, columns, types, strict=True)
            },
        }
    )


def closings(day, *versions):
    frames = {"observations": seen(("1", JAN)), "holdings": holdings(*versions)}
    found = History.from_frames(frames).as_of(day).query("SELECT opened_date, closed_date FROM holdings")
    return [tuple(row.values()) for row in found.sort_by("opened_date").to_pylist()]


def test_the_population_is_who_was_observed_at_the_newest_snapshot_in_the_order_of_ids():
    frames = {"observations": seen(("2", JAN), ("9", FEB), ("10", FEB), ("3", MAR))}
    view = History.from_frames(frames).as_of(date(2020, 3, 30))
    assert view.snapshot_date == FEB
    assert view.population().to_pydict() == {"customer_id": ["10", "9"], "tier": [None, None]}


def test_a_customer_who_vanished_is_not_in_the_population_and_keeps_the_history():
    frames = {
        "observations": seen(("1", JAN), ("2", JAN), ("2", FEB)),
        "holdings": holdings((JAN, None, JAN, 1)),
    }
    view = History.from_frames(frames).as_of(FEB)
    assert view.population()["customer_id"].to_pylist() == ["2"]
    assert view.query("SELECT customer_id FROM holdings")["customer_id"].to_pylist() == ["1"]


def test_a_snapshot_recorded_late_is_not_there_before_it_was_recorded():
    frames = {
        "observations": rows(
            customer_id=["1", "1"], snapshot_date=[JAN, FEB], recorded_date=[JAN, date(2020, 3, 3)]
        )
    }
    history = History.from_frames(frames)
    assert history.as_of(FEB).snapshot_date == JAN
    assert history.as_of(date(2020, 3, 3)).snapshot_date == FEB


def test_a_date_before_the_first_snapshot_is_refused_and_says_which_there_are():
    history = History.from_frames({"observations": seen(("1", JAN), ("1", MAR))})
    with pytest.raises(UsageError, match="no snapshot was known at 2020-01-30") as caught:
        history.as_of(date(2020, 1, 30))
    assert "snapshots go from 2020-01-31 to 2020-03-31" in str(caught.value)
    assert history.snapshot_dates == [JAN, MAR]


def test_an_opening_on_the_date_is_known_and_one_on_the_next_day_is_not():
    assert closings(MID_FEB, (MID_FEB, None, MID_FEB, 1)) == [(MID_FEB, None)]
    assert closings(MID_FEB, (date(2020, 2, 16), None, date(2020, 2, 16), 1)) == []


def test_a_holding_that_starts_after_the_date_is_invisible_even_if_it_was_recorded_before():
    assert closings(FEB, (MAR, None, JAN, 1)) == []


def test_a_holding_recorded_late_is_invisible_until_then():
    assert closings(FEB, (JAN, None, MAR, 1)) == []
    assert closings(MAR, (JAN, None, MAR, 1)) == [(JAN, None)]


def test_a_closing_after_the_date_is_not_yet_there_and_one_on_the_date_is():
    assert closings(FEB, (JAN, MAR, JAN, 1)) == [(JAN, None)]
    assert closings(MAR, (JAN, MAR, JAN, 1)) == [(JAN, MAR)]


def test_a_closing_learnt_later_is_a_new_version_that_wins_from_then_on():
    versions = ((JAN, None, JAN, 1), (JAN, MID_FEB, MAR, 2))
    assert closings(FEB, *versions) == [(JAN, None)]
    assert closings(MAR, *versions) == [(JAN, MID_FEB)]


@pytest.mark.parametrize(("earlier", "later"), [(FEB, MID_FEB), (MID_FEB, FEB)])
def test_of_two_versions_recorded_on_the_same_day_the_later_batch_wins(earlier, later):
    assert closings(MAR, (JAN, earlier, FEB, 2), (JAN, later, FEB, 3)) == [(JAN, later)]


def test_a_version_that_closes_at_its_own_opening_annuls_the_holding():
    versions = ((JAN, None, JAN, 1), (JAN, JAN, MAR, 2))
    assert closings(FEB, *versions) == [(JAN, None)]
    assert closings(MAR, *versions) == []


def test_a_holding_that_ends_before_it_starts_never_reaches_a_view():
    assert closings(APR, (MAR, FEB, MAR, 1)) == []


def test_a_corrected_customer_row_is_seen_as_it_was_known():
    customers = rows(
        customer_id=["1", "2", "1"],
        snapshot_date=[JAN, JAN, JAN],
        recorded_date=[JAN, JAN, FEB],
        tier=["GOLD", "GOLD", "VIP"],
        batch_sequence=[1, 1, 2],
    )
    history = History.from_frames({"customers": customers})
    assert history.as_of(MID_FEB).population()["tier"].to_pylist() == ["GOLD", "GOLD"]
    assert history.as_of(FEB).population()["tier"].to_pylist() == ["VIP", "GOLD"]


def test_customers_now_has_one_row_for_everybody_even_without_a_profile():
    frames = {
        "customers": rows(customer_id=["1"], snapshot_date=[JAN], tier=["VIP"]),
        "observations": seen(("1", JAN), ("1", FEB), ("2", FEB)),
    }
    view = History.from_frames(frames).as_of(FEB)
    assert view.query("SELECT customer_id, tier FROM customers_now ORDER BY 1").to_pylist() == [
        {"customer_id": "1", "tier": None},
        {"customer_id": "2", "tier": None},
    ]


def test_a_product_is_seen_in_its_newest_known_version():
    products = rows(product_id=["p", "p"], family=["old", "new"], recorded_date=[JAN, MAR])
    history = History.from_frames({"observations": seen(("1", JAN)), "products": products})
    assert history.as_of(FEB).catalog_table()["family"].to_pylist() == ["old"]
    assert history.as_of(MAR).catalog_table()["family"].to_pylist() == ["new"]


def test_a_product_without_a_recorded_date_was_always_known():
    frames = {"observations": seen(("1", JAN)), "products": rows(product_id=["p"])}
    assert History.from_frames(frames).as_of(JAN).catalog_table()["product_id"].to_pylist() == ["p"]


MOMENTS = pa.array(["2020-02-15 23:59:00", "2020-02-15 23:59:00", "2020-03-01 09:00:00"]).cast(
    pa.timestamp("us")
)


def test_a_contact_and_its_outcome_are_known_when_they_were_recorded():
    contacts = rows(
        contact_id=["c", "c", "d"],
        customer_id=["1", "1", "1"],
        contacted_at=MOMENTS,
        outcome=["postponed", "accepted", "declined"],
        recorded_date=[MID_FEB, FEB, date(2020, 3, 1)],
    )
    history = History.from_frames({"observations": seen(("1", JAN)), "contacts": contacts})
    outcomes = [
        history.as_of(day).query("SELECT outcome FROM contacts")["outcome"].to_pylist()
        for day in (date(2020, 2, 14), MID_FEB, FEB)
    ]
    assert outcomes == [[], ["postponed"], ["accepted"]]


def test_activity_of_a_later_month_or_recorded_later_is_not_there():
    activity = rows(
        customer_id=["1", "1", "1"],
        month_date=[JAN, FEB, JAN],
        recorded_date=[JAN, FEB, FEB],
        flow=[1.0, 2.0, 9.0],
        batch_sequence=[1, 2, 2],
    )
    history = History.from_frames({"observations": seen(("1", JAN)), "activity": activity})
    flows = "SELECT flow FROM activity ORDER BY month_date"
    assert history.as_of(MID_FEB).query(flows)["flow"].to_pylist() == [1.0]
    assert history.as_of(FEB).query(flows)["flow"].to_pylist() == [9.0, 2.0]


def test_snapshots_count_back_from_the_newest_known_one():
    frames = {"observations": seen(("1", JAN), ("1", FEB), ("2", FEB), ("1", MAR))}
    view = History.from_frames(frames).as_of(date(2020, 3, 30))
    assert view.query("SELECT * FROM snapshots ORDER BY lag").to_pylist() == [
        {"snapshot_date": FEB, "lag": 0},
        {"snapshot_date": JAN, "lag": 1},
    ]
    assert view.query("SELECT * FROM clock").to_pylist() == [
        {"as_of_date": date(2020, 3, 30), "snapshot_date": FEB, "newest_month_date": None}
    ]


def test_tables_that_the_bank_did_not_bring_are_empty_and_typed():
    view = History.from_frames({"observations": seen(("1", JAN))}).as_of(JAN)
    assert view.present_tables == {"observations"}
    for table in ("contacts", "activity", "holdings", "products", "customers"):
        assert view.query(f"SELECT * FROM {table}").num_rows == 0
    assert view.columns("contacts")["contacted_at"] == "TIMESTAMP"


def test_ids_stay_text_whatever_they_look_like():
    frames = {"observations": seen(("00123", JAN), ("123", JAN), ("6217000010012345678", JAN))}
    ids = History.from_frames(frames).as_of(JAN).population()["customer_id"].to_pylist()
    assert ids == ["00123", "123", "6217000010012345678"]


def test_a_view_of_some_customers_holds_nothing_about_the_others():
    frames = {
        "observations": seen(("1", JAN), ("2", JAN)),
        "holdings": rows(customer_id=["1", "2"], product_id=["p", "p"], opened_date=[JAN, JAN]),
    }
    view = History.from_frames(frames).as_of(JAN).of(pa.array(["2", "nobody"]))
    assert view.population()["customer_id"].to_pylist() == ["2"]
    assert view.query("SELECT customer_id FROM holdings")["customer_id"].to_pylist() == ["2"]


def test_the_connection_holds_the_views_alone_and_opens_no_file(tmp_path):
    view = History.from_frames({"observations": seen(("1", JAN), ("1", MAR))}).as_of(JAN)
    names = {row[0] for row in view.connection.execute("SHOW TABLES").fetchall()}
    assert names == {
        "activity", "clock", "contacts", "customers", "customers_now",
        "holdings", "observations", "population", "products", "snapshots",
    }  # fmt: skip
    (tmp_path / "x.csv").write_text("a\n1\n")
    with pytest.raises(Exception, match="disabled by configuration"):
        view.connection.execute(f"SELECT * FROM read_csv('{tmp_path / 'x.csv'}')")


def test_a_query_that_cannot_run_names_its_file():
    view = History.from_frames({"observations": seen(("1", JAN))}).as_of(JAN)
    with pytest.raises(UsageError, match="nothing_here") as caught:
        view.query("SELECT nothing_here FROM population", where="wrong.sql")
    assert caught.value.where == "wrong.sql"


@pytest.mark.parametrize(("day", "owner"), [(JAN, "1"), (FEB, "2")])
def test_a_contact_that_turns_out_to_be_another_customers_is_theirs_alone_in_narrowed_views_too(day, owner):
    contacts = rows(
        contact_id=["a", "a"],
        customer_id=["1", "2"],
        contacted_at=[JAN, JAN],
        recorded_date=[JAN, FEB],
    )
    frames = {"observations": seen(("1", JAN), ("2", JAN), ("1", FEB), ("2", FEB)), "contacts": contacts}
    view = History.from_frames(frames).as_of(day)
    found = {
        customer: view.of(pa.array([customer])).query("SELECT customer_id FROM contacts")["customer_id"]
        for customer in ("1", "2")
    }
    expected = {customer: [customer] if customer == owner else [] for customer in found}
    assert {customer: ids.to_pylist() for customer, ids in found.items()} == expected
    assert view.query("SELECT customer_id FROM contacts")["customer_id"].to_pylist() == [owner]
