"""Settings of an oracle bench."""

from __future__ import annotations

from dataclasses import dataclass, field

from vipreco.recommender import RecommenderSettings
from vipreco.simulator.parameters import Parameters


@dataclass(frozen=True)
class OraclePlan:
    """Banks, fit and judgement of an oracle bench.

    Args:
        seeds: A bank is simulated and learnt from for each of them.
        customers: Customers of each bank.
        months: Months of each bank; the last one is judged.
        newest: Labelled months that are learnt from: the newest ones before the judged month.
        settings: The recommender's settings.
        list_length: Offers that a customer is shown.
        call_rate: Share of customers who are called, for the judgement of who comes first.
        resamples: Bootstrap resamples of customers for the intervals.
        threads: Threads of simulation and fit.
        parameters: The simulated bank.
    """

    seeds: tuple[int, ...]
    customers: int = 20_000
    months: int = 24
    newest: int = 1
    settings: RecommenderSettings = field(default_factory=RecommenderSettings)
    list_length: int = 3
    call_rate: float = 0.1
    resamples: int = 1000
    threads: int = 2
    parameters: Parameters = field(default_factory=Parameters)
