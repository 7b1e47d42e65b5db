"""Product features against an oracle that walks the snapshots one by one, on random small banks."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import Phase, given, settings, strategies as st

from tests.features.product_blocks import product_values
from vipreco.features import FeatureSet
from vipreco.history import History

MONTHS = [day.date() for day in pd.date_range("2019-01-31", periods=18, freq="ME")]
CUSTOMERS, PRODUCTS = ["1", "2", "3"], ["a", "b"]
STATES = st.lists(st.booleans(), min_size=len(MONTHS), max_size=len(MONTHS))
# A bank takes a tenth of a second, so a failing one is shown as it was found.
PHASES = [Phase.explicit, Phase.generate]
BANKS = st.lists(STATES, min_size=6, max_size=6)


@pytest.fixture(scope="module")
def features():
    return FeatureSet.read(Path(__file__).parents[2] / "features")


def history(panel):
    """Intervals out of month flags, as the import of flags makes them."""
    frame = panel.copy()
    frame["before"] = frame.groupby(["customer_id", "product_id"])["held"].shift(fill_value=False)
    opened = frame[frame.held & ~frame.before]
    closed = frame[~frame.held & frame.before]
    pairs = opened.merge(closed, on=["customer_id", "product_id"], how="left", suffixes=("", "_closed"))
    pairs["month_closed"] = pairs.month_closed.where(pairs.month_closed > pairs.month)
    ends = pairs.groupby(["customer_id", "product_id", "month"], as_index=False)["month_closed"].min()
    holdings = pa.table(
        {
            "customer_id": pa.array(ends.customer_id, pa.string()),
            "product_id": pa.array(ends.product_id, pa.string()),
            "opened_date": pa.array([MONTHS[place] for place in ends.month], pa.date32()),
            "closed_date": pa.array(
                [None if np.isnan(place) else MONTHS[int(place)] for place in ends.month_closed], pa.date32()
            ),
        }
    )
    sights = pd.MultiIndex.from_product([CUSTOMERS, MONTHS], names=["customer_id", "snapshot_date"])
    observations = pa.Table.from_pandas(sights.to_frame(index=False), preserve_index=False)
    return History.from_frames({"holdings": holdings, "observations": observations})


def long_panel(states):
    rows = [
        (customer, product, month, held)
        for (customer, product), held_months in zip(
            [(customer, product) for customer in CUSTOMERS for product in PRODUCTS], states, strict=True
        )
        for month, held in enumerate(held_months)
    ]
    return pd.DataFrame(rows, columns=["customer_id", "product_id", "month", "held"])


def walk(states):
    """Count over the months one by one, oldest first."""
    steps = list(pairwise(states))
    gains = [place for place, step in enumerate(reversed(steps)) if step == (False, True)]
    losses = [place for place, step in enumerate(reversed(steps)) if step == (True, False)]
    lags = {f"held_lag_{lag}": float(lag < len(states) and states[-1 - lag]) for lag in range(5)}
    return {
        **lags,
        "times_gained": len(gains),
        "times_dropped": len(losses),
        "times_kept": steps.count((True, True)),
        "snapshots_since_gained": min(gains, default=np.nan),
        "snapshots_since_dropped": min(losses, default=np.nan),
        "snapshots_held": sum(states),
        "held_rate": sum(states) / len(states),
        "held_before": float(any(states) and not states[-1]),
        "gained_year_ago": float(len(states) > 12 and states[-13:-11] == [False, True]),
    }


@settings(max_examples=8, deadline=None, phases=PHASES)
@given(BANKS, st.integers(0, len(MONTHS) - 1))
def test_product_features_are_what_a_walk_over_the_snapshots_counts(features, states, last):
    view = history(long_panel(states)).as_of(MONTHS[last])
    computed = features.compute(view, PRODUCTS)
    blocks = product_values(computed).reshape(6, -1)
    for number, held in enumerate(states):
        expected = walk(held[: last + 1])
        found = {name: blocks[number, computed.pairs.names.index(name)] for name in expected}
        np.testing.assert_array_equal(
            np.float32(list(found.values())), np.float32(list(expected.values())), err_msg=str(list(found))
        )


@settings(max_examples=8, deadline=None, phases=PHASES)
@given(BANKS, st.integers(1, len(MONTHS) - 1))
def test_counts_over_all_products_are_sums_of_the_products(features, states, last):
    view = history(long_panel(states)).as_of(MONTHS[last])
    computed = features.compute(view, PRODUCTS)
    matrix, found = computed.matrix(), product_values(computed)
    place = {name: index for index, name in enumerate(computed.customer_names)}
    blocks = {name: found[:, :, index] for index, name in enumerate(computed.pairs.names)}
    for total, part in (
        ("products_lag_0", "held_lag_0"),
        ("products_lag_3", "held_lag_3"),
        ("gained_total", "times_gained"),
        ("dropped_total", "times_dropped"),
        ("products_left", "held_before"),
    ):
        np.testing.assert_array_equal(matrix.values[:, place[total]], blocks[part].sum(axis=1), err_msg=total)
    baskets = computed.categories["basket"]
    for row, code in enumerate(matrix.values[:, place["basket"]]):
        held = [product for product, flag in zip(PRODUCTS, blocks["held_lag_0"][row], strict=True) if flag]
        assert baskets[int(code)] == " ".join(held)


@settings(max_examples=6, deadline=None, phases=PHASES)
@given(BANKS, BANKS, st.integers(0, len(MONTHS) - 2))
def test_another_future_gives_the_same_features(features, states, others, last):
    changed = [mine[: last + 1] + other[last + 1 :] for mine, other in zip(states, others, strict=True)]
    first, second = (
        features.compute(history(long_panel(bank)).as_of(MONTHS[last]), PRODUCTS)
        for bank in (states, changed)
    )
    assert first.matrix().values.tobytes() == second.matrix().values.tobytes()
    assert first.categories == second.categories
    assert first.customer_ids.tolist() == CUSTOMERS
