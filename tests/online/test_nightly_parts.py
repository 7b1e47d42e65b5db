"""A release in parts answers as that of one part, for every customer, channel, and kind of question."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from tests.online.nights import PARTS, PRESENT, Night
from tests.online.parted_bank import LEFT
from tests.online.small_bank import CHANNELS, DAY, NOON
from vipreco.kpi import read_rows
from vipreco.online.parted_reader import PartedReader
from vipreco.online.release import read_manifest
from vipreco.online.release_reader import ReleaseReader
from vipreco.parts import part_of


def test_a_part_has_the_customers_of_its_number_alone_and_an_empty_one_no_folder(night: Night):
    found = {
        path.parent.name: np.load(path).tolist() for path in night.folders[PARTS].glob("p*/customers.npy")
    }
    expected = {
        f"p{part:04d}": [customer for customer in PRESENT if part_of(customer, PARTS) == part]
        for part in range(PARTS)
    }
    assert found == {name: ids for name, ids in expected.items() if ids}
    assert len(found) < PARTS


def test_figures_of_a_branch_are_those_of_one_part(night: Night):
    one, seven = (read_rows(night.folders[parts]) for parts in (1, PARTS))
    assert one is not None
    assert seven is not None
    assert seven.rows.equals(one.rows)
    assert seven == replace(one, rows=seven.rows)
    assert one.rows.height > 0


def test_a_book_is_read_with_who_was_handed_over_and_without_who_was_given_away(night: Night):
    folder = night.folders[PARTS]
    whole = read_rows(folder)
    assert whole is not None
    owners = dict(
        whole.rows.select("customer_id", "manager_id").unique().drop_nulls().sort("customer_id").iter_rows()
    )
    moved = {customer: (owners[customer], "new") for customer in [*owners][::2]}
    for manager in ("new", *set(owners.values())):
        found = read_rows(folder, None, manager, moved)
        assert found is not None
        assert found.rows.equals(whole.handed_over(moved).of(None, manager).rows)
    new = read_rows(folder, None, "new", moved)
    assert new is not None
    assert set(new.rows["customer_id"]) == set(moved)


def test_what_is_of_the_whole_bank_has_the_same_bytes(night: Night):
    one, seven = (night.folders[parts] for parts in (1, PARTS))
    for name in ("popular.json", "policy.json", "figures.json"):
        assert (one / name).read_bytes() == (seven / name).read_bytes()
    first, second = read_manifest(one), read_manifest(seven)
    assert second.pop("parts") == PARTS
    assert "parts" not in first
    first.pop("files")
    second.pop("files")
    assert first == second
    books = [
        pl.concat(pl.read_parquet(path) for path in folder.rglob("books.parquet")) for folder in (one, seven)
    ]
    assert books[0].equals(books[1].sort("customer_id"))


def test_every_customer_gets_the_same_offers_in_every_channel_on_every_day(night: Night):
    one, seven = night.both
    for customer in PRESENT:
        for channel in one.release.manifest["channels"]:
            for moment in (NOON, NOON + timedelta(days=1), NOON + timedelta(days=5)):
                assert seven.offers(customer, channel, 6, moment) == one.offers(customer, channel, 6, moment)
        assert seven.is_cached(customer, DAY) == one.is_cached(customer, DAY)
        assert seven.release.codes(customer) == one.release.codes(customer)
    assert any(seven.offers(customer, "branch", 6, NOON).lines for customer in PRESENT)


def test_the_part_of_a_customer_is_opened_when_it_is_asked_for(night: Night):
    release = night.services[PARTS].release
    assert not release.knows(LEFT)
    assert not release.knows("99999")
    assert [release.knows(customer) for customer in PRESENT] == [True] * len(PRESENT)
    empty = next(f"x{number}" for number in range(99) if part_of(f"x{number}", PARTS) not in occupied())
    assert not release.knows(empty)
    assert release.codes(empty) == {}
    assert release.records.of([empty])["holdings"].num_rows == 0


@pytest.mark.parametrize("kind", ["services", "tops"])
def test_an_open_part_keeps_no_file_open(night: Night, kind: str):
    """A service has 64 parts open, of some thirty files each; a process may have a thousand."""
    service = getattr(night, kind)[PARTS]
    for customer in PRESENT:
        service.offers(customer, "branch", 1, NOON)
        service.sheet(customer, "en", NOON)
    links = [path for path in Path("/proc/self/fd").iterdir() if path.exists()]
    held = [str(path.readlink()) for path in links]
    assert not [one for one in held if one.startswith(str(service.release.folder))]


def occupied() -> set[int]:
    return {part_of(customer, PARTS) for customer in PRESENT}


def test_all_that_is_said_of_a_customer_is_asked_of_a_part():
    """What the reader of one part can say of a customer, the reader of several must not inherit."""
    of_customers = {
        name
        for name, function in vars(ReleaseReader).items()
        if "customer_id" in getattr(function, "__annotations__", {}) and not name.startswith("_")
    }
    assert len(of_customers) >= 8
    assert of_customers <= vars(PartedReader).keys()


def test_lists_sheets_and_requests_with_facts_are_the_same(night: Night):
    one, seven = night.both
    for customer in (PRESENT[0], PRESENT[5]):
        sheets = [service.sheet(customer, "en", NOON) for service in (one, seven)]
        assert sheets[1].document == sheets[0].document
        assert sheets[1].sheet == sheets[0].sheet
        facts = {"attributes": {"aum_amount": 9_000.0}, "reasons": True}
        for asked in (customer, None):
            found = [service.with_facts(asked, facts, "branch", 6, NOON) for service in (one, seven)]
            assert found[0] == found[1]
    books = [service.book(PRESENT, None, NOON) for service in (one, seven)]
    assert books[0].calls.equals(books[1].calls)
    assert books[0].offers.equals(books[1].offers)


@pytest.mark.parametrize("channel", CHANNELS)
def test_strangers_get_the_popular_products_of_the_bank(night: Night, channel: str):
    one, seven = night.both
    for segment in ("VIP", "MASS", "", "unknown"):
        assert seven.popular(segment, channel, 6) == one.popular(segment, channel, 6)


def test_rows_of_customers_of_several_parts_come_together(night: Night):
    one, seven = night.both
    for asked in (PRESENT, PRESENT[:1], [*PRESENT[:2], "99999"], []):
        first, second = (service.release.records.of(asked) for service in (one, seven))
        assert first.keys() == second.keys()
        for name, table in first.items():
            keys = [(column, "ascending") for column in table.column_names if column != "channels"]
            assert sorted(map(str, second[name].to_pylist())) == sorted(map(str, table.to_pylist())), keys
    moment = datetime(2024, 5, 31, 9)  # noqa: DTZ001
    assert seven.day_of(moment) == one.day_of(moment)
