"""What a decision policy earns when the simulated bank lives by it for months."""

from vipreco.simulator.forward.arms import (
    ChooseContacts,
    at_random,
    by_popularity,
    by_priority,
    by_propensity,
    nobody,
)
from vipreco.simulator.forward.calling import by_call_list
from vipreco.simulator.forward.comparing import compare
from vipreco.simulator.forward.practice import ForwardSpec, PracticeBank, practise
from vipreco.simulator.forward.running import ORACLE, run

__all__ = [
    "ORACLE",
    "ChooseContacts",
    "ForwardSpec",
    "PracticeBank",
    "at_random",
    "by_call_list",
    "by_popularity",
    "by_priority",
    "by_propensity",
    "compare",
    "nobody",
    "practise",
    "run",
]
