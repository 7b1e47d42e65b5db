"""The project's own features on a tiny bank whose values were worked out by hand."""

import csv
import math
from datetime import date
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv
import pytest

from vipreco.features import FeatureSet
from vipreco.features.document import render_dictionary
from vipreco.history import History
from vipreco.settings import TierLadder
from vipreco.settings.tiers import TierLine

FOLDER = Path(__file__).parents[2] / "features"
GOLDEN = FOLDER / "golden"
PRODUCTS = ["card", "fund", "loan"]
NUMBERS = {"attribute_income": pa.float64(), "flow": pa.float64(), "cash_amount": pa.float64()}
LADDER = TierLadder(
    vip=("VIP", "TOP"),
    ladder=(
        TierLine(tier="GOLD", from_amount=50.0),
        TierLine(tier="VIP", from_amount=150.0),
        TierLine(tier="TOP", from_amount=900.0),
        TierLine(tier="TOP", from_amount=500.0, valid_from=date(2020, 7, 1)),
    ),
)
TEXTS = ("customer_id", "contact_id", "product_id", "outcome", "tier")


def golden_history():
    options = pacsv.ConvertOptions(
        column_types={**NUMBERS, **dict.fromkeys(TEXTS, pa.string())}, strings_can_be_null=True
    )
    tables = ("customers", "holdings", "products", "contacts", "activity")
    return History.from_frames(
        {name: pacsv.read_csv(GOLDEN / f"{name}.csv", convert_options=options) for name in tables}
    )


@pytest.fixture(scope="module")
def features():
    return FeatureSet.read(FOLDER, LADDER)


@pytest.fixture(scope="module")
def computed(features):
    return features.compute(golden_history().as_of(date(2020, 6, 30)), PRODUCTS)


def expected():
    with (GOLDEN / "expected.csv").open(newline="") as handle:
        return [(row["customer_id"], row["column"], row["value"]) for row in csv.DictReader(handle)]


def test_the_population_is_who_was_seen_in_june(computed):
    assert computed.customer_ids.tolist() == ["A", "B", "D"]


def test_every_hand_computed_value_comes_out(computed):
    matrix = computed.matrix()
    wrong = []
    for customer, column, text in expected():
        value = matrix.values[computed.customer_ids.tolist().index(customer), matrix.names.index(column)]
        if not same(computed, column, float(value), text):
            wrong.append((customer, column, text, float(value)))
    assert wrong == []


def same(computed, column, value, text):
    if column in computed.categories:
        values = computed.categories[column]
        return (values[int(value)] if value >= 0 else "") == text
    return math.isnan(value) if text == "" else math.isclose(value, float(text), rel_tol=1e-6)


def test_every_feature_of_the_dictionary_has_a_hand_computed_value(computed):
    without_data = {"risk_level", "branch", "months_since_risk_assessed"}
    covered = {column.partition("@")[0] for _, column, _ in expected()}
    names = {name.partition("@")[0] for name in computed.names}
    assert names - covered == without_data


def test_the_basket_of_somebody_without_products_is_a_category_and_not_unknown(computed):
    place = computed.customer_names.index("basket")
    code = int(computed.customer_values[computed.customer_ids.tolist().index("D"), place])
    assert computed.categories["basket"][code] == ""


def test_the_data_dictionary_is_the_generated_one(features):
    assert (FOLDER / "README.md").read_text(encoding="utf-8") == render_dictionary(features)


def test_one_customer_alone_gets_the_same_features(features, computed):
    view = golden_history().as_of(date(2020, 6, 30))
    vocabulary = features.learn_vocabulary(computed)
    whole = computed.encoded(vocabulary).matrix()
    for row, customer in enumerate(computed.customer_ids):
        alone = features.compute(view, PRODUCTS, customers=pa.array([str(customer)])).encoded(vocabulary)
        np.testing.assert_array_equal(alone.matrix().values, whole.values[row : row + 1])


def test_without_a_ladder_what_needs_its_lines_is_left_out(features, computed):
    plain = FeatureSet.read(FOLDER)
    names = plain.compute(golden_history().as_of(date(2020, 6, 30)), PRODUCTS).customer_names
    needing = {file.name for file in features.dictionary.file if file.requires == "tier_lines"}
    assert needing == {"asset_path", "tier_distance", "activity_peak", "activity_to_assets"}
    assert set(computed.customer_names) - set(names) == {
        name
        for name in computed.customer_names
        if name.startswith(("aum_log_c", "aum_vol", "aum_to_m", "aum_d"))
    } | {"tier_rank", "own_line_amount", "own_line_log", "next_line_amount", "next_line_log"} | {
        "activity_flow_highest_3",
        "activity_cash_amount_highest_3",
        "activity_cash_amount_to_aum",
    }
    assert plain.fingerprint != features.fingerprint


def test_the_ladder_travels_in_the_definition(features):
    assert FeatureSet.from_definition(features.definition).ladder == LADDER
