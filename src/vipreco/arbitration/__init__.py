"""Which allowed product comes first: value in money, context, levers, and each customer's slate."""

from vipreco.arbitration.context import ACTIONS, Context, context_of
from vipreco.arbitration.levers import unknown_names
from vipreco.arbitration.slate import (
    LeftOut,
    NoAction,
    SlateRules,
    left_out,
    most_frequent_verdict,
    no_action,
    slate,
)
from vipreco.arbitration.value import Standing, Values
from vipreco.arbitration.worth import DEVELOP, FACTORS, KEEP, Customers, Factor, Worth, worth
from vipreco.arbitration_settings import ArbitrationSettings

__all__ = [
    "ACTIONS",
    "DEVELOP",
    "FACTORS",
    "KEEP",
    "ArbitrationSettings",
    "Context",
    "Customers",
    "Factor",
    "LeftOut",
    "NoAction",
    "SlateRules",
    "Standing",
    "Values",
    "Worth",
    "context_of",
    "left_out",
    "most_frequent_verdict",
    "no_action",
    "slate",
    "unknown_names",
    "worth",
]
