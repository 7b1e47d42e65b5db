from .allocation.allocate import Allocation as Allocation, allocate as allocate, exact as exact
from .allocation.problem import NOBODY as NOBODY, Limit as Limit, Numbers as Numbers, Problem as Problem
from .context import ACTIONS as ACTIONS, Context as Context, context_of as context_of
from .levers import unknown_names as unknown_names
from .priority import (
    DEVELOP as DEVELOP,
    FACTORS as FACTORS,
    KEEP as KEEP,
    Customers as Customers,
    Factor as Factor,
    PriorityFactors as PriorityFactors,
    priority_factors as priority_factors,
)
from .slates import (
    LeftOut as LeftOut,
    NoAction as NoAction,
    SlateRules as SlateRules,
    left_out as left_out,
    most_frequent_verdict as most_frequent_verdict,
    no_action as no_action,
    slate as slate,
)
from .value import AttritionKinds as AttritionKinds, CustomerEconomics as CustomerEconomics
