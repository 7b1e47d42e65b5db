"""On the public Santander files: view, labels and features say what the files say."""

from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.features.product_blocks import product_values
from vipreco.features import FeatureSet
from vipreco.history import History
from vipreco.project import read_settings
from vipreco.tables import import_

ROOT = Path(__file__).parents[2]
DATA = ROOT.parent / "shared" / "data" / "santander"
MAPPING = ROOT / "experiments" / "santander"
MAY, JUNE = date(2015, 5, 31), date(2015, 6, 30)

pytestmark = [
    pytest.mark.real_data,
    pytest.mark.slow,
    pytest.mark.skipif(not DATA.is_dir(), reason=f"the Santander files are not at {DATA}"),
]


@pytest.fixture(scope="module")
def history(tmp_path_factory):
    tables = tmp_path_factory.mktemp("santander")
    files = ("customers_2015_05", "holdings_2015_01_to_05", "acquisitions_2015_06")
    sources = [MAPPING / "products.csv", *(DATA / f"{name}.parquet" for name in files)]
    import_(tables, MAPPING / "mapping.toml", sources, read_settings(ROOT / "vipreco.toml"))
    return History.open(tables)


@pytest.fixture(scope="module")
def computed(history):
    view = history.as_of(MAY)
    products = view.catalog_table()["product_id"].to_pylist()
    return FeatureSet.read(ROOT / "features").compute(view, products)


def long_flags(month):
    frame = pd.read_parquet(DATA / "holdings_2015_01_to_05.parquet").query("month == @month")
    flags = frame.set_index(frame.ncodpers.astype(str)).drop(columns=["month", "ncodpers"])
    return flags.rename(columns=lambda name: name.removeprefix("ind_").removesuffix("_ult1"))


def test_the_labels_of_june_are_the_published_acquisitions(history):
    truth = pd.read_parquet(DATA / "acquisitions_2015_06.parquet")
    product = truth["product"].str.removeprefix("ind_").str.removesuffix("_ult1")
    found = history.acquisitions(MAY, JUNE)
    pairs = set(
        zip(found.acquired["customer_id"].to_pylist(), found.acquired["product_id"].to_pylist(), strict=True)
    )
    assert pairs == set(zip(truth.ncodpers.astype(str), product, strict=True))
    assert len(found.observed) == truth.ncodpers.nunique()


@pytest.mark.parametrize(("month", "lag"), [("2015-05", 0), ("2015-04", 1), ("2015-01", 4)])
def test_the_lags_are_the_flags_of_the_months(computed, month, lag):
    flags = long_flags(month).reindex(computed.customer_ids, fill_value=0)[list(computed.product_ids)]
    block = product_values(computed)[:, :, computed.pairs.names.index(f"held_lag_{lag}")]
    np.testing.assert_array_equal(block, flags.to_numpy(np.float32))


def test_about_half_of_the_acquisitions_are_reacquisitions(history):
    reacquired = history.acquisitions(MAY, JUNE).acquired["reacquired"].to_numpy(zero_copy_only=False)
    assert 0.4 < reacquired.mean() < 0.55
