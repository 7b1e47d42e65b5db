"""Ids, judged by the whole column: what a spreadsheet has damaged, and what only looks like it.

`04827e31` is a number to a spreadsheet, and an id where other ids of its length have letters. `123.0` is a
damaged number, and an id where others are `123.4`. A Cyrillic letter is a lookalike among Latin ones.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import polars as pl

DAMAGED: Final = "spreadsheet-damaged-id"
CHARACTERS: Final = "id-characters"
# Letters and digits of any script, with marks of their own; nothing invisible and no space
SOUND: Final = r"^[\p{L}\p{N}](?:[\p{L}\p{M}\p{N}_.:/\-]*[\p{L}\p{M}\p{N}])?$"
EXPONENT: Final = r"^[0-9]+[eE][0-9]+$"
WHOLE_POINT: Final = r"^[0-9]+\.0+$"
# A sign or a point in the number is what a spreadsheet writes, and no hash
CERTAIN: Final = (
    r"^[+-]?[0-9]+\.[0-9]+[eE][+-]?[0-9]+$|^[+-]?[0-9]+[eE][+-][0-9]+$|"
    r"^[+-][0-9]+[eE][0-9]+$|^[+-][0-9]+\.0+$|^#"
)
LATIN, LOOKALIKE = r"\p{Latin}", r"[\p{Cyrillic}\p{Greek}\p{Armenian}\p{Cherokee}]"


@dataclass(frozen=True)
class Suspicion:
    """A code that holds for rows unless `cleared_by` is seen in the column, or only if `proved_by` is."""

    code: str
    cleared_by: str = ""
    proved_by: str = ""

    def holds(self, evidence: frozenset[str]) -> bool:
        """Return whether the rows are refused after all."""
        return self.proved_by in evidence if self.proved_by else self.cleared_by not in evidence


@dataclass(frozen=True)
class LookedAt:
    """Masks of distinct ids: surely damaged, unsound, suspect; and the signs found in the others."""

    damaged: pl.Series
    unsound: pl.Series
    suspects: dict[Suspicion, pl.Series]
    evidence: frozenset[str]


def look_at(texts: pl.Series, *, text_ids: bool) -> LookedAt:
    """Sort distinct ids by what can be told of each alone, and what the whole column must tell."""
    none = pl.repeat(False, texts.len(), eager=True)
    certain = none if text_ids else _has(texts, CERTAIN)
    mixed = _has(texts, LATIN) & _has(texts, LOOKALIKE)
    normal = (texts.str.normalize("NFKC") == texts).fill_null(value=True)
    sound = _has(texts, SOUND) & normal & ~mixed
    suspects = {Suspicion(CHARACTERS, proved_by="latin"): _has(texts, LOOKALIKE) & sound}
    if not text_ids:
        exponents = _has(texts, EXPONENT)
        lengths = texts.str.len_chars()
        for length in lengths.filter(exponents).unique().to_list():
            suspects[Suspicion(DAMAGED, cleared_by=f"letters-{length}")] = exponents & (lengths == length)
        suspects[Suspicion(DAMAGED, cleared_by="points")] = _has(texts, WHOLE_POINT)
    return LookedAt(certain, ~sound & ~certain & texts.is_not_null(), suspects, _evidence(texts))


def _evidence(texts: pl.Series) -> frozenset[str]:
    lettered = texts.filter(_has(texts, r"\p{L}") & ~_has(texts, EXPONENT))
    found = {f"letters-{length}" for length in lettered.str.len_chars().unique().to_list()}
    found |= {"latin"} if _has(texts, LATIN).any() else set()
    found |= {"points"} if _has(texts, r"^[0-9]+\.[0-9]*[1-9][0-9]*$").any() else set()
    return frozenset(found)


def _has(texts: pl.Series, pattern: str) -> pl.Series:
    return texts.str.contains(pattern).fill_null(value=False)
