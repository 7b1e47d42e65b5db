"""A rule file as it is written: TOML, checked key by key."""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import AliasChoices, Field, model_validator

from vipreco.policy.columns import Kind, PolicyColumn
from vipreco.settings import ParameterValue, Section


class Stage(StrEnum):
    """Stage of the policy, in order."""

    ELIGIBILITY = "eligibility"
    APPLICABILITY = "applicability"
    SUITABILITY = "suitability"
    CONTACT_POLICY = "contact_policy"


class RuleWords(Section):
    """A sentence in English and Chinese; `{column}` is replaced by the fact of the row."""

    en: str = ""
    zh: str = ""

    def in_(self, language: Literal["en", "zh"]) -> str:
        """Return the text in a language."""
        return self.zh if language == "zh" else self.en


class RuleEntry(Section):
    """One `[[rule]]` of a file.

    Attributes:
        id: Name of the rule, unique in a policy.
        title: Few words for what it is about, where customers are counted by it; by default its reason code.
        stage: When it is asked.
        reason_code: What a stopped product carries.
        unknown_reason_code: The same where a fact is unknown; by default `reason_code`.
        concerns: Condition on the rows that the rule is about; unknown = concerned, empty = all.
        requires: Condition that must be true; false and unknown stop.
        text: Why it stops.
        unlock: What would make the product possible; empty if nothing would.
        unknown_text: Why it stops where a fact is unknown; by default `text`.
        unknown_unlock: What would help then; by default `unlock`.
        done_with: Rules whose step, where they stop as well, does what this rule asks for too: a first risk
            assessment is a current one. This rule then adds no step of its own.
        reaches: Fact of the product up to which the step carries: money for a product of 50,000 is enough
            for one of 10,000. Without it, a step of a rule that looks at the product counts for it alone.
        legal_reference: Law, article.
        legal_reference_zh: The same in Chinese; by default as it stands in `legal_reference`.
        valid_from: First date on which it applies.
        valid_until: Last date on which it applies.
        owner: Who answers for it in the bank.
        law: It is law or duty: nobody may relax it.
        if_absent: What a rule of the house does where the bank brings no such column at all: stop
            everything, or be inactive. A law is never inactive.
    """

    id: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]*$")]
    title: RuleWords = RuleWords()
    stage: Stage
    reason_code: Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9_]*$")]
    unknown_reason_code: Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9_]*$")] | None = None
    concerns: str = ""
    requires: Annotated[str, Field(min_length=1)]
    text: RuleWords
    unlock: RuleWords = RuleWords()
    unknown_text: RuleWords | None = None
    unknown_unlock: RuleWords | None = None
    done_with: tuple[str, ...] = ()
    reaches: str = ""
    legal_reference: str = ""
    legal_reference_zh: str = ""
    valid_from: date | None = None
    valid_until: date | None = None
    owner: Annotated[str, Field(min_length=1)]
    law: bool = False
    if_absent: Annotated[
        Literal["stop", "inactive"], Field(validation_alias=AliasChoices("if_absent", "if_not_brought"))
    ] = "stop"

    def law_in(self, language: Literal["en", "zh"]) -> str:
        """Return law and article; in English where the file does not have the other language."""
        return (self.legal_reference_zh if language == "zh" else "") or self.legal_reference

    @model_validator(mode="after")
    def _law_needs_a_reference(self) -> RuleEntry:
        if self.law and not self.legal_reference:
            raise ValueError("a law needs a legal_reference")
        if self.law and self.if_absent == "inactive":
            raise ValueError("a law is never inactive: leave if_absent out")
        if self.valid_from and self.valid_until and self.valid_until < self.valid_from:
            raise ValueError("valid_until is before valid_from, so the rule would never apply")
        return self


class OwnColumn(Section):
    """A column of the bank's own: the attribute `policy_<rest of the name>` of its customers."""

    kind: Literal["text", "number", "flag"]
    what: str


class BanEntry(Section):
    """Columns that no rule about some families may use (a law against discrimination).

    Attributes:
        id: Name of the ban.
        families: Families of products that it protects; a parameter's name with `:` stands for its list.
        columns: Columns that must not matter.
        text: What the law says.
        legal_reference: Law, article.
        owner: Who answers for it in the bank.
    """

    id: str
    families: tuple[str, ...]
    columns: tuple[str, ...]
    text: RuleWords
    legal_reference: str
    owner: str


class Pack(Section):
    """All of a rule file.

    Attributes:
        absent_for_strangers: Flags that somebody without a record cannot have, such as an open complaint: for
            them they count as not set. All other facts about them stay unknown.
    """

    name: str
    purpose: str = ""
    absent_for_strangers: tuple[str, ...] = ()
    parameters: dict[str, ParameterValue] = Field(default_factory=dict)
    columns: dict[str, OwnColumn] = Field(default_factory=dict)
    rule: tuple[RuleEntry, ...] = ()
    ban: tuple[BanEntry, ...] = ()

    def own_columns(self) -> tuple[PolicyColumn, ...]:
        """Return the bank's own columns that the file declares."""
        return tuple(
            PolicyColumn(name, Kind(column.kind), column.what, "attribute")
            for name, column in self.columns.items()
        )
