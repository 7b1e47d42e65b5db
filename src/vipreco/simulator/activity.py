"""Monthly behaviour that the bank sees: flows, logins, pages looked at, maturities, complaints."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vipreco.simulator.events import Event, effects_on_needs
from vipreco.simulator.parameters import RecordParameters
from vipreco.simulator.population import Population
from vipreco.simulator.products import Catalogue, Need
from vipreco.simulator.state import State

Columns = dict[str, NDArray[np.float64]]

ACTIVITY_COLUMNS = (
    "inflow_amount",
    "outflow_amount",
    "salary_amount",
    "card_spend_amount",
    "logins",
    "wealth_pages",
    "loan_pages",
    "insurance_pages",
    "foreign_payments",
    "transfers_out_amount",
    "maturing_amount",
    "complaints",
)


def draw_activity(
    population: Population,
    state: State,
    catalogue: Catalogue,
    month: int,
    random: np.random.Generator,
) -> Columns:
    """Draw a month's behaviour; needs, engagement and life events show in it, with noise."""
    rows = len(state.assets)
    needs = (population.needs + state.pulses @ effects_on_needs()).astype(np.float64)
    engagement = state.engagement.astype(np.float64)
    noise = random.standard_normal((rows, 4))
    pay = catalogue.position("P002")
    salary = population.income / 12 * state.held[:, pay] * (1 + 0.1 * state.pulses[:, Event.SALARY_RISE])
    inflow = salary + state.assets * np.exp(-3.2 + 0.7 * noise[:, 0] + 0.2 * engagement)
    spend = population.income / 12 * np.exp(-1.2 + 0.5 * noise[:, 1] + 0.3 * needs[:, Need.PAY])
    elsewhere = state.assets * np.exp(-5.5 + noise[:, 2] + 2.0 * state.pulses[:, Event.COMPETITOR])
    outflow = 0.5 * spend + elsewhere + state.assets * np.exp(-3.3 + 0.7 * noise[:, 3])
    counts = {
        "logins": 1.6 + 0.5 * engagement + 0.25 * needs[:, Need.PAY],
        "wealth_pages": -0.6 + 0.6 * needs[:, Need.GROW] + 0.6 * engagement,
        "loan_pages": -1.9 + 0.8 * needs[:, Need.BORROW] + 0.4 * engagement,
        "insurance_pages": -1.7 + 0.7 * needs[:, Need.PROTECT] + 0.4 * engagement,
        "foreign_payments": -2.2 + 0.8 * needs[:, Need.WORLD],
    }
    drawn = {name: random.poisson(np.exp(np.minimum(log, 5.0))) for name, log in counts.items()}
    complaints = (state.pulses[:, Event.COMPLAINT] >= 0.99).astype(np.float64)
    columns: dict[str, NDArray[np.generic]] = {
        "inflow_amount": np.round(inflow, 2),
        "outflow_amount": np.round(outflow, 2),
        "salary_amount": np.round(salary, 2),
        "card_spend_amount": np.round(spend, 2),
        "transfers_out_amount": np.round(elsewhere, 2),
        "maturing_amount": maturing(state, catalogue, month),
        "complaints": complaints,
        **drawn,
    }
    return {name: columns[name].astype(np.float64) for name in ACTIVITY_COLUMNS}


def maturing(state: State, catalogue: Catalogue, month: int) -> NDArray[np.float64]:
    """Return the amount of a customer's holdings that mature in the next two months."""
    terms = catalogue.terms.astype(np.int32)
    lasted = month - state.opened_month.astype(np.int32)
    soon = state.held & (terms > 0) & (lasted % np.maximum(terms, 1) >= terms - 2)
    amount: NDArray[np.float64] = np.round((state.amount * soon).sum(axis=1, dtype=np.float64), 2)
    return amount


def is_recorded(rows: int, random: np.random.Generator, parameters: RecordParameters) -> NDArray[np.bool_]:
    """Return for which customers the month's activity reached the bank's records."""
    return random.random(rows) >= parameters.activity_missing
