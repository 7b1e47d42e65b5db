"""Value of a decision policy when a simulated bank follows it for months."""

from vipreco.simulator.forward.arms import (
    ChooseContacts,
    at_random,
    by_popularity,
    by_priority,
    by_propensity,
    nobody,
)
from vipreco.simulator.forward.call_list_policy import by_call_list
from vipreco.simulator.forward.comparison import compare
from vipreco.simulator.forward.policy_run import ORACLE, run
from vipreco.simulator.forward.warm_bank import ForwardSpec, WarmBank, warm_start

__all__ = [
    "ORACLE",
    "ChooseContacts",
    "ForwardSpec",
    "WarmBank",
    "at_random",
    "by_call_list",
    "by_popularity",
    "by_priority",
    "by_propensity",
    "compare",
    "nobody",
    "run",
    "warm_start",
]
