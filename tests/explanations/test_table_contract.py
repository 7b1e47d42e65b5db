"""The fact check states keys and clocks of the tables on its own, and says what the contract says."""

from __future__ import annotations

import pytest

from vipreco.explanations.raw_facts import HAPPENED, KEYS
from vipreco.tables import STORED_CONTRACTS


@pytest.mark.parametrize("table", sorted(KEYS))
def test_keys_and_clocks_are_those_of_the_contract(table: str) -> None:
    contract = STORED_CONTRACTS[table]
    assert set(KEYS[table]) == set(contract.key)
    assert HAPPENED[table] == contract.clock
