"""The attacks of `make attack` find nothing: the short ones in every run, all with `make test-long`."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.attack.all import ATTACKS, Attack, Tries
from tests.attack.target import Target, running_target
from tests.shared import BuiltOnce


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory, built_once: BuiltOnce) -> Iterator[Target]:
    with running_target(tmp_path_factory.mktemp("attacked"), built_once) as found:
        yield found


@pytest.mark.parametrize(
    "one",
    [pytest.param(each, id=each.name, marks=() if each.short else pytest.mark.long) for each in ATTACKS],
)
def test_an_attack_finds_nothing(target: Target, one: Attack) -> None:
    tries = Tries()
    one.run(target, tries)
    assert tries.count
    assert tries.findings == []
