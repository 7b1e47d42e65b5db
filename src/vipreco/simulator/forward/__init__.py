"""Value of a decision policy when a simulated bank follows it for months."""

from vipreco.simulator.forward.arms import (
    ChooseContacts,
    at_random,
    by_popularity,
    by_priority,
    by_propensity,
    callable_vip_customers,
    nobody,
)
from vipreco.simulator.forward.call_list_policy import by_call_list, contacts_of_calls, month_of
from vipreco.simulator.forward.choices import CONTACTS_SCHEMA
from vipreco.simulator.forward.comparison import compare
from vipreco.simulator.forward.oracle_policy import gains_of, kept_by_call
from vipreco.simulator.forward.policy_run import ASSET_MARGIN, ORACLE, Life, run
from vipreco.simulator.forward.warm_bank import ForwardSpec, WarmBank, warm_start

__all__ = [
    "ASSET_MARGIN",
    "CONTACTS_SCHEMA",
    "ORACLE",
    "ChooseContacts",
    "ForwardSpec",
    "Life",
    "WarmBank",
    "at_random",
    "by_call_list",
    "by_popularity",
    "by_priority",
    "by_propensity",
    "callable_vip_customers",
    "compare",
    "contacts_of_calls",
    "gains_of",
    "kept_by_call",
    "month_of",
    "nobody",
    "run",
    "warm_start",
]
