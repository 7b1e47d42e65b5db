"""Features over a view: matrices, defaults, categories, a bank's own columns, prohibited columns, chunks."""

from datetime import date

import numpy as np
import pyarrow as pa
import pytest

from tests.features.product_blocks import product_values
from vipreco.errors import UsageError
from vipreco.features import FeatureSet, Vocabulary
from vipreco.history import History

DAY, BEFORE = date(2020, 2, 29), date(2020, 1, 31)
DICTIONARY = """
[[file]]
name = "customer"
grain = "customer"
family = "Test"
description = "One row for each customer with a tier."
tables = ["customers_now"]
features = [
  { name = "tier", type = "category", description = "Tier of the test.", max_categories = 2 },
  { name = "size", type = "number", default = -5, description = "Size of the test." },
]

[[file]]
name = "own"
grain = "customer"
family = "Test"
description = "The numbers of the bank's own."
tables = ["customers_now"]
each = { table = "customers", columns = "attribute_*", kinds = ["number"] }
features = [{ name = "{column}", type = "number", description = "A number of the test." }]

[[file]]
name = "pair"
grain = "product"
family = "Test"
description = "One row for each holding."
tables = ["holdings"]
features = [
  { name = "held", type = "flag", default = 0, description = "Held in the test." },
  { name = "balance", type = "number", description = "Balance of the test." },
]

[[file]]
name = "approach"
grain = "product"
family = "Test"
description = "Contacts, where the bank keeps them."
tables = ["contacts"]
requires = "contacts"
features = [{ name = "asked", type = "count", default = 0, description = "Contacts of the test." }]
"""
FILES = {
    "customer": "SELECT customer_id, tier, aum_amount AS size FROM customers_now WHERE tier IS NOT NULL",
    "own": 'SELECT customer_id\n, "{column}"\nFROM customers_now',
    "pair": "SELECT customer_id, product_id, 1 AS held, balance_amount AS balance FROM holdings",
    "approach": "SELECT customer_id, product_id, count(*) AS asked FROM contacts GROUP BY ALL",
}


def features(**files):
    sql = {f"{name}.sql": text.encode() for name, text in {**FILES, **files}.items()}
    prohibited = b'[[prohibited]]\nreason = "sex"\nwords = ["sex*"]\n'
    return FeatureSet.from_definition(
        {"dictionary.toml": DICTIONARY.encode(), "prohibited.toml": prohibited, **sql}
    )


@pytest.fixture(scope="module")
def tiny():
    return features()


def bank(tiers=("A", "B", None, "B"), **attributes):
    ids = [str(number) for number in range(len(tiers))]
    customers = {
        "customer_id": ids,
        "snapshot_date": [DAY] * len(ids),
        "tier": pa.array(tiers, pa.string()),
        "aum_amount": pa.array([10, None, 30, 40][: len(ids)], pa.int32()),
        **attributes,
    }
    holdings = {
        "customer_id": ["3", "0", "1"],
        "product_id": ["q", "p", "unlisted"],
        "opened_date": [BEFORE] * 3,
        "balance_amount": pa.array([None, 7, 8], pa.int32()),
    }
    return {"customers": pa.table(customers), "holdings": pa.table(holdings)}


def computed(tiny, frames=None, products=("p", "q")):
    return tiny.compute(History.from_frames(frames or bank()).as_of(DAY), list(products))


NAN = np.nan


def test_customer_columns_come_first_and_then_a_block_for_each_product(tiny):
    assert computed(tiny).names == ("tier", "size", "held@p", "balance@p", "held@q", "balance@q")


def test_missing_rows_and_nulls_take_the_default_of_the_dictionary(tiny):
    expected = [
        [0, 10, 1, 7, 0, NAN],
        [1, -5, 0, NAN, 0, NAN],
        [-1, -5, 0, NAN, 0, NAN],
        [1, 40, 0, NAN, 1, NAN],
    ]
    matrix = computed(tiny).matrix()
    assert matrix.values.dtype == np.float32
    np.testing.assert_array_equal(matrix.values, np.float32(expected))


