"""The offer list in parts: the same bytes for any number of parts, processes, and customers asked for."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import NamedTuple

import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings, strategies as st

from tests.online.parted_bank import IDS, NEWCOMERS, Bank, bank_in_parts
from tests.shared import BuiltOnce
from vipreco.engines import LocalEngine
from vipreco.errors import InputRejectedError
from vipreco.explanations import Explainer
from vipreco.lists import (
    Audience,
    BranchList,
    ListRequest,
    OfferRequest,
    branch_list,
    branch_list_in_parts,
    offer_list,
    offers_in_parts,
)
from vipreco.lists.branch_list_parts import first_of_all
from vipreco.lists.offer_parts import blind_in_all
from vipreco.lists.ordered_parts import OrderedParts, ordered_offers, save_ordered
from vipreco.recommender import CHALLENGER_SIDE, CHAMPION_SIDE, SIDE, ModelSplit

EVERYBODY = Audience()
REST = (
    "product_id",
    "product_name",
    "propensity",
    "reason",
    "as_of_date",
    "suppressed",
    "stage",
    "reason_code",
)


class Found(NamedTuple):
    """The rows of an offer list in parts, with their number and the blind rules."""

    rows: pl.DataFrame
    total: int
    blind: Mapping[str, list[str]]


@pytest.fixture(scope="module")
def bank(built_once: BuiltOnce, tmp_path_factory: pytest.TempPathFactory) -> Bank:
    return bank_in_parts(built_once, tmp_path_factory.mktemp("bank"))


def offers(bank: Bank, parts: int, audience: Audience = EVERYBODY, workers: int = 1) -> Found:
    wishes = {"channel": "branch", "top": 3, "reason_weights": {}}
    request = OfferRequest.of(bank.parts(parts), bank.model, bank.view, audience, **wishes)
    engine = LocalEngine(str(bank.folder / "runs"), workers)
    with offers_in_parts(engine, request, lambda *_: None) as found:
        return Found(found.rows, found.total, found.blind)


def test_any_number_of_parts_gives_the_list_of_the_bank(bank: Bank):
    expected = offer_list(Explainer(bank.recommender), bank.view, 3)
    assert expected["customer_id"].n_unique() == len(IDS) - 1, "one customer left before the newest snapshot"
    for parts in (1, 2, 7):
        found = offers(bank, parts)
        assert found.rows.equals(expected)
        assert found.total == expected.height
    assert not list(bank.folder.glob("runs/runs/*/p*")), "what the parts put out is gone"


def test_some_customers_get_their_rows_of_the_whole_list(bank: Bank):
    everybody = offers(bank, 1).rows
    chosen = [IDS[0], IDS[3], "nobody"]
    found = offers(bank, 7, Audience(pa.array(chosen, pa.string()))).rows
    assert found.equals(everybody.filter(pl.col("customer_id").is_in(chosen)))
    vip = offers(bank, 7, Audience(tiers=("VIP",))).rows
    assert 0 < vip["customer_id"].n_unique() < everybody["customer_id"].n_unique()
    assert vip.equals(offers(bank, 1, Audience(tiers=("VIP",))).rows)


def test_nobody_of_those_asked_for_is_an_error_whatever_the_parts(bank: Bank):
    for parts in (1, 7):
        with pytest.raises(InputRejectedError, match="none of the customers asked for"):
            offers(bank, parts, Audience(pa.array([NEWCOMERS[0]], pa.string())))


def test_a_rule_is_blind_where_it_is_in_every_part_by_the_facts_that_nobody_knows(bank: Bank):
    parts = [{"r1": ["a", "b"], "r2": ["c"]}, {"r1": ["b"], "r2": ["d"]}, {"r1": ["b", "c"]}]
    assert blind_in_all(parts) == {"r1": ["b"]}
    assert blind_in_all(parts[:1]) == parts[0]
    assert blind_in_all([]) == {}
    assert offers(bank, 7).blind == {}


def test_a_split_gives_each_customer_what_the_model_of_their_side_gives(bank: Bank):
    split = ModelSplit("autumn", "7", 0.5, "salt")
    weights = bank.recommender.settings.arbitration
    costless = weights.model_copy(update={"order": "chance", "value": "none"})
    rival = bank.recommender.arbitrated(costless)
    wishes = {"channel": "branch", "top": 3, "reason_weights": {}}
    challenger = replace(bank.model, arbitration=json.loads(costless.model_dump_json()))
    alone = {
        CHAMPION_SIDE: offer_list(Explainer(bank.recommender), bank.view, 3),
        CHALLENGER_SIDE: offer_list(Explainer(rival), bank.view, 3),
    }
    for parts in (1, 7):
        request = OfferRequest.of(bank.parts(parts), bank.model, bank.view, EVERYBODY, **wishes)
        engine = LocalEngine(str(bank.folder / "runs"), 1)
        with offers_in_parts(engine, request.decided_by(challenger, split), lambda *_: None) as found:
            rows = found.rows
        assert rows[SIDE].to_list() == split.sides_of(rows["customer_id"]).to_list()
        for side, expected in alone.items():
            own = rows.filter(pl.col(SIDE) == side).drop(SIDE).sort("customer_id", "rank")
            ids = own["customer_id"].unique().implode()
            chosen = expected.filter(pl.col("customer_id").is_in(ids)).sort("customer_id", "rank")
            assert own.height > 0
            assert own.equals(chosen)


@settings(max_examples=25)
@given(
    st.lists(st.tuples(st.integers(0, 4), st.integers(0, 3)), max_size=400),
    st.integers(1, 4),
    st.sampled_from([1, 1_200]),
)
def test_ranges_of_the_parts_are_the_list_of_all(
    tmp_path_factory: pytest.TempPathFactory, drawn: list[tuple[int, int]], parts: int, range_rows: int
):
    """Equal priorities included; a part without rows as well; some hundred rows of a customer fill blocks."""
    rows = pl.DataFrame(
        {
            "customer_id": [f"{place:02d}" for place in range(len(drawn)) for _ in range(9)],
            "rank": [rank for _ in drawn for rank in range(9)],
            "priority": [float(best if rank == 1 else 0) for best, _ in drawn for rank in range(9)],
            "part": [part % parts for _, part in drawn for _ in range(9)],
        },
        {"customer_id": pl.String, "rank": pl.Int16, "priority": pl.Float64, "part": pl.Int64},
    ).with_columns(pl.lit("").alias(name) for name in REST)
    folder = tmp_path_factory.mktemp("parts")
    folders = [folder / str(part) for part in range(parts)]
    for part, path in enumerate(folders):
        path.mkdir()
        save_ordered(rows.filter(pl.col("part") == part), path)
    found = list(OrderedParts(folders, range_rows).frames())
    assert pl.concat(found).equals(ordered_offers(rows))
    most = max(range_rows, 256 * 2 * parts)
    assert all(frame.height <= most + 256 * (parts + 1) for frame in found)


def test_lists_of_a_branch_are_those_of_the_bank(bank: Bank):
    explainer = Explainer(bank.recommender)
    assert listed(bank, 7, 3).equals(branch_list(explainer, bank.view, BranchList.grow, 3))
    with pytest.raises(InputRejectedError, match="none of the customers asked for"):
        listed(bank, 7, 3, Audience(manager="nobody"))


def listed(bank: Bank, parts: int, limit: int, audience: Audience = EVERYBODY) -> pl.DataFrame:
    wishes = {"channel": "branch", "top": 1, "reason_weights": {}}
    meant = OfferRequest.of(bank.parts(parts), bank.model, bank.view, audience, **wishes)
    engine = LocalEngine(str(bank.folder / "runs"))
    return branch_list_in_parts(engine, ListRequest(meant, "grow", limit), lambda *_: None)


AMOUNTS = st.one_of(st.none(), st.integers(0, 2))
SCHEMA = dict.fromkeys(("attrition_probability", "at_risk_amount"), pl.Float64)


@given(st.lists(st.tuples(st.integers(0, 3), AMOUNTS), max_size=12), st.integers(1, 9))
def test_the_first_of_all_parts_are_the_first_of_the_bank(
    customers: list[tuple[int, float | None]], limit: int
):
    """Amounts that are equal or unknown included."""
    amounts = [amount for _, amount in customers]
    rows = pl.DataFrame(
        {
            "customer_id": [f"{place:02d}" for place in range(len(customers))],
            "part": [part for part, _ in customers],
            "attrition_probability": amounts,
            "at_risk_amount": amounts,
        },
        {"customer_id": pl.String, "part": pl.Int64, **SCHEMA},
    )
    request = ListRequest(None, "keep", limit)  # type: ignore[arg-type]
    whole = first_of_all([rows], request)
    parts = [first_of_all([rows.filter(pl.col("part") == part)], request) for part in range(4)]
    assert first_of_all(parts, request).equals(whole)
    assert whole.height == min(limit, len(customers))
