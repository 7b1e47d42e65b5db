"""Levels of the hazards, found so that the stated targets hold in a population drawn for this alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vipreco.simulator.assets import start_assets
from vipreco.simulator.attrition import attrition_exponent
from vipreco.simulator.calendar import Calendar
from vipreco.simulator.hazards import Hazards, probability_of
from vipreco.simulator.initial_holdings import (
    Stock,
    chance_to_hold,
    exponent_to_hold,
    open_stock,
    past_holdings,
    stock_targets,
)
from vipreco.simulator.parameters import Parameters
from vipreco.simulator.population import Population, draw_population
from vipreco.simulator.products import Catalogue
from vipreco.simulator.randomness import Purpose, stream
from vipreco.simulator.state import State, empty_state

Floats = NDArray[np.float64]
CALIBRATION_BLOCK = 1 << 30
SOLVER_ROUNDS = 30
LOWEST_LEVEL, HIGHEST_LEVEL = -25.0, 8.0
FIXED_POINT_ROUNDS = 12


@dataclass(frozen=True)
class Levels:
    """Calibrated levels.

    Args:
        stock: Log-level of being held at the start, one value a product.
        hazard: Log-level of the acquisition hazard, one value a product.
        attrition: Log-level of the attrition hazard.
        targets: What the steady state is meant to be.
    """

    stock: Floats
    hazard: Floats
    attrition: float
    targets: Stock


def calibrate(catalogue: Catalogue, calendar: Calendar, parameters: Parameters, seed: int) -> Levels:
    """Find the levels on customers that are drawn for it and are no part of the bank."""
    targets = stock_targets(catalogue, parameters.acquisitions)
    population = draw_population(parameters.calibration_rows, calendar, parameters, seed, CALIBRATION_BLOCK)
    state = empty_state(len(population), len(catalogue.products))
    random = stream(seed, Purpose.OPENING_STOCK, 0, CALIBRATION_BLOCK)
    start_assets(state, population.wealth, random, parameters.assets)
    state.assessed_day[:] = population.assessed_day
    draw_engagement(state, random, parameters)
    neutral = Hazards(catalogue, calendar, parameters.acquisitions, np.zeros(len(catalogue.products)))
    stock = _stock_levels(population, state, neutral, targets, random)
    chances = open_stock(population, state, neutral, stock, random)
    past_holdings(
        population,
        state,
        chances,
        targets,
        calendar,
        random=random,
        months=parameters.acquisitions.held_before_months,
    )
    members = population.joined_month < 0
    hazard = _hazard_levels(population, state, neutral, members, catalogue.share, parameters)
    exponent = attrition_exponent(population, state, 0, parameters.attrition)[members]
    attrition = float(np.log(parameters.attrition.monthly_rate) - np.log(np.exp(exponent).mean()))
    return Levels(stock=stock, hazard=hazard, attrition=attrition, targets=targets)


def draw_engagement(state: State, random: np.random.Generator, parameters: Parameters) -> None:
    """Put engagement at the spread that it settles at."""
    drawn = parameters.acquisitions.engagement_sigma * random.standard_normal(len(state.engagement))
    state.engagement[:] = drawn


def _stock_levels(
    population: Population, state: State, neutral: Hazards, targets: Stock, random: np.random.Generator
) -> Floats:
    """Solve each product's level by bisection, given the products before it."""
    person = neutral.of_person(population, state, 0).astype(np.float64)
    held = np.zeros(person.shape, bool)
    levels = np.zeros(person.shape[1])
    for column, target in enumerate(targets.owned):
        exponent = exponent_to_hold(column, person, held, neutral)
        levels[column] = _solve(exponent, float(target))
        held[:, column] = random.random(len(held)) < chance_to_hold(exponent, levels[column])
    return levels


def _solve(exponent: Floats, target: float) -> float:
    """Return the level at which the mean chance to hold meets the target."""
    low, high = LOWEST_LEVEL, HIGHEST_LEVEL
    possible = exponent[np.isfinite(exponent)]
    for _ in range(SOLVER_ROUNDS):
        middle = (low + high) / 2
        share = chance_to_hold(possible, middle).sum() / len(exponent)
        low, high = (middle, high) if share < target else (low, middle)
    return (low + high) / 2


def _hazard_levels(
    population: Population,
    state: State,
    neutral: Hazards,
    members: NDArray[np.bool_],
    share: Floats,
    parameters: Parameters,
) -> Floats:
    """Move each level until the mean chance of an acquisition equals its target (seasons averaged out)."""
    season = neutral.catalogue.season
    hazard = neutral.of_month(population, state, 0)[members] / season[neutral.calendar.of_year(0)]
    hazard = (hazard * season.mean(axis=0)).astype(np.float32)
    target = share * parameters.acquisitions.products_a_customer_month
    level = np.zeros(len(share))
    for _ in range(FIXED_POINT_ROUNDS):
        chance = probability_of(
            hazard * np.exp(level).astype(np.float32),
            neutral.catalogue,
            parameters.acquisitions.maximum_probability,
        )
        step = np.log(target / np.maximum(chance.mean(axis=0, dtype=np.float64), 1e-12))
        level = np.clip(level + step, LOWEST_LEVEL, HIGHEST_LEVEL)
    return level
