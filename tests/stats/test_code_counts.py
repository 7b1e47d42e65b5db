from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, strategies as st
from sklearn.metrics import roc_auc_score

from vipreco.stats import CaseCounts, auc_within, number_codes

ROWS = st.lists(st.tuples(st.integers(-3, 3), st.booleans(), st.booleans()), min_size=1, max_size=60)


def counts_of(rows: list[tuple[int, bool, bool]]) -> CaseCounts:
    codes, second, happened = (np.array(column) for column in zip(*rows, strict=True))
    return CaseCounts.of(codes, second.astype(bool), happened.astype(bool))


def test_numbers_keep_their_order_and_missing_ones_their_own_code() -> None:
    codes = number_codes(np.array([np.nan, -1e6, -2.0, 0.0, 1e-12, 2.0, 2.05, 2.3, 1e6]))
    assert (np.diff(codes) >= 0).all()
    assert codes[3] == codes[4] == 0
    assert codes[5] == codes[6] < codes[7]


@given(ROWS, ROWS)
def test_counts_of_parts_add_up(first, second) -> None:
    merged, whole = counts_of(first).merge(counts_of(second)), counts_of([*first, *second])
    assert (merged.codes == whole.codes).all()
    assert (merged.rows == whole.rows).all()
    assert (merged.cases == whole.cases).all()


def test_counts_of_parts_of_one_value() -> None:
    found = counts_of([(1, False, True), (1, True, False), (2, True, True)])
    assert found.total == (3.0, 2.0)
    assert found.rows.tolist() == [[1, 0], [1, 1]]
    assert found.cases.tolist() == [[1, 0], [0, 1]]


def test_a_column_that_knows_all_ranks_perfectly_in_either_direction() -> None:
    truth = np.arange(400) % 4 == 0
    for codes in (truth.astype(int), -truth.astype(int)):
        found = CaseCounts.of(codes, np.arange(400) % 8 < 4, truth)
        assert found.auc().value == 1.0
        rate, cases = found.mostly_cases()
        assert (rate.value, cases) == (1.0, 100.0)


def test_many_codes_gain_nothing_by_chance() -> None:
    random = np.random.default_rng(1)
    found = CaseCounts.of(
        random.integers(0, 500, 4_000), random.random(4_000) < 0.5, random.random(4_000) < 0.1
    )
    assert found.auc().low < 0.5 < found.auc().high
    assert found.mostly_cases()[1] <= 5


def test_the_auc_is_that_of_an_ordered_column() -> None:
    random = np.random.default_rng(2)
    values = random.integers(0, 10, 20_000)
    truth = random.random(20_000) < values / 50
    found = CaseCounts.of(values, random.random(20_000) < 0.5, truth).auc()
    assert found.value == pytest.approx(roc_auc_score(truth, values), abs=0.005)
    assert 0.005 < found.high - found.low < 0.03


def test_one_outcome_alone_ranks_nothing() -> None:
    assert np.isnan(counts_of([(1, False, False), (2, True, False)]).auc().value)


def test_a_code_that_tells_the_stratum_ranks_nothing_within() -> None:
    halves = np.arange(400) % 8 < 4
    rare = CaseCounts.of(np.zeros(400), halves, np.arange(400) % 20 == 0)
    often = CaseCounts.of(np.ones(400), halves, np.arange(400) % 20 > 0)
    assert rare.merge(often).auc().value == pytest.approx(0.95)
    assert auc_within([rare, often]).value == 0.5


def test_within_each_stratum_a_column_ranks_as_by_itself() -> None:
    """Code 1 doubles the chance, in a stratum with few cases as in one with many."""
    halves, codes = np.arange(800) % 2 == 0, np.arange(800) // 2 % 2
    rare = CaseCounts.of(codes, halves, np.arange(800) // 4 % 20 < 1 + codes)
    often = CaseCounts.of(codes, halves, np.arange(800) // 4 % 20 < 8 * (1 + codes))
    together, alone = auc_within([rare, often]), [rare.auc().value, often.auc().value]
    assert min(alone) < together.value < max(alone)
    assert together.value == pytest.approx(np.average(alone, weights=[rare.pairs.sum(), often.pairs.sum()]))
    assert auc_within([rare]) == rare.auc()


def test_strata_of_one_outcome_take_no_part() -> None:
    halves, codes = np.arange(400) % 2 == 0, np.arange(400) % 3
    mixed = CaseCounts.of(codes, halves, np.arange(400) % 7 == 0)
    assert auc_within([mixed, CaseCounts.of(codes, halves, np.ones(400, bool))]) == mixed.auc()
    assert np.isnan(auc_within([]).value)
