"""The difference of two versions of the rules."""

from __future__ import annotations

from vipreco.policy import Change, Policy, compare_policies
from vipreco.settings import PolicySettings

HOUSE = PolicySettings()


def changed(policy: Policy, before: str, after: str) -> Policy:
    files = policy.definition.items()
    definition = {name: text.replace(before.encode(), after.encode()) for name, text in files}
    return Policy(definition)


def test_equal_rules_do_not_differ() -> None:
    policy = Policy.read(HOUSE)
    assert compare_policies(policy, Policy.read(HOUSE)) == []


def test_a_changed_owner_is_one_field_of_one_rule() -> None:
    policy = Policy.read(HOUSE)
    rule = policy.compiled[0].entry
    other = changed(policy, f'id = "{rule.id}"', f'id = "{rule.id}-two"')
    found = {one.rule: one.change for one in compare_policies(policy, other)}
    assert found == {rule.id: Change.REMOVED, f"{rule.id}-two": Change.ADDED}


def test_a_parameter_shows_in_the_condition() -> None:
    other = Policy.read(PolicySettings(parameters={"cooling_off_days": 61.0}))
    (found,) = compare_policies(Policy.read(HOUSE), other)
    (field,) = found.fields
    assert (found.rule, found.change, found.law) == ("cooling-off", Change.CHANGED, False)
    assert (field.name, field.before, field.after) == (
        "requires",
        "pair_decline_days >= 60",
        "pair_decline_days >= 61",
    )
