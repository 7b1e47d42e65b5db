"""The control group is drawn once for good: nobody changes arms, a smaller share is part of a larger."""

from __future__ import annotations

import hashlib
from itertools import pairwise

import numpy as np
import polars as pl
import pytest

from vipreco.campaign import in_control
from vipreco.folds import draws, salt_id, salt_of

IDS = pl.Series("customer_id", [f"{number:010d}" for number in range(20_000)])
SALT = salt_of("", 7)


def test_a_draw_is_the_hash_of_salt_purpose_and_id():
    found = draws(IDS[:5], SALT, "control")
    expected = [
        int(hashlib.sha256(f"{SALT} control {customer}".encode()).hexdigest()[:13], 16) / 16**13
        for customer in IDS[:5]
    ]
    assert found.tolist() == expected


def test_no_customer_changes_arms_in_24_months_while_others_come_and_go():
    generator = np.random.default_rng(1)
    known: dict[str, bool] = {}
    changed = 0
    for _ in range(24):
        here = IDS.filter(pl.Series(generator.random(len(IDS)) < 0.8)).shuffle(int(generator.integers(99)))
        for customer, control in zip(here.to_list(), in_control(here, SALT, 0.1).tolist(), strict=True):
            changed += known.setdefault(customer, control) != control
    assert changed == 0
    assert len(known) == len(IDS)


def test_a_smaller_share_is_a_part_of_a_larger_one():
    shares = [0.0, 0.01, 0.1, 0.5, 0.99]
    groups = [in_control(IDS, SALT, share) for share in shares]
    assert not groups[0].any()
    for smaller, larger in pairwise(groups):
        assert not (smaller & ~larger).any()


@pytest.mark.parametrize("share", [0.05, 0.2, 0.5])
def test_the_group_has_its_share(share: float):
    assert in_control(IDS, SALT, share).mean() == pytest.approx(share, abs=4 * (share / len(IDS)) ** 0.5)


def test_draws_of_two_purposes_have_nothing_to_do_with_each_other():
    one, two = draws(IDS, SALT, "control"), draws(IDS, SALT, "explore spring")
    assert abs(np.corrcoef(one, two)[0, 1]) < 4 / len(IDS) ** 0.5


def test_another_salt_draws_another_group_and_has_another_name():
    other = salt_of("secret", 7)
    assert salt_of("secret", 8) == other != SALT
    assert salt_id(other) != salt_id(SALT)
    agree = (in_control(IDS, SALT, 0.5) == in_control(IDS, other, 0.5)).mean()
    assert agree == pytest.approx(0.5, abs=0.02)
