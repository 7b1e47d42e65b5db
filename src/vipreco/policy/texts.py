"""Sentences of rules with the facts of a row filled in."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from typing import Final, Literal

from vipreco.documents import money, spoken_date
from vipreco.policy.facts import PolicyFacts
from vipreco.settings import ParameterValue

Language = Literal["en", "zh"]
LANGUAGES: Final = ("en", "zh")
UNKNOWN: Final = {"en": "unknown", "zh": "未知"}
YES_NO: Final = {"en": ("no", "yes"), "zh": ("否", "是")}
IN_CHINESE: Final = {
    "branch": "网点",
    "call": "电话",
    "sms": "短信",
    "app": "手机应用",
    "full": "完全",
    "limited": "限制",
    "none": "无",
}
IN_ENGLISH: Final = {"sms": "text message", "app": "the app"}
AMOUNT: Final = "_amount"
_PLACEHOLDER = re.compile(r"\{([a-z][a-z0-9_]*)\}")


def sentence(
    text: str,
    facts: PolicyFacts,
    place: tuple[int, int],
    parameters: Mapping[str, ParameterValue],
    language: Language,
    currency: str = "",
) -> str:
    """Return a rule's text with every `{column}` and `{parameter}` replaced.

    Args:
        text: As it is written.
        facts: The facts of all rows.
        place: Row of the customer and column of the product.
        parameters: Parameters of the rule's file.
        language: Of the text.
        currency: Code of the currency of amounts; empty leaves them bare.
    """

    def fill(found: re.Match[str]) -> str:
        name = found[1]
        value = parameters[name] if name in parameters else facts.value(name, *place)
        if name.endswith(AMOUNT) and isinstance(value, int | float):
            return money(value, currency, language)
        return shown(value, language)

    return _PLACEHOLDER.sub(fill, text)


def shown(value: object, language: Language) -> str:
    """Return a fact as a person reads it.

    >>> shown(1234567.0, "en"), shown(None, "zh"), shown(True, "en"), shown(0.25, "en")
    ('1,234,567', '未知', 'yes', '0.25')
    """
    if value is None:
        return UNKNOWN[language]
    if isinstance(value, bool):
        return YES_NO[language][value]
    if isinstance(value, int | float):
        return f"{value:,.0f}" if value == int(value) else f"{value:,.2f}"
    if isinstance(value, date):
        return spoken_date(value, language)
    if isinstance(value, tuple):
        return ", ".join(value)
    words = IN_CHINESE if language == "zh" else IN_ENGLISH
    return words.get(str(value), str(value))
