"""Branches and relationship managers, and whom they look after."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vipreco.simulator.parameters import Parameters
from vipreco.simulator.randomness import Purpose, stream

EXPECTED_VIP_SHARE = 0.045


@dataclass(frozen=True)
class Network:
    """Branch and manager of each customer, and the skill of each manager.

    `branch` and `manager` are positions from 0; in the records a customer who is no VIP has the branch's
    desk instead of a manager. `skill` is added to the effect of a call.
    """

    branch: NDArray[np.int32]
    manager: NDArray[np.int32]
    skill: NDArray[np.float32]


def draw_network(customers: int, parameters: Parameters, seed: int) -> Network:
    """Spread customers over branches of unequal size, and VIP books over each branch's managers."""
    random = stream(seed, Purpose.BRANCHES)
    number = max(1, round(customers / parameters.branches.customers_a_branch))
    weight = np.arange(1, number + 1) ** -parameters.branches.size_exponent
    share = weight / weight.sum()
    vip = share * customers * EXPECTED_VIP_SHARE
    managers = np.maximum(1, np.ceil(vip / parameters.branches.vip_customers_a_manager)).astype(np.int32)
    first = np.concatenate([[0], np.cumsum(managers)[:-1]]).astype(np.int32)
    branch = random.choice(number, customers, p=share).astype(np.int32)
    slot = (random.random(customers) * managers[branch]).astype(np.int32)
    skill = parameters.branches.manager_skill_sigma * random.standard_normal(int(managers.sum()))
    return Network(branch=branch, manager=first[branch] + slot, skill=skill.astype(np.float32))
