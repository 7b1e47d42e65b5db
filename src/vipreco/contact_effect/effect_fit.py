"""Effects of contacts learnt from a bank's own contacts, with the evidence that stands behind them."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from vipreco.contact_effect.chances import Basis, ContactEffects
from vipreco.contact_effect.effect_levels import Cells, Levels, fitted_shape
from vipreco.contact_effect.estimation import Trials
from vipreco.contact_effect.expectation import Contacted, Expectation, ObservedPairs
from vipreco.contact_effect.learnt_effects import (
    CHANNEL,
    FAMILY,
    FATIGUE,
    LATER,
    OTHER_PRODUCT,
    REACH,
    SPREAD,
    TIER,
    EffectRow,
    LearntEffects,
)
from vipreco.contact_effect.response import PLAIN, Response
from vipreco.contact_effect.settings import EffectLearning
from vipreco.settings import ContactEffectSettings

Floats = NDArray[np.float64]
Indices = NDArray[np.intp]
SMALLEST_FACTOR = 1e-6


def learn_effects(
    pairs: ObservedPairs, prior: ContactEffectSettings, settings: EffectLearning, seed: int
) -> LearntEffects:
    """Return the effects that contacts show, by channel, family and tier, and the evidence.

    Args:
        pairs: What was observed.
        prior: What is assumed where contacts show too little.
        settings: Of the recipe.
        seed: Of the products of the placebo.
    """
    expectation = Expectation.of(pairs)
    trials = Trials.of(pairs.contacted, expectation, pairs)
    labels = _labels(pairs)
    learnt = _learnt_channels(trials, settings.min_acquisitions)
    used = np.isin(trials.contacted.channel, learnt)
    channel, family, tier = (Cells.of(part[used]) for part in labels)
    levels = Levels(trials.take(used), (channel, family, tier), prior, settings.deviation)
    shape = fitted_shape(levels, pairs.reach) if learnt else PLAIN
    by_channel, by_family, by_tier = levels.fitted(shape, pairs.reach)
    found = LearntEffects(
        channels=dict(zip(channel.names, by_channel.tolist(), strict=True)),
        families=_nested(family.names, by_family),
        tiers=dict(zip(tier.names, by_tier.tolist(), strict=True)),
        contacted={},
        reach={name: pairs.reach[name] for name in learnt if name in pairs.reach},
        spread=shape.spread,
        fatigue=shape.fatigue,
    )
    rows = (
        *_evidence(trials, labels, found, prior),
        *_shape_rows(levels.trials, found),
        *_placebos(pairs, expectation, seed),
    )
    shares = _contacted_shares(pairs, trials, labels, ContactEffects(prior, found))
    return replace(found, contacted=shares, evidence=rows)


def _labels(pairs: ObservedPairs) -> tuple[NDArray[np.str_], NDArray[np.str_], NDArray[np.str_]]:
    """Return channel, channel and family, and tier of each contact."""
    contacted = pairs.contacted
    families = np.array(pairs.families, np.str_)[contacted.product]
    both = np.char.add(np.char.add(contacted.channel, "\n"), families)
    return contacted.channel, both, pairs.tiers[contacted.row]


def _learnt_channels(trials: Trials, min_acquisitions: int) -> list[str]:
    names = sorted(set(trials.contacted.channel.tolist()))
    counts = {name: trials.take(trials.contacted.channel == name).count for name in names}
    return [name for name in names if counts[name] >= min_acquisitions]


def _nested(names: tuple[str, ...], values: Floats) -> dict[str, dict[str, float]]:
    found: dict[str, dict[str, float]] = {}
    for name, value in zip(names, values.tolist(), strict=True):
        channel, family = name.split("\n")
        found.setdefault(channel, {})[family] = value
    return found


def _contacted_shares(
    pairs: ObservedPairs, trials: Trials, labels: tuple[NDArray[np.str_], ...], effects: ContactEffects
) -> dict[str, dict[str, dict[str, float]]]:
    """Return which share of the hazard of a channel, family and tier is under a contact anyway.

    A contact counts by what it adds, as share of what one adds to a small chance: less with a tired customer,
    and with one who is likely to acquire the product anyway. Those are the customers whom lists call.
    """
    whole = trials.expectation.mass(pairs)
    found: dict[str, dict[str, dict[str, float]]] = {}
    _, both, tier = labels
    cells = Cells.of(np.char.add(np.char.add(both, "\n"), tier))
    for place, name in enumerate(cells.names):
        channel, family, own = name.split("\n")
        chosen = trials.take(cells.group == place)
        level = float(effects.log_hazard(channel, (family,), own)[0])
        amount = float(chosen.weights @ _counted(chosen, effects.response(channel), level))
        found.setdefault(channel, {}).setdefault(family, {})[own] = min(amount / whole[family, own], 1.0)
    return found


def _counted(trials: Trials, response: Response, level: float) -> Floats:
    """Return the hazard of each contact times what it adds, as share of what one adds to a small hazard."""
    hazard, factor = trials.hazard, math.expm1(level)
    if abs(factor) < SMALLEST_FACTOR:
        return hazard
    chance = response.chance(hazard, np.exp(np.full(len(hazard), level)), trials.recent, trials.withstood)
    return np.asarray(np.maximum((chance + np.expm1(-hazard)) / factor, 0.0))


def _evidence(
    trials: Trials,
    labels: tuple[NDArray[np.str_], ...],
    found: LearntEffects,
    prior: ContactEffectSettings,
) -> Iterator[EffectRow]:
    channel, both, tier = labels
    for name in sorted(set(channel.tolist())):
        in_force = found.channels.get(name, prior.channels.get(name, prior.other_channels))
        basis = Basis.LEARNT if name in found.channels else Basis.ASSUMED
        yield _row(CHANNEL, name, "", trials.take(channel == name), in_force, basis)
        for cell in sorted({one for one in both.tolist() if one.startswith(f"{name}\n")}):
            family = cell.split("\n")[1]
            own = found.families.get(name, prior.families.get(name, {})).get(family, 0.0)
            yield _row(FAMILY, name, family, trials.take(both == cell), in_force + own, basis)
    used = np.isin(channel, list(found.channels))
    for name in sorted(set(tier[used].tolist())):
        yield _row(TIER, "", name, trials.take(used & (tier == name)), found.tiers[name], Basis.LEARNT)


def _shape_rows(trials: Trials, found: LearntEffects) -> Iterator[EffectRow]:
    """Give the figures of the response beside the levels, where any level was learnt."""
    count, acquired = len(trials.hazard), int(trials.contacted.acquired.sum())
    figures = [(REACH, name, share) for name, share in sorted(found.reach.items())]
    figures += [(SPREAD, "", found.spread), (FATIGUE, "", -found.fatigue)] if found.channels else []
    for what, channel, figure in figures:
        yield EffectRow(what, channel, "", count, acquired, 0.0, None, None, None, figure, Basis.LEARNT.value)


def _placebos(pairs: ObservedPairs, expectation: Expectation, seed: int) -> Iterator[EffectRow]:
    other = other_products(pairs, seed)
    for what, contacted in ((OTHER_PRODUCT, other), (LATER, pairs.shifted)):
        trials = Trials.of(contacted, expectation, pairs)
        for name in sorted(set(contacted.channel.tolist())):
            yield _row(what, name, "", trials.take(contacted.channel == name), None, Basis.ASSUMED)


def other_products(pairs: ObservedPairs, seed: int) -> Contacted:
    """Return the contacts as if each had been about another product, which nobody spoke of.

    It is drawn from the products of all contacts. The whole window counts, since an effect that is not there
    has no first day.
    """
    contacted = pairs.contacted
    named = np.bincount(contacted.product, minlength=len(pairs.families)).astype(np.float64)
    luck = np.random.default_rng(seed).exponential(size=(len(contacted), len(pairs.families)))
    free = pairs.compared[contacted.row] & (named > 0)
    race = np.where(free, luck / np.maximum(named, 1.0), np.inf)
    product, there = race.argmin(axis=1), np.asarray(free.any(axis=1))
    acquired = pairs.acquired[contacted.row, product]
    whole = np.ones(len(contacted))
    return Contacted(contacted.row, product, contacted.channel, whole, acquired).take(there)


def _row(
    what: str, channel: str, group: str, trials: Trials, in_force: float | None, basis: Basis
) -> EffectRow:
    found = trials.evidence()
    return EffectRow(
        what=what,
        channel=channel,
        group=group,
        contacts=found.contacts,
        acquisitions=found.acquisitions,
        expected=found.expected,
        effect=_finite(found.effect),
        low=_finite(found.low),
        high=_finite(found.high),
        in_force=in_force,
        basis=basis.value,
    )


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
