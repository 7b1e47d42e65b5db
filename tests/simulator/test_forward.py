"""A policy decides month by month on what the bank knows; all policies meet the same luck."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from vipreco.errors import UsageError
from vipreco.history import View
from vipreco.settings import ImportSettings, ProjectSettings, Settings
from vipreco.simulator import CHANNELS, FIRST_VIP_TIER, ForwardSpec, WarmBank, hazards_of_month, warm_start
from vipreco.simulator.forward.arms import nobody
from vipreco.simulator.forward.comparison import compare
from vipreco.simulator.forward.oracle_policy import best_contacts, gains_of
from vipreco.simulator.forward.policy_run import run
from vipreco.simulator.parameters import Parameters

SMALL = Parameters(calibration_rows=4_096, rows_a_block=1_024)
SPEC = ForwardSpec(customers=1_500, past_months=3, months=2, seed=5, parameters=SMALL)
SETTINGS = Settings.model_validate({"project": ProjectSettings(name="bank"), "import": ImportSettings()})
VIP = "SELECT customer_id FROM customers_now WHERE consent_call AND tier = 'GOLD' ORDER BY customer_id"
CAPACITY = 10


@pytest.fixture(scope="module")
def bank(tmp_path_factory: pytest.TempPathFactory) -> WarmBank:
    return warm_start(SPEC, SETTINGS, tmp_path_factory.mktemp("practice"))


def calls(number: int, product: str = "C002") -> Callable[[View, int], pl.DataFrame]:
    """The policy that calls the first customers of the book about one product."""

    def choose(view: View, _capacity: int) -> pl.DataFrame:
        customers = view.query(VIP)["customer_id"].to_pylist()[:number]
        return pl.DataFrame({"customer_id": customers}).with_columns(
            product_id=pl.lit(product), channel=pl.lit("call")
        )

    return choose


@pytest.fixture(scope="module")
def lives(bank: WarmBank, tmp_path_factory: pytest.TempPathFactory) -> pl.DataFrame:
    work = tmp_path_factory.mktemp("lives")
    return run(
        bank, {"nobody": nobody, "one": calls(1), "some": calls(CAPACITY)}, CAPACITY, work, oracle=True
    )


def of(lives: pl.DataFrame, arm: str) -> pl.DataFrame:
    return lives.filter(pl.col("arm") == arm).drop("arm")


def test_a_call_to_one_customer_changes_nothing_for_anybody_else(lives: pl.DataFrame) -> None:
    called = of(lives, "one").filter(pl.col("contacts") > 0)["customer_id"].to_list()
    assert len(called) in {1, 2}  # the first of the book may be another one in the second month
    others = ~pl.col("customer_id").is_in(called)
    assert_frame_equal(of(lives, "one").filter(others), of(lives, "nobody").filter(others), check_exact=True)
    own, without = (of(lives, arm).filter(~others)["at_stake_amount"].to_list() for arm in ("one", "nobody"))
    assert own != without


def test_contacts_are_counted_and_only_the_book_is_contacted(lives: pl.DataFrame) -> None:
    assert of(lives, "nobody")["contacts"].sum() == 0
    assert of(lives, "some")["contacts"].sum() == CAPACITY * SPEC.months
    assert of(lives, "oracle")["contacts"].sum() == CAPACITY * SPEC.months


def test_the_same_policy_lives_the_same_life_again(
    bank: WarmBank, lives: pl.DataFrame, tmp_path: Path
) -> None:
    again = run(bank, {"some": calls(CAPACITY)}, CAPACITY, tmp_path)
    assert_frame_equal(of(again, "some"), of(lives, "some"), check_exact=True)
    assert list(tmp_path.iterdir()) == []


def test_a_policy_sees_the_months_before_and_its_own_contacts(bank: WarmBank, tmp_path: Path) -> None:
    seen: list[tuple[date, date, int, int]] = []

    def spy(view: View, capacity: int) -> pl.DataFrame:
        newest = view.query("SELECT max(opened_date) AS day FROM holdings")["day"][0].as_py()
        contacts = view.query("SELECT contacted_at, outcome FROM contacts")
        own = [
            moment for moment in contacts["contacted_at"].to_pylist() if moment.date() > date(2025, 10, 31)
        ]
        seen.append((view.date, newest, capacity, len(own)))
        return calls(CAPACITY)(view, capacity)

    run(bank, {"spy": spy}, CAPACITY, tmp_path)
    assert [row[0] for row in seen] == [date(2025, 10, 31), date(2025, 11, 30)]
    assert all(newest <= day for day, newest, _, _ in seen)
    assert seen[1][1] > date(2025, 10, 31)
    assert seen[0][3] == 0
    assert CAPACITY * 0.5 <= seen[1][3] <= CAPACITY  # a few are recorded late


def test_what_the_bank_knows_after_a_month_is_what_happened_but_for_late_records(
    bank: WarmBank, tmp_path: Path
) -> None:
    known: list[int] = []

    def count(view: View, _capacity: int) -> pl.DataFrame:
        held = view.query("SELECT count(*) AS n FROM holdings WHERE closed_date IS NULL")
        known.append(held["n"][0].as_py())
        return nobody(view, 0)

    run(bank, {"count": count}, CAPACITY, tmp_path)
    true = sum(int(block.state.held.sum()) for block in bank.blocks)
    assert known[0] == pytest.approx(true, rel=0.01)
    assert known[1] == pytest.approx(true, rel=0.01)


@pytest.mark.parametrize(
    ("contacts", "why"),
    [
        (lambda who: {"customer_id": who[:1] * 2, "product_id": ["C002", "C003"]}, "twice"),
        (lambda who: {"customer_id": who[:11], "product_id": ["C002"] * 11}, "more than the 10"),
        (lambda who: {"customer_id": ["nobody"], "product_id": ["C002"]}, "unknown"),
        (lambda who: {"customer_id": who[:1], "product_id": ["C999"]}, "unknown"),
    ],
)
def test_a_policy_that_wants_what_cannot_be_is_refused(
    bank: WarmBank, tmp_path: Path, contacts: Callable[[list[str]], dict[str, list[str]]], why: str
) -> None:
    def choose(view: View, _capacity: int) -> pl.DataFrame:
        wanted = contacts(view.query(VIP)["customer_id"].to_pylist())
        return pl.DataFrame(wanted).with_columns(channel=pl.lit("call"))

    with pytest.raises(UsageError, match=why):
        run(bank, {"wrong": choose}, CAPACITY, tmp_path)


def test_nobody_is_called_who_did_not_consent_or_is_in_no_book(bank: WarmBank, tmp_path: Path) -> None:
    for condition, why in (("tier = 'GOLD' AND NOT consent_call", "consent"), ("tier = 'BASIC'", "VIP book")):
        sql = f"SELECT customer_id FROM customers_now WHERE {condition} ORDER BY customer_id"

        def choose(view: View, _capacity: int, sql: str = sql) -> pl.DataFrame:
            first = view.query(sql)["customer_id"].to_pylist()[:1]
            return pl.DataFrame({"customer_id": first, "product_id": ["C002"], "channel": ["call"]})

        with pytest.raises(UsageError, match=why):
            run(bank, {"wrong": choose}, CAPACITY, tmp_path / why.split()[0])


def test_the_oracle_makes_the_contacts_that_gain_most_by_a_search_over_all(bank: WarmBank) -> None:
    blocks, month = list(bank.blocks), SPEC.past_months
    before = [hazards_of_month(bank.bank, block, month) for block in blocks]
    value = bank.bank.catalogue.numbers("value")
    silent = bank.bank.parameters.contacts.no_answer_probability
    found: list[tuple[float, str]] = []
    for block, hazards in zip(blocks, before, strict=True):
        for row in np.flatnonzero(hazards.present & (block.state.tier >= FIRST_VIP_TIER)):
            gains = [
                (1 - silent[channel])
                * value[product]
                * (
                    (1 - np.exp(-hazards.hazard[row, product] * np.exp(hazards.effect[row, channel])))
                    - hazards.probability[row, product]
                )
                for channel in range(len(CHANNELS))
                if block.state.consent[row, channel] == 1
                for product in range(len(value))
                if hazards.hazard[row, product] > 0
            ]
            found.append((max(gains, default=-1.0), block.ids[int(row)]))
    best = {customer for gain, customer in sorted(found, reverse=True)[:CAPACITY] if gain > 0}
    chosen = best_contacts(bank.bank, blocks, before, month, CAPACITY, asset_margin=0.0)
    assert set(chosen["customer_id"]) == best
    gains = gains_of(bank.bank, blocks[0], before[0], month, asset_margin=0.01)
    assert (gains.amount[~before[0].present] == -np.inf).all()


def test_what_the_contacts_of_a_month_add_is_what_the_oracle_chose_them_by(
    bank: WarmBank, tmp_path: Path
) -> None:
    one_month = replace(bank, spec=replace(bank.spec, months=1))
    lived = of(run(one_month, {}, CAPACITY, tmp_path, oracle=True), "oracle")
    amounts = [
        gains_of(
            bank.bank, block, hazards_of_month(bank.bank, block, SPEC.past_months), SPEC.past_months, 0.01
        )
        for block in bank.blocks
    ]
    best = np.sort(np.concatenate([gains.amount for gains in amounts]))[-CAPACITY:]
    added = lived["gained_amount"] + 0.01 * lived["kept_by_calls_amount"]
    assert added.sum() == pytest.approx(best.sum(), rel=1e-6)
    assert (added > 0).sum() == CAPACITY == lived["contacts"].sum()


def test_nobody_adds_nothing(lives: pl.DataFrame) -> None:
    columns = ["gained_amount", "kept_by_calls_amount"]
    assert of(lives, "nobody").select(columns).sum().row(0) == (0.0, 0.0)


def test_in_expectation_the_oracle_earns_more_than_any_policy(lives: pl.DataFrame) -> None:
    totals = compare(lives, "nobody").filter(pl.col("measure") == "worth_amount")
    by_arm = dict(totals.select("arm", "a_customer").iter_rows())
    assert by_arm["oracle"] > max(by_arm["nobody"], by_arm["one"], by_arm["some"])


def test_a_comparison_is_paired_and_counts_the_banks() -> None:
    frame = pl.DataFrame(
        {
            "seed": [1, 1, 2, 2] * 2,
            "arm": ["base"] * 4 + ["rival"] * 4,
            "customer_id": ["a", "b", "a", "b", "b", "a", "b", "a"],
            "vip": [True] * 8,
            "contacts": [0.0] * 8,
            "earned_amount": [1.0, 2.0, 3.0, 4.0, 12.0, 1.0, 4.0, 3.0],
            "expected_amount": [0.0] * 4 + [5.0] * 4,
            "at_stake_amount": [100.0] * 4 + [300.0] * 4,
            "assets_amount": [10.0] * 8,
            "left": [False] * 4 + [True, False, False, False],
        }
    )
    found = {(row["arm"], row["measure"]): row for row in compare(frame, "base", asset_margin=0.1).to_dicts()}
    earned = found["rival", "earned_amount"]
    assert (earned["a_customer"], earned["difference"]) == (5.0, 2.5)  # differences 0, 10, 0, 0
    assert (earned["banks"], earned["banks_better"], earned["customers"]) == (2, 1, 4)
    assert found["rival", "worth_amount"]["difference"] == pytest.approx(5 - 0.1 * 200)
    assert found["rival", "left"]["difference"] == 0.25
    assert found["base", "worth_amount"]["low"] == found["base", "worth_amount"]["high"] == 0
    with pytest.raises(UsageError, match="no policy"):
        compare(frame, "nobody")
