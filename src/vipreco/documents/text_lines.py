"""Lines that a text takes in a column: widths of signs, and where a program breaks them."""

from __future__ import annotations

import unicodedata

WIDE = frozenset("WF")
BREAKS_AFTER = frozenset(" -/")


def sign_width(sign: str) -> int:
    """Return the columns of a sign: two for a Chinese one, else one.

    >>> sign_width("a"), sign_width("中")
    (1, 2)
    """
    return 2 if unicodedata.east_asian_width(sign) in WIDE else 1


def text_width(text: str) -> int:
    """Return the columns of a text without breaks."""
    return len(text) if text.isascii() else sum(map(sign_width, text))


def line_count(text: str, width: int) -> int:
    """Return how many lines a text takes in so many columns: words stay whole, Chinese breaks anywhere.

    >>> line_count("a", 10), line_count("two words", 5), line_count("中文字符", 4), line_count("a\\nb", 10)
    (1, 2, 2, 2)
    """
    return sum(_wrapped(line, max(width, 2)) for line in text.split("\n"))


def _wrapped(line: str, width: int) -> int:
    lines, used = 1, 0
    for word in _words(line):
        size = text_width(word)
        if used + text_width(word.rstrip()) <= width:
            used += size
            continue
        lines += 1 if used else 0
        lines += (size - 1) // width  # a word longer than the column is cut
        used = size - (size - 1) // width * width
    return lines


def _words(line: str) -> list[str]:
    """Return the pieces between which a line may break."""
    words: list[str] = []
    whole = True  # the last piece may not grow any more
    for sign in line:
        wide = sign_width(sign) == 2
        if whole or wide:
            words.append(sign)
        else:
            words[-1] += sign
        whole = wide or sign in BREAKS_AFTER
    return words
