"""The catalog: products in a stable order, with their rules as arrays."""

from datetime import date
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest

from vipreco.catalog import Catalog, CatalogFinding
from vipreco.errors import UsageError
from vipreco.history import History

DAY = date(2020, 1, 31)


def product(product_id, **facts):
    empty = dict.fromkeys(
        (
            "name",
            "family",
            "unit_value_amount",
            "offered_until",
            "repeatable",
            "recorded_date",
        )
    )
    usual = {
        "product_id": product_id,
        "offered_from": date(2010, 1, 1),
        "prerequisites": [],
        "exclusions": [],
    }
    return {**empty, **usual, **facts}


def catalog(*products, day=DAY):
    schema = pa.schema(
        {
            "product_id": pa.string(),
            "name": pa.string(),
            "family": pa.string(),
            "unit_value_amount": pa.decimal128(18, 2),
            "offered_from": pa.date32(),
            "offered_until": pa.date32(),
            "repeatable": pa.bool_(),
            "recorded_date": pa.date32(),
            "prerequisites": pa.list_(pa.string()),
            "exclusions": pa.list_(pa.string()),
        }
    )
    frames = {
        "observations": pa.table({"customer_id": ["1"], "snapshot_date": [date(2019, 1, 31)]}),
        "products": pa.Table.from_pylist(list(products), schema=schema),
    }
    return Catalog.from_view(History.from_frames(frames).as_of(day))


def test_products_stand_in_the_order_of_their_ids_with_unknown_amounts_as_nan():
    found = catalog(
        product("card", name="Card", unit_value_amount=Decimal("12.50"), repeatable=True), product("a-loan")
    )
    assert found.product_ids == ("a-loan", "card")
    assert found.names == ("a-loan", "Card")
    assert found.families == ("", "")
    np.testing.assert_array_equal(found.unit_values, [np.nan, 12.5])
    np.testing.assert_array_equal(found.repeatable, [False, True])


def test_an_offer_window_includes_its_first_and_its_last_date():
    found = catalog(product("p", offered_from=date(2020, 1, 10), offered_until=date(2020, 1, 20)))
    days = [date(2020, 1, 9), date(2020, 1, 10), date(2020, 1, 20), date(2020, 1, 21)]
    assert [bool(found.offered_at(day)[0]) for day in days] == [False, True, True, False]


def test_a_product_with_an_open_end_is_on_offer_and_one_without_a_start_or_with_backward_dates_never():
    found = catalog(
        product("open"),
        product("torn", offered_from=date(2020, 2, 1), offered_until=date(2020, 1, 1)),
        product("undated", offered_from=None),
    )
    np.testing.assert_array_equal(found.offered_at(date(2020, 1, 15)), [True, False, False])
    assert [(item.product_id, item.code) for item in found.findings] == [
        ("torn", "offer-dates"),
        ("undated", "offer-dates-unknown"),
    ]


def test_prerequisites_and_exclusions_become_matrices_by_the_places_of_the_products():
    found = catalog(product("b", prerequisites=["a"]), product("a", exclusions=["c", "b"]), product("c"))
    np.testing.assert_array_equal(np.argwhere(found.prerequisites), [[1, 0]])
    np.testing.assert_array_equal(np.argwhere(found.exclusions), [[0, 1], [0, 2]])


def test_a_reference_to_an_unknown_product_is_a_finding_and_the_product_is_not_offered():
    found = catalog(product("a", prerequisites=["ghost"]), product("b"))
    expected = CatalogFinding(
        "a", "prerequisite-unknown", "prerequisites names ghost, which is not in the catalog"
    )
    assert found.findings == (expected,)
    np.testing.assert_array_equal(found.offered_at(DAY), [False, True])


def test_the_version_known_at_the_date_counts():
    versions = (
        product("p", family="old", recorded_date=date(2019, 1, 1)),
        product("p", family="new", recorded_date=date(2020, 1, 15)),
    )
    assert catalog(*versions, day=date(2020, 1, 14)).families == ("old",)
    assert catalog(*versions, day=date(2020, 1, 15)).families == ("new",)


def test_no_product_at_the_date_is_said_with_a_remedy():
    with pytest.raises(UsageError, match="no product was known at 2020-01-31") as caught:
        catalog(product("p", recorded_date=date(2020, 2, 1)))
    assert caught.value.code == "no-products"


def test_a_catalog_survives_its_bytes():
    found = catalog(product("a", prerequisites=["b"]), product("b", unit_value_amount=Decimal("3.00")))
    assert Catalog.from_bytes(found.to_bytes()).table.equals(found.table)


def test_places_of_unknown_products_are_minus_one():
    np.testing.assert_array_equal(catalog(product("a"), product("b")).indices(["b", "x", "a"]), [1, -1, 0])
