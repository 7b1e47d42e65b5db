"""Masks for personal data in free text."""

from __future__ import annotations

import re

NOTE_LENGTH = 500
_DIGIT = "[\\d〇零一二三四五六七八九壹贰叁肆伍陆柒捌玖幺]"
# Eight or more digits, whatever stands between them: a phone number, an identity card, an account. A comma
# does not: it groups the digits of an amount.
NUMBERS = re.compile(rf"{_DIGIT}(?:[\s\-‐-―－_.．·・、。()（）/／]*{_DIGIT}){{7,}}[Xx]?")
_AT = r"(?:[@＠]|[(\[（]\s*at\s*[)\]）])"
EMAIL_ADDRESSES = re.compile(rf"[\w.+%-]+\s*{_AT}\s*[\w-]+(?:\s*[.．。]\s*[\w-]+)+", re.IGNORECASE)
NUMBER_MASK, EMAIL_MASK = "[number]", "[email]"


def masked(note: str) -> str:
    """Return a note without e-mail addresses and without numbers that could identify a person."""
    return NUMBERS.sub(NUMBER_MASK, EMAIL_ADDRESSES.sub(EMAIL_MASK, note))[:NOTE_LENGTH]
