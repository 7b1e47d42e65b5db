"""The arms: what each of them would order a customer's products by, as of one date."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from vipreco.arbitration import SlateRules
from vipreco.collaborative import HoldingState, ItemItemCosine, holding_state
from vipreco.columns import TIER
from vipreco.history import View
from vipreco.policy import ALLOWED
from vipreco.recommender import Decisions, Recommender, in_columns
from vipreco.simulator.parameters import VIP_TIERS

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
UNIT_VALUE = "unit_value"
NO_VALUE = "none"


class Arm(StrEnum):
    """Orders of a list; the order of the names is the order that is expected."""

    ORACLE = "oracle"
    FULL = "full decision"
    PROPENSITY = "propensity only"
    NO_VALUE = "no value"
    LIGHTGBM = "LightGBM only"
    CF = "CF only"
    SOURCE = "collaborative source only"
    POPULARITY = "popularity"
    RANDOM = "random"


@dataclass(frozen=True)
class ScoredPairs:
    """Customers and products at one date, with what each arm orders by; n customers, P products.

    Args:
        customer_ids: Shape (n,).
        product_ids: Shape (P,).
        allowed: Pairs that the policy lets pass, the same for all arms, shape (n, P).
        propensity: P(acquire within the month) as the recommender says, shape (n, P).
        scores: Of each arm but the oracle, higher comes first, shape (n, P).
        vip: Customers of a VIP tier, shape (n,).
        slate_rules: What a customer's list may look like, the same for all arms.
    """

    customer_ids: NDArray[np.str_]
    product_ids: tuple[str, ...]
    allowed: Flags
    propensity: Floats
    scores: Mapping[Arm, Floats]
    vip: Flags
    slate_rules: SlateRules


@dataclass(frozen=True)
class Ordered:
    """Public decision about the customers of a chunk, or of all chunks."""

    customer_ids: NDArray[np.str_]
    allowed: Flags
    propensity: Floats
    order: Floats

    @classmethod
    def of(cls, recommender: Recommender, view: View, top: int) -> tuple[Ordered, Decisions]:
        """Decide about all customers of a view, for slates of `top` offers; also return the first chunk."""
        chunks = list(recommender.decide(view))
        columns = (
            [np.asarray(chunk.customer_ids, np.str_) for chunk in chunks],
            [chunk.verdict == ALLOWED for chunk in chunks],
            [np.asarray(chunk.propensity, np.float64) for chunk in chunks],
            [own_order(chunk, top) for chunk in chunks],
        )
        return cls(*(np.concatenate(column) for column in columns)), chunks[0]


def scored_pairs(recommender: Recommender, view: View, top: int, seed: int) -> ScoredPairs:
    """Score all customers of a view by every arm; nothing of the truth is seen.

    Args:
        recommender: Recommender on earlier dates.
        view: The as-of date that is judged.
        top: Offers of a list.
        seed: Of the random arm.
    """
    full, chunk = Ordered.of(valued(recommender, UNIT_VALUE), view, top)
    plain, _ = Ordered.of(valued(recommender, NO_VALUE), view, top)
    products = chunk.product_ids
    tiers = np.array([tier or "" for tier in view.population()[TIER].to_pylist()], np.str_)
    return ScoredPairs(
        customer_ids=full.customer_ids,
        product_ids=products,
        allowed=full.allowed,
        propensity=full.propensity,
        scores={
            Arm.FULL: full.order,
            Arm.PROPENSITY: full.propensity,
            Arm.NO_VALUE: plain.order,
            **_parts(recommender, view, products),
            Arm.RANDOM: np.random.default_rng(seed).random(full.order.shape),
        },
        vip=np.isin(tiers, VIP_TIERS),
        slate_rules=chunk.slate_rules,
    )


def _parts(recommender: Recommender, view: View, products: tuple[str, ...]) -> dict[Arm, Floats]:
    """Score by the boosters, by the collaborative source, and by how often a product was acquired."""
    state = holding_state(view, products, recommender.segments)
    source = recommender.source.score(state)
    popular = in_columns(recommender.base_rates[None, :], recommender.product_ids, products)
    return {
        Arm.LIGHTGBM: in_columns(uncalibrated(recommender, view), recommender.product_ids, products),
        Arm.CF: collaborative(state),
        Arm.SOURCE: np.asarray(source, np.float64),
        Arm.POPULARITY: np.repeat(popular, len(source), axis=0),
    }


def collaborative(state: HoldingState) -> Floats:
    """Score by item-item similarity to all that a customer ever held, shape (n, P).

    What was held before counts as much as what is held: half of the acquisitions are of products held
    before, which a score over present holdings cannot see.
    """
    ever = replace(state, held=state.held | state.held_before, held_before=np.zeros_like(state.held))
    return np.asarray(ItemItemCosine().fit(state).score(ever), np.float64)


def valued(recommender: Recommender, value: str) -> Recommender:
    """Return the recommender with another meaning of value, ordered by the chance, as what is true here."""
    changed = {"value": value, "order": "chance"}
    arbitration = recommender.settings.arbitration.model_copy(update=changed)
    return recommender.arbitrated(arbitration)


def own_order(decisions: Decisions, top: int) -> Floats:
    """Return the priorities of what is in a customer's slate, minus infinity elsewhere, shape (n, P)."""
    return np.where(decisions.slate(top) > 0, decisions.priority, -np.inf)


def uncalibrated(recommender: Recommender, view: View) -> Floats:
    """Return P(acquires anything) x P(product | acquires) as the boosters say, before the calibration."""
    model = recommender.model
    computed = recommender.features.compute(view, recommender.product_ids).encoded(recommender.vocabulary)
    parts = [
        recommender.columns_of(matrix) for matrix in computed.chunks(recommender.settings.chunk_customers)
    ]
    anything = [model.any.score(part)[:, None] if model.any else np.ones((len(part), 1)) for part in parts]
    return np.concatenate([model.shares(part) * rate for part, rate in zip(parts, anything, strict=True)])
