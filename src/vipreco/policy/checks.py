"""Checks of a policy against contradictions and unknown names, before it judges anybody."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

import polars as pl

from vipreco.errors import UsageError
from vipreco.policy.boundaries import QUOTED, all_cases
from vipreco.policy.columns import CHANNELS, KNOWN, Grain, Kind, PolicyColumn, nearest
from vipreco.policy.compiled_rules import Compiled
from vipreco.policy.conditions import Atom
from vipreco.policy.definition import ENDING, shipped_packs
from vipreco.policy.packfile import BanEntry, Pack
from vipreco.settings import PolicySettings

_NAMED_LIST = re.compile(r"\b([a-z_]+)\s+(?:NOT\s+)?IN\s*\(([^)]*)\)", re.IGNORECASE)
_NAMED_TEXT = re.compile(r"\b([a-z_]+)\s*(?:=|<>)\s*('(?:[^']|'')*')")


def _stranger_flags(packs: Mapping[str, Pack], known: Mapping[str, PolicyColumn]) -> list[str]:
    """Find flags of strangers that are no flags of customers."""
    named = ((name, flag) for name, pack in packs.items() for flag in pack.absent_for_strangers)
    return [
        f"{name}: absent_for_strangers: {flag} is no flag of customers"
        for name, flag in named
        if flag not in known or known[flag].kind is not Kind.FLAG or known[flag].grain is not Grain.CUSTOMER
    ]


def check_policy(
    packs: Mapping[str, Pack],
    settings: PolicySettings,
    compiled: tuple[Compiled, ...],
    known: Mapping[str, PolicyColumn],
) -> None:
    """Refuse a policy that contradicts itself or speaks of what there is not.

    Raises:
        UsageError: All findings, each with its file and rule.
    """
    findings = [
        *_parameters(packs, settings),
        *_own_columns(packs),
        *_stranger_flags(packs, known),
        *_channels(compiled),
        *_steps(compiled, known),
        *(finding for one in compiled for finding in _contradictions(one, known)),
        *_banned(packs, compiled, known),
    ]
    if findings:
        raise UsageError(
            f"{len(findings)} finding(s) in the rules",
            where="policy",
            remedy="correct the rule files; nothing was done",
            code="policy",
            examples=findings,
        )


def named_values(one: Compiled, column: str) -> set[str]:
    """Return the texts with which a rule's conditions compare a column."""
    found = set()
    for sql in (one.concerns_sql, one.requires_sql):
        parts = [*_NAMED_LIST.findall(sql), *_NAMED_TEXT.findall(sql)]
        found |= {text for name, content in parts if name == column for text in QUOTED.findall(content)}
    return found


def _parameters(packs: Mapping[str, Pack], settings: PolicySettings) -> Iterator[str]:
    declared = {name for pack in packs.values() for name in pack.parameters}
    for name in sorted(set(settings.parameters) - declared):
        yield f"policy.parameters.{name}: no rule file declares it{nearest(name, declared)}"
    for file, pack in packs.items():
        texts = " ".join(f"{rule.concerns} {rule.requires} {rule.text}" for rule in pack.rule)
        bans = " ".join(family for ban in pack.ban for family in ban.families)
        for name in sorted(pack.parameters):
            if f":{name}" not in texts + bans and f"{{{name}}}" not in texts:
                yield f"{file}: parameters.{name}: no rule uses it"
            if name in KNOWN:
                yield f"{file}: parameters.{name}: is the name of a fact"


def _own_columns(packs: Mapping[str, Pack]) -> Iterator[str]:
    for file, pack in packs.items():
        for column in pack.own_columns():
            if column.name in KNOWN:
                yield f"{file}: columns.{column.name}: is one of ours already"
            elif not column.name.startswith(f"{Grain.CUSTOMER}_"):
                yield f"{file}: columns.{column.name}: begins with customer_, like all facts about customers"


def _channels(compiled: tuple[Compiled, ...]) -> Iterator[str]:
    for one in compiled:
        for name in sorted(named_values(one, "context_channel") - set(CHANNELS)):
            yield f"{one.where}: there is no channel {name}{nearest(name, CHANNELS)}"


def _steps(compiled: tuple[Compiled, ...], known: Mapping[str, PolicyColumn]) -> Iterator[str]:
    """Find steps that are said to be done with a rule, or to reach up to a fact, that there is not."""
    ids, shipped = {one.entry.id for one in compiled}, shipped_packs()
    for one in compiled:
        own = (
            one.pack.removesuffix(ENDING) not in shipped
        )  # a pack may name rules of packs that are not in use
        for name in one.entry.done_with:
            if name == one.entry.id or (own and name not in ids):
                yield f"{one.where}: done_with: there is no other rule {name}{nearest(name, ids)}"
        reaches = one.entry.reaches
        if reaches and (reaches not in known or known[reaches].grain is not Grain.PRODUCT):
            yield f"{one.where}: reaches: {reaches} is no fact of the product"


def _contradictions(one: Compiled, known: Mapping[str, PolicyColumn]) -> Iterator[str]:
    """Try every constellation of values around those that the rule names: truth changes nowhere else."""
    columns = [known[name] for name in sorted(one.condition_columns)]
    cases = all_cases(columns, f"{one.concerns_sql} {one.requires_sql}")
    if cases is None:
        return
    truth = cases.select(
        concerned=_joined(one.concerns, otherwise=True), required=_joined(one.requires, otherwise=False)
    )
    if not truth["concerned"].any():
        yield f"{one.where}: concerns nothing: `concerns` can never be true"
    elif not truth["required"].any():
        yield f"{one.where}: can never pass: `requires` can never be true"
    elif (truth["required"] | ~truth["concerned"]).all():
        yield f"{one.where}: stops nothing but the unknown: `requires` is always true"


def _joined(atoms: tuple[Atom, ...], otherwise: bool) -> pl.Expr:
    if not atoms:
        return pl.lit(otherwise)
    return pl.all_horizontal(atom.expression for atom in atoms)


def _banned(
    packs: Mapping[str, Pack], compiled: tuple[Compiled, ...], known: Mapping[str, PolicyColumn]
) -> Iterator[str]:
    for file, pack in packs.items():
        for ban in pack.ban:
            families = _families(ban, pack)
            for name in ban.columns:
                if name not in known:
                    yield f"{file}: ban {ban.id}: there is no column {name}{nearest(name, known)}"
            for one in compiled:
                used = sorted(one.condition_columns & set(ban.columns))
                if used and any(_may_concern(one, family, known) for family in families):
                    names = ", ".join(used)
                    yield f"{one.where}: uses {names}, which {ban.legal_reference} forbids ({ban.id})"


def _families(ban: BanEntry, pack: Pack) -> list[str]:
    named = [
        pack.parameters.get(item.removeprefix(":"), ()) if item.startswith(":") else item
        for item in ban.families
    ]
    return [family for item in named for family in (item if isinstance(item, tuple) else (str(item),))]


def _may_concern(one: Compiled, family: str, known: Mapping[str, PolicyColumn]) -> bool:
    """Return whether a rule may concern a family, as far as the family alone can tell."""
    row = pl.DataFrame(
        {name: [family if name == "product_family" else None] for name in sorted(one.condition_columns)},
        schema={name: known[name].dtype for name in sorted(one.condition_columns)},
    )
    return not any(row.select(atom.expression.alias("truth"))["truth"][0] is False for atom in one.concerns)
