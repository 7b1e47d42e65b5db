"""The catalogue of talk tracks, `talk_track.toml`: what a relationship manager may say, in both languages."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import Annotated

from pydantic import Field, model_validator

from vipreco.explanations.reason_catalog import CO_HELD, CO_HELD_PAIR, ReasonCatalog, ReasonWords
from vipreco.features import parse_definition
from vipreco.settings import CallKind, Section

TALK_FILE = "talk_track.toml"
OTHER_FAMILY = "other"
_PLACE = re.compile(r"\{([a-z_]+)\}")


class ObjectionWords(Section):
    """Something that a customer may say against it, and an honest answer."""

    said: ReasonWords
    answer: ReasonWords


Objections = Annotated[tuple[ObjectionWords, ...], Field(min_length=2, max_length=2)]


class CallWords(Section):
    """Words of calls of one purpose.

    Attributes:
        opening: First sentence where the purpose has a fact of its own.
        opening_open: The same where a part of the fact is not there: no product, no talk so far.
        question: What is asked where no product is offered.
        next_step: How the talk ends.
        objections: Two, where no product is offered.
    """

    opening: ReasonWords | None = None
    opening_open: ReasonWords | None = None
    question: ReasonWords
    next_step: ReasonWords
    objections: Objections


class FamilyWords(Section):
    """Words of products of one family: a question, the sentence about risk, two objections."""

    question: ReasonWords
    risk: ReasonWords
    objections: Objections


class TalkCatalog(Section):
    """All of `talk_track.toml`.

    Attributes:
        reason: First sentence of a talk by the id of the reason whose facts it says.
        call: Words by the purpose of the call.
        family: Words by the family of the product that is offered.
        general: Everything else.
    """

    reason: Mapping[str, ReasonWords]
    call: Mapping[CallKind, CallWords]
    family: Mapping[str, FamilyWords]
    general: Mapping[str, ReasonWords]

    @classmethod
    def shipped(cls) -> TalkCatalog:
        """Return the catalogue that comes with vipreco."""
        return _shipped()

    def of_family(self, family: str) -> FamilyWords:
        """Return the words of a family; an unknown one counts as an investment."""
        return self.family.get(family) or self.family[OTHER_FAMILY]

    @model_validator(mode="after")
    def _is_whole(self) -> TalkCatalog:
        missing = [*(set(CallKind) - set(self.call)), *({OTHER_FAMILY} - set(self.family))]
        if missing:
            raise ValueError(f"there are no words for {', '.join(sorted(missing))}")
        coverage = self.call[CallKind.COVERAGE]
        if coverage.opening is None or coverage.opening_open is None:
            raise ValueError("call.coverage has to open every talk that nothing else opens")
        return self

    @model_validator(mode="after")
    def _says_facts_of_reasons(self) -> TalkCatalog:
        known = dict(_sentences(ReasonCatalog.shipped()))
        if set(self.reason) ^ set(known):
            raise ValueError(f"[reason] and reasons.toml differ: {sorted(set(self.reason) ^ set(known))}")
        for name, words in self.reason.items():
            told = {place for text in known[name] for place in _PLACE.findall(text)}
            asked = {place for text in (words.en, words.zh) for place in _PLACE.findall(text)}
            if asked - told:
                raise ValueError(f"[reason.{name}] says {sorted(asked - told)}, which the reason does not")
        return self


def _sentences(catalogue: ReasonCatalog) -> Iterator[tuple[str, tuple[str, str]]]:
    """Give both texts of each reason by its id."""
    for entry in catalogue.reason:
        yield entry.id, (entry.en, entry.zh)
    for name, words in ((CO_HELD, catalogue.co_held), (CO_HELD_PAIR, catalogue.co_held_pair)):
        yield name, (words.en, words.zh)


@cache
def _shipped() -> TalkCatalog:
    content = files(__package__).joinpath(TALK_FILE).read_bytes()
    return parse_definition(content, TalkCatalog, TALK_FILE)
