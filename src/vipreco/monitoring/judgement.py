"""Judges the facts of a snapshot, by the order of evidence."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from vipreco.monitoring.calendar_of_facts import Compared
from vipreco.monitoring.finding_codes import CUSTOMERS_GONE
from vipreco.monitoring.findings import MonitoringFinding
from vipreco.monitoring.limits import MonitoringSettings
from vipreco.monitoring.matured_labels import label_findings
from vipreco.monitoring.moves import broken, moved
from vipreco.monitoring.snapshot_facts import SnapshotFacts


def judge(
    facts: Sequence[SnapshotFacts],
    settings: MonitoringSettings,
    others: Sequence[MonitoringFinding] = (),
) -> tuple[MonitoringFinding, ...]:
    """Return the findings about the newest of some snapshots, the strongest evidence first.

    Args:
        facts: Counts of snapshots, oldest first: the judged one, and those that it is compared with.
        settings: Tolerances and owners.
        others: Findings from elsewhere: the age of the model, the state of the store.
    """
    compared = Compared.of(facts)
    feeds = [*broken(compared, settings), *_customers(compared, settings)]
    subjects = {finding.subject for finding in feeds}
    moves = [each for each in moved(compared, settings) if each.subject not in subjects]
    found = [*label_findings(facts, settings), *moves, *feeds, *others]
    named = [replace(each, owner=settings.owner(each.code)) for each in found]
    return tuple(sorted(named, key=lambda each: (each.place, each.subject)))


def _customers(compared: Compared, settings: MonitoringSettings) -> Iterator[MonitoringFinding]:
    if compared.before is None or not compared.before.customers:
        return
    lost = 1 - compared.now.customers / compared.before.customers
    if lost >= settings.customers_drop:
        what = f"{compared.now.customers:,} customers, {compared.before.customers:,} a month before"
        yield MonitoringFinding(CUSTOMERS_GONE, "alarm", "snapshot", what, lost, settings.customers_drop)
