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
    policy = Policy.read(HOUSE)
    name, value = next(
        (name, value)
        for one in policy.compiled
        for name, value in one.parameters.items()
        if isinstance(value, int) and f":{name}" in f"{one.entry.requires} {one.entry.concerns}"
    )
    found = compare_policies(policy, changed(policy, f"{name} = {value}\n", f"{name} = {value + 1}\n"))
    fields = [field for one in found for field in one.fields]
    assert fields
    assert {field.name for field in fields} <= {"concerns", "requires"}
    assert all(str(value) in field.before and str(value + 1) in field.after for field in fields)
