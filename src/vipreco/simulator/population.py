"""Population: attributes that are fixed for a customer over the whole simulation."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from vipreco.simulator.calendar import NEVER, Calendar
from vipreco.simulator.parameters import AssetParameters, Parameters
from vipreco.simulator.products import N_NEEDS, Need
from vipreco.simulator.randomness import Purpose, stream

Floats = NDArray[np.float64]
Singles = NDArray[np.float32]
Integers = NDArray[np.int32]
Flags = NDArray[np.bool_]

OCCUPATIONS = ("employee", "public service", "self-employed", "business owner", "retired", "student", "other")
OCCUPATION_SHARES = (0.42, 0.16, 0.16, 0.05, 0.0, 0.08, 0.13)
RETIRED = OCCUPATIONS.index("retired")
STUDENT = OCCUPATIONS.index("student")
DAYS_A_YEAR = 365.25
APPETITE_SHARES = (0.16, 0.29, 0.29, 0.17, 0.09)


@dataclass(frozen=True)
class Population:
    """Fixed attributes of customers; all arrays have one row a customer.

    `joined_month` and `joined_day` say since when; `wealth` is the level that log-assets return to at
    the start; `needs` has one column a need; `contact_sensitivity` one a channel. Records that the bank
    does not have are flagged by `income_known` and `birth_known`.
    """

    joined_day: Integers
    joined_month: NDArray[np.int16]
    birth_day: Integers
    birth_known: Flags
    wealth: Floats
    income: Singles
    income_known: Flags
    occupation: NDArray[np.int8]
    has_child: Flags
    needs: Singles
    appetite: NDArray[np.int8]
    assessed_day: Integers
    contact_sensitivity: Singles
    put_off: Flags
    control: Flags
    consent: NDArray[np.int8]
    opted_out: NDArray[np.int8]

    def rows(self, part: slice) -> Population:
        """Return the customers of a slice, without copying."""
        return Population(**{item.name: getattr(self, item.name)[part] for item in fields(self)})

    def __len__(self) -> int:
        return len(self.birth_day)


def joined(parts: list[Population]) -> Population:
    """Return the customers of all parts, in order."""
    names = [item.name for item in fields(Population)]
    return Population(**{name: np.concatenate([getattr(part, name) for part in parts]) for name in names})


def draw_population(
    rows: int, calendar: Calendar, parameters: Parameters, seed: int, block: int
) -> Population:
    """Draw the customers of one block.

    Args:
        rows: Number of customers of the block.
        calendar: The months of the simulation.
        parameters: The bank.
        seed: The bank's seed.
        block: Position of the block.
    """
    random = stream(seed, Purpose.POPULATION, 0, block)
    age_score = random.standard_normal(rows)
    age = age_of(age_score)
    wealth = wealth_of(age_score, random, parameters.assets)
    joined_day = _joined_days(random, rows, age, calendar, parameters)
    occupation = _occupations(random, age)
    records = parameters.records
    put_off = random.random(rows) < parameters.contacts.put_off_share
    return Population(
        joined_day=joined_day,
        joined_month=calendar.positions_of(joined_day),
        birth_day=(calendar.first_day(0) - age * DAYS_A_YEAR).astype(np.int32),
        birth_known=random.random(rows) >= records.birth_date_missing,
        wealth=wealth,
        income=_incomes(random, wealth, occupation),
        income_known=random.random(rows) >= records.income_missing,
        occupation=occupation,
        has_child=random.random(rows) < np.clip((age - 22) / 25, 0, 0.8),
        needs=_needs(random, age, wealth, parameters.acquisitions.need_scale),
        appetite=_appetites(random, age, wealth),
        assessed_day=_assessed_days(random, wealth, joined_day, calendar, parameters),
        contact_sensitivity=_sensitivities(random, put_off, parameters),
        put_off=put_off,
        control=random.random(rows) < parameters.contacts.control_share,
        consent=_recorded_flags(random, np.array(records.consent_given), rows, records.consent_missing),
        opted_out=_recorded_flags(random, np.array([records.profiling_opt_out]), rows, 0.0)[:, 0],
    )


def age_of(score: Floats) -> Floats:
    """Return ages in years, 18 to 90, from standard normal scores (median 41)."""
    return 18.0 + 72.0 * ndtr((score - 0.48) * 0.85)  # type: ignore[no-any-return]


def wealth_of(age_score: Floats, random: np.random.Generator, parameters: AssetParameters) -> Floats:
    """Return levels of log-assets: a log-normal body and a truncated Pareto tail, correlated with age."""
    correlation = parameters.age_correlation
    score = correlation * age_score + np.sqrt(1 - correlation**2) * random.standard_normal(len(age_score))
    rank = ndtr(score)
    share = parameters.tail_share
    body = np.log(parameters.body_median) + parameters.body_sigma * ndtri(
        np.clip(rank / (1 - share), 1e-9, 1 - 1e-6)
    )
    within = np.clip((rank - (1 - share)) / share, 0, 1)
    exponent = parameters.tail_exponent
    span = 1 - (parameters.tail_minimum / parameters.maximum) ** exponent
    tail = np.log(parameters.tail_minimum) - np.log(1 - within * span) / exponent
    level: Floats = np.where(rank < 1 - share, body, tail)
    return level


def _joined_days(
    random: np.random.Generator, rows: int, age: Floats, calendar: Calendar, parameters: Parameters
) -> Integers:
    """Most joined within the twenty years before; a share joins while the simulation runs."""
    start, end = calendar.first_day(0), calendar.first_day(calendar.months)
    share = parameters.joining_share * calendar.months / 12
    before = start - 1 - random.exponential(7.0, rows).clip(0, 25) * DAYS_A_YEAR
    before = np.maximum(before, start - (age - 16) * DAYS_A_YEAR)
    later = start + random.random(rows) * (end - start)
    return np.where(random.random(rows) < share / (1 + share), later, before).astype(np.int32)


def _occupations(random: np.random.Generator, age: Floats) -> NDArray[np.int8]:
    drawn = random.choice(len(OCCUPATIONS), len(age), p=OCCUPATION_SHARES)
    drawn = np.where(random.random(len(age)) < np.clip((age - 52) / 14, 0, 1), RETIRED, drawn)
    drawn = np.where((drawn == STUDENT) & (age > 27), 0, drawn)
    return drawn.astype(np.int8)


def _incomes(random: np.random.Generator, wealth: Floats, occupation: NDArray[np.int8]) -> Singles:
    """Yearly income: log-normal around 90,000 yuan, rising with wealth."""
    level = np.log(90_000) + 0.18 * (wealth - np.log(8_000)) + 0.5 * random.standard_normal(len(wealth))
    factor = np.where(occupation == STUDENT, 0.15, np.where(occupation == RETIRED, 0.6, 1.0))
    income: Singles = np.round(np.exp(level) * factor, -2).astype(np.float32)
    return income


def _needs(random: np.random.Generator, age: Floats, wealth: Floats, scale: float) -> Singles:
    """Latent needs: a personal part and a part that follows the stage of life."""
    needs = scale * random.standard_normal((len(age), N_NEEDS))
    needs[:, Need.PAY] -= 0.012 * (age - 40)
    needs[:, Need.SAVE] += 0.020 * (age - 45)
    needs[:, Need.GROW] += 0.10 * (wealth - np.log(8_000))
    needs[:, Need.PROTECT] += 0.8 * np.exp(-(((age - 38) / 12) ** 2))
    needs[:, Need.BORROW] += 1.0 * np.exp(-(((age - 33) / 9) ** 2)) - 0.4
    needs[:, Need.RETIRE] += np.clip((age - 42) / 12, -1, 1.5)
    needs[:, Need.WORLD] += 0.08 * (wealth - np.log(8_000)) - 0.01 * (age - 40)
    return needs.astype(np.float32)


def _appetites(random: np.random.Generator, age: Floats, wealth: Floats) -> NDArray[np.int8]:
    """Risk level 1 to 5 that an assessment finds; lower with age, higher with wealth."""
    score = random.standard_normal(len(age)) - 0.02 * (age - 45) + 0.20 * (wealth - np.log(8_000))
    cuts = ndtri(np.cumsum(APPETITE_SHARES)[:-1]) * 1.15
    level: NDArray[np.int8] = (np.searchsorted(cuts, score) + 1).astype(np.int8)
    return level


def _assessed_days(
    random: np.random.Generator,
    wealth: Floats,
    joined_day: Integers,
    calendar: Calendar,
    parameters: Parameters,
) -> Integers:
    """Day of the last risk assessment before the start; `NEVER` for a part of the customers."""
    never = parameters.records.never_assessed * np.where(wealth > np.log(50_000), 0.3, 1.6)
    start = calendar.first_day(0)
    day = start - 1 - random.exponential(260, len(wealth)).clip(0, 1_400)
    day = np.maximum(day, np.minimum(joined_day, start - 1))
    unassessed = (random.random(len(wealth)) < never) | (joined_day >= start)
    return np.where(unassessed, NEVER, day).astype(np.int32)


def _sensitivities(random: np.random.Generator, put_off: Flags, parameters: Parameters) -> Singles:
    """Effect of a contact on the log-hazard, a column a channel; contacts put some customers off."""
    contacts = parameters.contacts
    mean, sigma = np.array(contacts.effect_mean), np.array(contacts.effect_sigma)
    usual = mean + sigma * random.standard_normal((len(put_off), len(mean)))
    return (usual + np.where(put_off, contacts.put_off_effect, 0.0)[:, None]).astype(np.float32)


def _recorded_flags(
    random: np.random.Generator, shares: Floats, rows: int, missing: float
) -> NDArray[np.int8]:
    """1 yes, 0 no, -1 not on record; a column a share."""
    flags = (random.random((rows, len(shares))) < shares).astype(np.int8)
    flags[random.random((rows, len(shares))) < missing] = -1
    return flags