def test_the_product_values_are_the_blocks_by_product(tiny):
    found = product_values(computed(tiny))
    assert found.shape == (4, 2, 2)
    np.testing.assert_array_equal(found[3, 1], [1, NAN])


def test_the_order_of_the_products_is_the_callers(tiny):
    turned = computed(tiny, products=("q", "p"))
    np.testing.assert_array_equal(product_values(turned)[:, ::-1], product_values(computed(tiny)))


@pytest.mark.parametrize("size", [1, 2, 3, 100])
def test_chunks_put_together_are_the_whole(tiny, size):
    found = computed(tiny)
    chunks = list(found.chunks(size))
    whole = found.matrix()
    np.testing.assert_array_equal(np.concatenate([chunk.values for chunk in chunks]), whole.values)
    assert np.concatenate([chunk.customer_ids for chunk in chunks]).tolist() == ["0", "1", "2", "3"]
    assert max(len(chunk.values) for chunk in chunks) <= size


def test_without_products_or_holdings_the_customer_columns_remain(tiny):
    assert computed(tiny, products=()).matrix().values.shape == (4, 2)
    frames = {"customers": bank()["customers"]}
    assert product_values(computed(tiny, frames))[:, :, 0].max() == 0


def test_a_vocabulary_puts_the_frequent_categories_first_and_makes_rare_ones_unknown(tiny):
    found = computed(tiny, bank(tiers=("C", "B", "A", "B")))
    vocabulary = tiny.learn_vocabulary(found)
    assert vocabulary == Vocabulary(("tier", "size"), ("held", "balance"), {"tier": ("B", "A")})
    assert found.encoded(vocabulary).matrix().values[:, 0].tolist() == [-1, 0, 1, 0]


def test_a_category_of_fewer_than_one_in_a_thousand_customers_is_unknown(tiny):
    tiers = ["common"] * 2_995 + ["seldom"] * 3 + ["rare"] * 2
    ids = [f"{number:04d}" for number in range(3_000)]
    customers = pa.table({"customer_id": ids, "snapshot_date": [DAY] * 3_000, "tier": tiers})
    found = tiny.compute(History.from_frames({"customers": customers}).as_of(DAY), [])
    assert tiny.learn_vocabulary(found).categories == {"tier": ("common", "seldom")}


def test_a_value_that_the_fit_never_saw_is_unknown(tiny):
    vocabulary = tiny.learn_vocabulary(computed(tiny))
    later = computed(tiny, bank(tiers=("A", "Z", "B", None))).encoded(vocabulary)
    assert vocabulary.categories == {"tier": ("B", "A")}
    assert later.matrix().values[:, 0].tolist() == [1, -1, 0, -1]


def test_a_vocabulary_counts_over_several_dates(tiny):
    first, second = computed(tiny, bank(tiers=("A", "C", "C", "C"))), computed(tiny, bank(tiers=("A",) * 4))
    assert tiny.learn_vocabulary(first, second).categories == {"tier": ("A", "C")}


def test_a_vocabulary_survives_its_bytes():
    vocabulary = Vocabulary(("tier", "size"), ("held",), {"tier": ("TOP", "大众", "")})
    assert Vocabulary.from_bytes(vocabulary.to_bytes()) == vocabulary


def test_the_banks_own_numbers_become_features_in_alphabetical_order(tiny):
    frames = bank(attribute_z=[1.0] * 4, attribute_a=[2.0, NAN, 3.0, 4.0], attribute_word=["x"] * 4)
    found = computed(tiny, frames)
    assert found.customer_names == ("tier", "size", "attribute_a", "attribute_z")
    np.testing.assert_array_equal(found.matrix().values[:, 2], np.float32([2, NAN, 3, 4]))


def test_a_column_with_an_odd_name_is_quoted_and_does_no_harm(tiny):
    name = 'attribute_x"; DROP TABLE customers; --'
    assert computed(tiny, bank(**{name: [1.0] * 4})).customer_names[-1] == name


