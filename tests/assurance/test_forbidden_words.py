"""Texts that may be read to a customer promise nothing; a bank's own are read as well."""

from __future__ import annotations

import pytest

from vipreco.assurance import promises, said_texts
from vipreco.policy import Policy
from vipreco.settings import PolicySettings

POLICY = Policy.read(PolicySettings(packs=("house", "china")))


def test_all_catalogues_and_the_rules_in_force_are_read_and_promise_nothing() -> None:
    texts = said_texts(POLICY, ["混合理财", "Bond fund R2"])
    assert {"Bond fund R2", "held {product} until {left}", "settling the complaint"} <= set(texts)
    assert any("理财非存款" in text for text in texts)
    assert promises(texts) == []


@pytest.mark.parametrize("name", ["保本理财一号", "Guaranteed income 2030", "Risk-free saver"])
def test_the_name_of_a_product_that_promises_is_found(name: str) -> None:
    assert promises(said_texts(POLICY, [name])) == [name]
