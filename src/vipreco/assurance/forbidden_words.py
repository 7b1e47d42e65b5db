"""Promises that no text may make: of profit, or of safety, in English and Chinese."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from importlib.resources import files
from typing import Any, Final

from vipreco.policy import Language, Policy

PROMISES: Final[Mapping[Language, str]] = {
    "en": r"guarant|risk[- ]free|riskless|\bno risk(?! assess)|without (any )?risk|\bsafe investment"
    r"|certain (profit|return)",
    "zh": "保本|零风险|无风险(?!测评|等级)|稳赚|包赚|保收益|保证收益|绝对安全|必涨",
}
CATALOGUES: Final = (
    ("vipreco.explanations", "reasons.toml"),
    ("vipreco.explanations", "talk_track.toml"),
    ("vipreco.lists", "texts.toml"),
)
"""Texts of what is read to a customer or about one."""


def said_texts(policy: Policy, product_names: Iterable[str]) -> list[str]:
    """Return all that may be read to a customer: reasons, talk tracks, rules in force, names of products.

    Args:
        policy: Its rules may be the bank's own.
        product_names: Of the bank's catalogue.
    """
    found = list(product_names)
    for room, name in CATALOGUES:
        found += _texts(tomllib.loads(files(room).joinpath(name).read_text(encoding="utf-8")))
    for rule in policy.rules:
        found += [rule.text.en, rule.text.zh, rule.unlock.en, rule.unlock.zh]
    return list(dict.fromkeys(text for text in found if text))


def promises(texts: Iterable[str]) -> list[str]:
    """Return the texts that promise profit or safety.

    >>> promises(["no risk assessment", "a guaranteed return", "稳赚不赔", "无风险测评"])
    ['a guaranteed return', '稳赚不赔']
    """
    patterns = [re.compile(pattern, re.IGNORECASE) for pattern in PROMISES.values()]
    return [text for text in texts if any(pattern.search(text) for pattern in patterns)]


def _texts(part: Any) -> Iterator[str]:
    """Give all texts of a catalogue, whose languages are the keys `en` and `zh`."""
    if isinstance(part, dict):
        for key, value in part.items():
            if key in PROMISES and isinstance(value, str):
                yield value
            else:
                yield from _texts(value)
    elif isinstance(part, list):
        for value in part:
            yield from _texts(value)
