"""Monitoring of a bank at a snapshot: counts what is missing, and judges it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date

import numpy as np

from vipreco.catalog import Catalog
from vipreco.engines import PartedBank
from vipreco.history import History, label_windows
from vipreco.monitoring.calendar_of_facts import compared_days
from vipreco.monitoring.fact_files import FactFiles
from vipreco.monitoring.finding_codes import EFFECTS_ASSUMED, MODEL_OLD, SERVICE_REFUSED, TABLES_STALE
from vipreco.monitoring.findings import MonitoringFinding, MonitoringResult
from vipreco.monitoring.judgement import judge
from vipreco.monitoring.limits import MonitoringSettings
from vipreco.monitoring.part_counts import CountRequest, MaturedDay, count
from vipreco.monitoring.snapshot_facts import SERVICE, Rate, SnapshotFacts
from vipreco.recommender import DEFAULT_CHANNEL, ModelInForce, Recommender, Step, silent

LATE_MONTHS = 2  # newest matured months that are counted again: holdings are recorded late
REFUSED = f"{SERVICE}/answers refused"
ModelOf = Callable[[date], ModelInForce | None]
Answers = Callable[[date, date], Rate]


def no_model(_: date) -> None:
    """Know no model of any date."""


def no_answers(_: date, __: date) -> Rate:
    """Know no answer of a service."""
    return Rate(0.0, 0.0)


@dataclass(frozen=True)
class MonitoredBank:
    """Tables, model and service that are monitored.

    Args:
        history: The bank's tables.
        files: Facts of snapshots that were counted before.
        champion: The model in force; None watches the tables alone.
        in_force: The same for other processes.
        parts: The tables in parts; None: this process counts them all.
        model_of: Gives a model that had learnt nothing that came after a date; None where there is none.
        answers: Counts the service's recorded answers in a window, and those refused or failed.
        step: Told the name of each stage as it begins.
    """

    history: History
    files: FactFiles
    champion: Recommender | None = None
    in_force: ModelInForce | None = None
    parts: PartedBank | None = None
    model_of: ModelOf = no_model
    answers: Answers = no_answers
    step: Step = silent


def monitor(
    bank: MonitoredBank, day: date, settings: MonitoringSettings, today: date | None = None
) -> MonitoringResult:
    """Count the snapshots that a judgement of `day` needs, and judge them.

    Args:
        bank: What is looked at.
        day: Date of the judged view.
        settings: Tolerances and owners.
        today: Day at which the tables' age is told; None: `day`.
    """
    newest = bank.history.as_of(day).snapshot_date
    known = [each for each in bank.history.snapshot_dates if each <= newest]
    wanted, matured = compared_days(newest, known), _matured_days(bank, known, settings.history_months)
    facts = {each: _kept(bank, each) or SnapshotFacts(each, 0) for each in sorted({*wanted, *matured})}
    fresh = {
        each: max((other for other in known if other < each), default=date.min)
        for each in wanted
        if not facts[each].customers
    }
    late = [each for each in matured if not facts[each].matured or each in matured[-LATE_MONTHS:]]
    request = CountRequest(day, fresh, bank.in_force, _labelled(bank, late, day))
    found = count(bank.history, request, bank.parts, bank.step)
    for each, counted in found.facts.items():
        rates = {**counted.rates, REFUSED: bank.answers(fresh[each], each)}
        before = facts[each]
        facts[each] = replace(counted, rates=rates, matured=before.matured, ranking=before.ranking)
    for each, labels in found.labels.items():
        facts[each] = replace(facts[each], matured=labels.matured(), ranking=labels.ranking())
    for each in {**found.facts, **found.labels}:
        bank.files.write(facts[each])
    ordered = tuple(facts.values())
    others = [*_state(bank, newest, today or day, settings), *_service(facts[newest], settings)]
    return MonitoringResult(newest, judge(ordered, settings, others), ordered)


def _kept(bank: MonitoredBank, day: date) -> SnapshotFacts | None:
    return bank.files.read(day, corrected=bank.history.is_corrected(day))


def _matured_days(bank: MonitoredBank, known: list[date], months: int) -> list[date]:
    """Return the newest dates whose labels are known and of which a model had not learnt."""
    if bank.champion is None:
        return []
    settings = bank.champion.settings
    labelled = list(label_windows(known, settings.horizon_months, settings.gap_months))
    return [day for day in labelled[-months:] if bank.model_of(day) is not None]


def _labelled(bank: MonitoredBank, days: Sequence[date], known: date) -> list[MaturedDay]:
    """Return the dates whose labels are counted, each with its model and its window."""
    found = []
    for day in days:
        model = bank.model_of(day)
        if model is not None and bank.champion is not None:
            settings = bank.champion.settings
            window = bank.history.label_window(day, settings.horizon_months, settings.gap_months)
            found.append(MaturedDay(day, model, window, bank.history.mass_reopenings(*window, known)))
    return found


def _state(
    bank: MonitoredBank, newest: date, today: date, settings: MonitoringSettings
) -> list[MonitoringFinding]:
    """Tell the age of tables and model, and effects that are assumed."""
    found = []
    age = (today - newest).days
    if age > settings.max_table_days:
        what = f"the newest snapshot is {age} days old"
        found.append(_over(TABLES_STALE, "tables", what, age, settings.max_table_days))
    if bank.champion is None:
        return found
    age = (newest - bank.champion.learnt_until).days
    if age > settings.max_model_days:
        what = (
            f"the champion learnt until {bank.champion.learnt_until}, {age} days before the newest snapshot"
        )
        found.append(_over(MODEL_OLD, "champion", what, age, settings.max_model_days))
    families = Catalog.from_view(bank.history.as_of(newest)).families
    assumed = 1 - float(np.mean(bank.champion.contact_effects.learnt(DEFAULT_CHANNEL, families)))
    if assumed >= settings.max_assumed:
        what = f"the effect of a contact is assumed for {assumed:.0%} of the products"
        found.append(
            MonitoringFinding(
                EFFECTS_ASSUMED, "note", "effects of contacts", what, assumed, settings.max_assumed
            )
        )
    return found


def _service(facts: SnapshotFacts, settings: MonitoringSettings) -> list[MonitoringFinding]:
    rate = facts.rates.get(REFUSED, Rate(0.0, 0.0))
    if rate.rows < settings.min_cases or rate.share < settings.max_refused:
        return []
    what = f"{rate.share:.1%} of {rate.rows:,.0f} recorded answers were refused or failed"
    return [_over(SERVICE_REFUSED, "service", what, rate.share, settings.max_refused)]


def _over(code: str, subject: str, what: str, effect: float, tolerance: float) -> MonitoringFinding:
    return MonitoringFinding(code, "alarm", subject, what, float(effect), float(tolerance))