def test_the_columns_of_the_fit_are_kept_and_a_lost_one_is_named(tiny):
    vocabulary = tiny.learn_vocabulary(computed(tiny, bank(attribute_a=[1.0] * 4)))
    more = computed(tiny, bank(attribute_a=[2.0] * 4, attribute_new=[3.0] * 4)).encoded(vocabulary)
    assert more.customer_names == ("tier", "size", "attribute_a")
    with pytest.raises(UsageError, match="attribute_a is missing"):
        computed(tiny).encoded(vocabulary)


CONTACTS = pa.table(
    {
        "contact_id": ["1", "2"],
        "customer_id": ["2", "2"],
        "product_id": ["q", "q"],
        "contacted_at": pa.array([BEFORE] * 2),
    }
)


def test_a_table_that_comes_later_does_not_shift_the_columns_of_a_fit(tiny):
    before = computed(tiny)
    vocabulary = tiny.learn_vocabulary(before)
    later = computed(tiny, {**bank(), "contacts": CONTACTS}).encoded(vocabulary)
    assert later.names == vocabulary.columns(["p", "q"])
    np.testing.assert_array_equal(later.matrix().values, before.encoded(vocabulary).matrix().values)


def test_a_table_that_is_gone_leaves_the_defaults_of_its_features(tiny):
    whole = computed(tiny, {**bank(), "contacts": CONTACTS})
    vocabulary = tiny.learn_vocabulary(whole)
    lost = computed(tiny).encoded(vocabulary)
    assert lost.names == whole.names
    np.testing.assert_array_equal(product_values(lost)[:, :, 2], np.zeros((4, 2)))
    np.testing.assert_array_equal(product_values(lost)[:, :, :2], product_values(whole)[:, :, :2])


def test_a_table_that_the_bank_lacks_leaves_its_features_out(tiny):
    found = computed(tiny, {**bank(), "contacts": CONTACTS})
    assert found.pairs.names == ("held", "balance", "asked")
    np.testing.assert_array_equal(product_values(found)[2, 1], np.float32([0, NAN, 2]))
    assert computed(tiny).pairs.names == ("held", "balance")


def test_a_prohibited_column_of_the_bank_stops_the_work(tiny):
    with pytest.raises(UsageError, match="may never be a feature") as caught:
        computed(tiny, bank(attribute_sexo=["H"] * 4))
    assert caught.value.examples == ("attribute_sexo: sex",)
    assert "H" not in caught.value.examples[0].split(": ")[0].removeprefix("attribute_")


@pytest.mark.parametrize(
    ("name", "sql", "what"),
    [
        ("customer", "SELECT customer_id, tier, 1 AS size FROM customers_now, range(2)", "same customer"),
        (
            "pair",
            "SELECT customer_id, product_id, 1 AS held, 1 AS balance FROM holdings, range(2)",
            "same pair",
        ),
    ],
)
def test_two_rows_for_one_key_are_refused_with_the_file(name, sql, what):
    with pytest.raises(UsageError, match=what) as caught:
        computed(features(**{name: sql}))
    assert caught.value.where == f"{name}.sql"


def test_some_customers_get_what_they_get_among_all(tiny):
    view = History.from_frames(bank()).as_of(DAY)
    some = tiny.compute(view, ["p", "q"], customers=pa.array(["3", "1", "stranger"]))
    vocabulary = tiny.learn_vocabulary(computed(tiny))
    assert some.customer_ids.tolist() == ["1", "3"]
    whole = computed(tiny).encoded(vocabulary).matrix().values
    np.testing.assert_array_equal(some.encoded(vocabulary).matrix().values, whole[[1, 3]])


def test_the_same_view_can_be_computed_twice_with_the_same_bytes(tiny):
    view = History.from_frames(bank()).as_of(DAY)
    first, second = (tiny.compute(view, ["p", "q"]).matrix().values.tobytes() for _ in range(2))
    assert first == second
