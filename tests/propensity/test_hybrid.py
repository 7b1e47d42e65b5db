"""The hybrid: co-holding decides where evidence is thin, and nothing where it is not."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from vipreco.collaborative import SOURCES
from vipreco.propensity import Holdings, Hybrid

PRODUCTS = ("card", "fund", "gold", "loan")
NAMES = tuple(
    f"{feature}@{product}" for product in PRODUCTS for feature in ("held_lag_0", "held_before", "balance")
)


def values(*baskets: str) -> NDArray[np.float32]:
    """Feature rows: h held now, b held before, 0 never; in the order of `PRODUCTS`."""
    blocks = {"h": [1, 0, 5], "b": [0, 1, np.nan], "0": [0, 0, np.nan]}
    return np.array([np.concatenate([blocks[one] for one in basket]) for basket in baskets], np.float32)


@pytest.fixture(scope="module")
def bank() -> NDArray[np.float32]:
    """Gold goes with fund; card and loan with nothing."""
    return values(*["0hh0", "hhh0", "0bb0", "h000", "000h", "h00h", "0000"] * 20)


def hybrid(bank: NDArray[np.float32], source: str, counts: list[float]) -> Hybrid:
    holdings = Holdings.of(NAMES, PRODUCTS)
    assert holdings is not None
    fitted = SOURCES[source]().fit(holdings.ever_held(bank))
    families = ("cards", "wealth", "wealth", "loans")
    return Hybrid.prior(fitted, holdings, bank, np.array(counts), families)


def test_a_basket_is_everything_that_was_ever_held():
    holdings = Holdings.of(NAMES, PRODUCTS)
    assert holdings is not None
    assert holdings.ever_held(values("hb00")).held.tolist() == [[True, True, False, False]]


def test_a_recipe_that_leaves_the_holdings_out_has_no_hybrid():
    assert Holdings.of(NAMES[1:], PRODUCTS) is None


@pytest.mark.parametrize("source", ["ease", "implicit-als", "item-item-cosine"])
def test_a_product_without_acquisitions_is_ranked_by_what_goes_with_it(
    bank: NDArray[np.float32], source: str
):
    """Nobody acquired gold in the learnt months: only co-holding knows for whom it is."""
    found = hybrid(bank, source, [500, 500, 0, 500])
    shares = np.tile([0.4, 0.3, 1e-4, 0.3], (2, 1))
    gold = found.pool(shares, values("0h00", "h000"))[:, PRODUCTS.index("gold")]
    assert gold[0] > 1.1 * gold[1]
    assert gold[1] > 10 * 1e-4  # its family is bought: more than the floor


def test_where_evidence_is_plentiful_the_prior_leaves_the_boosters_alone(bank: NDArray[np.float32]):
    found = hybrid(bank, "ease", [1e9] * 4)
    shares = np.tile([0.4, 0.3, 0.1, 0.2], (2, 1))
    assert found.pool(shares, values("0h00", "h000")) == pytest.approx(shares, abs=1e-6)


def test_unseen_acquirers_teach_how_much_the_scores_count(bank: NDArray[np.float32]):
    """Boosters know nothing; holders of fund acquire gold, others card."""
    found = hybrid(bank, "ease", [200, 200, 200, 200])
    rows = values(*["0h00", "000h"] * 200)
    shares, listable = np.full((400, 4), 0.25), np.ones((400, 4), bool)
    acquired = np.zeros((400, 4), bool)
    acquired[::2, 2], acquired[1::2, 0] = True, True
    taught = found.fitted(shares, rows, acquired, listable)
    assert taught.weights[0] > 0.5
    misled = found.fitted(shares, rows, acquired[::-1], listable)
    assert misled.weights[0] == 0.0


def test_a_customer_is_scored_alike_alone_and_among_others(bank: NDArray[np.float32]):
    found = hybrid(bank, "implicit-als", [50, 50, 0, 50])
    shares = np.random.default_rng(1).dirichlet(np.ones(4), len(bank))
    together = found.pool(shares, bank)
    alone = np.concatenate([found.pool(shares[[row]], bank[[row]]) for row in range(len(bank))])
    assert (together == alone).all()
    assert together.sum(axis=1) == pytest.approx(np.ones(len(bank)))
